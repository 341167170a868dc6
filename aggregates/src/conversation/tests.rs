//! given/when/then

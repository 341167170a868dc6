//! The command line.

mod configuration;

//! Building blocks of the roles.

pub mod ledger_feed;
pub mod wake;

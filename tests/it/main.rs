//! The stories of the whole, against real services. One binary, one module for a story.

#[path = "../support/mod.rs"]
mod support;

mod ledger;
mod read_models;
mod worker;

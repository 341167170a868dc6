//! The command line.

mod accounts;
mod configuration;
mod operations;

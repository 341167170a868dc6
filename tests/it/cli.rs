//! The command line.

mod accounts;
mod config_check;
mod config_file;
mod configuration;
mod installation;
mod invitations;
mod operations;
mod runbook;

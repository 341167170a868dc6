//! End-to-end tests against real services, in the folders of the code they test.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot continue has failed"
)]

#[path = "../support/mod.rs"]
mod support;

mod api;
mod audit;
mod brokers;
mod cli;
mod failures;
mod knowledge;
mod observed;
mod operations;
mod poolers;
mod proxies;
mod roles;
mod store;
mod upgrades;

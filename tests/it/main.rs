//! The stories of the whole, against real services. One binary, one module for a story.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a story that cannot go on has failed"
)]

#[path = "../support/mod.rs"]
mod support;

mod audit;
mod audit_proof;
mod backups;
mod bad_days;
mod blindness;
mod clock;
mod commands;
mod documents;
mod erasure;
mod erasure_killed;
mod export;
mod full_disk;
mod indexing;
mod ingest;
mod isolation;
mod keys;
mod ledger;
mod operator;
mod read_models;
mod reindex;
mod restore;
mod retention;
mod streams;
mod worker;
mod worker_dies;

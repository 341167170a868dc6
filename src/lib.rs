//! The service: commands in, facts out.
//!
//! `ARCHITECTURE.md` follows one question through the modules below.

pub mod cli;
pub mod config;
pub mod feed;
pub mod hub;
pub mod ingest;
pub mod projector;
pub mod sealer;
pub mod store;
pub mod telemetry;
pub mod wake;
pub mod worker;

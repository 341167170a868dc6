//! The service: commands in, facts out.
//!
//! `ARCHITECTURE.md` follows one question through the modules below.

pub mod app;
pub mod audit;
pub mod cli;
pub mod commands;
pub mod config;
pub mod eraser;
pub mod export;
pub mod feed;
pub mod files;
pub mod http;
pub mod hub;
pub mod identity;
pub mod indexing;
pub mod ingest;
mod lately;
pub mod library;
pub mod projector;
pub mod read_cache;
pub mod rebuild;
pub mod reindex;
pub mod restore;
pub mod retention;
pub mod sealer;
pub mod store;
pub mod telemetry;
mod together;
pub mod wake;
pub mod worker;

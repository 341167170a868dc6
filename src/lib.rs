//! The service: commands in, facts out.
//!
//! `ARCHITECTURE.md` follows one question through the modules below.

pub mod config;
pub mod store;
pub mod telemetry;
pub mod wake;

//! Colloquy: commands become events, answers stream, auditors replay.
//!
//! `ARCHITECTURE.md` follows one question through the modules below. A module depends on those after it in
//! this list, never on those before it: `process`, `admin`, `api`, `operations`, `health`, `roles`,
//! `knowledge`, `config`, `audit`, `runtime`.

pub mod admin;
pub mod api;
pub mod audit;
pub mod cli;
pub mod config;
pub mod health;
pub mod knowledge;
pub mod language_models;
pub mod operations;
pub mod process;
pub mod roles;
pub mod runtime;
pub mod telemetry;

//! colloquy-dev: starts the real services that Colloquy runs on during development and tests, and Colloquy
//! itself. Dispatches to the commands; the services are in the library.

mod arguments;
mod command;
mod end_signals;
mod environment;
mod knowledge;
mod language_model;
mod run;
mod services;
mod terminal;

use std::process::ExitCode;

use anyhow::Result;
use clap::Parser as _;

use crate::arguments::{Arguments, Mode};
use crate::terminal::note;

#[tokio::main]
async fn main() -> ExitCode {
    let outcome: Result<ExitCode> = match Arguments::parse().mode {
        Mode::Run(arguments) => run::run(arguments).await,
        Mode::Services(arguments) => services::services(arguments).await,
    };
    outcome.unwrap_or_else(|problem| {
        note(format!("colloquy-dev: {problem:#}"));
        ExitCode::FAILURE
    })
}

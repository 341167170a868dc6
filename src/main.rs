//! Parses the command line and runs the command.

use std::process::ExitCode;

use colloquy::cli::Cli;
use rag::error_chain::ErrorChain;

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    let cli = Cli::from_process();
    if let Some(code) = cli.run_confined() {
        return code;
    }
    match cli.run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("colloquy: {}", ErrorChain(&*error));
            ExitCode::FAILURE
        }
    }
}

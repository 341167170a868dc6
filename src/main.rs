//! Parses the command line, starts logging and runs the command.

use std::process::ExitCode;

use colloquy::cli::Cli;
use colloquy::telemetry;

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    let cli = Cli::from_process();
    if let Some(code) = cli.run_confined() {
        return code;
    }
    match run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("colloquy: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Does not wait for blocking work, such as an embedding, that outlives the command.
fn run(cli: Cli) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let entered = runtime.enter();
    cli.start_telemetry()?;
    drop(entered);
    let result = runtime.block_on(cli.run());
    telemetry::end();
    runtime.shutdown_background();
    result
}

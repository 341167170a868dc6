//! `colloquy audit verify`: an export, offline, or the ledger in the database.

use std::fs::File;
use std::io::{BufReader, stdin};
use std::path::{Path, PathBuf};

use aggregates::Position;
use anyhow::Context as _;
use clap::Args;

use super::{Database, parse_public_key};
use crate::audit::verify::{Verified, verify};
use crate::audit::{PublicKey, verify_database};
use crate::config::AppConfig;

const READ_BUFFER_BYTES: usize = 1 << 20;
/// Progress is printed once for this many positions.
const PROGRESS_POSITIONS: u64 = 100_000;

#[derive(Debug, Args)]
#[command(after_help = "With --database, the environment variables of `colloquy audit export` are read.")]
pub(in crate::cli) struct Arguments {
    /// Export to verify; `-` for standard input.
    #[arg(required_unless_present = "database", conflicts_with = "database")]
    export: Option<PathBuf>,
    /// Verify the ledger in the database against its events.
    #[arg(long)]
    database: bool,
    /// Public key that must have signed: a file, or the key in base64.
    #[arg(long)]
    public_key: Option<String>,
    /// Position after which the export begins.
    #[arg(long, default_value_t = 0, conflicts_with = "database")]
    after: u64,
}

pub(super) async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let key = arguments.public_key.as_deref().map(parse_public_key).transpose()?;
    let verified = if let Some(path) = arguments.export {
        verify_export(&path, arguments.after, key)?
    } else {
        let config = AppConfig::from_environment().unwrap_or_else(|error| error.exit());
        let database = Database::connect(config).await?;
        verify_database(&database.store, key, report_progress).await?
    };
    report(&verified);
    Ok(())
}

fn verify_export(path: &Path, after: u64, key: Option<PublicKey>) -> anyhow::Result<Verified> {
    if path == Path::new("-") {
        return Ok(verify(BufReader::with_capacity(READ_BUFFER_BYTES, stdin()), after, key)?);
    }
    let file = File::open(path).with_context(|| format!("{} cannot be opened", path.display()))?;
    Ok(verify(BufReader::with_capacity(READ_BUFFER_BYTES, file), after, key)?)
}

fn report_progress(position: Position, goal: Position) {
    if position.0.is_multiple_of(PROGRESS_POSITIONS) {
        eprintln!("{position} of {goal}");
    }
}

fn report(verified: &Verified) {
    let Verified { events, first, last, chained, key_id, key_given, resumed_after } = verified;
    match first.zip(*last) {
        None => println!("Valid: no events."),
        Some((first, last)) if *chained => {
            println!("Valid: {events} events, positions {first} to {last}, hash chain intact.");
        }
        Some((first, last)) => {
            println!("Valid: {events} events from position {first} to {last}, each as recorded.");
            println!("The export is filtered: it does not prove that no other events exist.");
        }
    }
    if !key_id.is_empty() {
        println!("Signed by key {key_id}.");
        if !key_given {
            println!(
                "The key comes from the export itself: compare it with a trusted copy, or pass one by --public-key."
            );
        }
    }
    if let Some(position) = resumed_after {
        println!(
            "The export resumes after position {position}: no signature covers the decrypted texts before it."
        );
    }
}

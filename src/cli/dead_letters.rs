//! `colloquy dead-letters`: answers, documents and deliveries that workers gave up.

use anyhow::Context as _;
use clap::{Args, Subcommand};
use serde_json::json;
use store::DeadLetter;
use uuid::Uuid;

use crate::cli::LedgerArguments;
use crate::operations::dead_letters::{DeadLetters, NotDecided};
use crate::process::App;

const CONNECTIONS: u32 = 2;
/// Letters that are listed: all that are kept.
const LISTED: u32 = 10_000;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// List the dead letters, the newest first, one line each.
    List(List),
    /// Show a dead letter.
    Show(One),
    /// Do the work again, after the cause is gone.
    Retry(One),
    /// Leave the work undone.
    Discard(One),
}

#[derive(Debug, Args)]
pub(super) struct List {
    /// Print one JSON object a line.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    ledger: LedgerArguments,
}

#[derive(Debug, Args)]
pub(super) struct One {
    /// Id of the letter.
    letter: Uuid,
    #[command(flatten)]
    ledger: LedgerArguments,
}

pub(super) async fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::List(List { json, ledger }) => list(ledger, json).await,
        Command::Show(One { letter, ledger }) => {
            let found = connect(ledger).await?.store.dead_letter(letter).await?;
            println!("{:#}", as_object(&found.context(NotDecided::NotFound)?));
            Ok(())
        }
        Command::Retry(One { letter, ledger }) => {
            connect(ledger).await?.retry(letter).await?;
            println!("The work is done again.");
            Ok(())
        }
        Command::Discard(One { letter, ledger }) => {
            connect(ledger).await?.discard(letter).await?;
            println!("The letter is discarded.");
            Ok(())
        }
    }
}

async fn connect(ledger: LedgerArguments) -> anyhow::Result<DeadLetters> {
    let app = App::for_command(ledger.config).await?;
    Ok(DeadLetters {
        store: app.store(CONNECTIONS)?,
        nats: app.nats().clone(),
        subjects: app.subjects().clone(),
        wake: app.wake(),
    })
}

async fn list(ledger: LedgerArguments, as_json: bool) -> anyhow::Result<()> {
    for letter in connect(ledger).await?.store.dead_letters(LISTED).await? {
        if as_json {
            println!("{}", as_object(&letter));
        } else {
            let DeadLetter { id, kind, subject_id, cause, detail, attempts, .. } = letter;
            println!("{id} {kind} {subject_id} after {attempts} attempts: {cause}: {detail}");
        }
    }
    Ok(())
}

fn as_object(letter: &DeadLetter) -> serde_json::Value {
    json!({
        "id": letter.id,
        "kind": letter.kind,
        "owner": letter.owner,
        "aggregate_id": letter.aggregate_id,
        "subject_id": letter.subject_id,
        "sequence": letter.sequence,
        "cause": letter.cause,
        "detail": letter.detail,
        "attempts": letter.attempts,
        "occurrences": letter.occurrences,
        "created_at": letter.created_at,
        "last_at": letter.last_at,
    })
}

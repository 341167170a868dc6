//! `colloquy audit export`.

use std::fs::File;
use std::io::{BufWriter, IsTerminal as _, Write, stdout};
use std::path::{Path, PathBuf};
use std::pin::pin;

use aggregates::Position;
use anyhow::{Context as _, bail};
use chrono::{DateTime, Utc};
use clap::Args;
use futures::TryStreamExt as _;
use store::EventFilter;
use uuid::Uuid;

use super::Database;
use crate::audit::export;
use crate::cli::LedgerArguments;

#[derive(Debug, Args)]
pub(in crate::cli) struct Arguments {
    /// File to write; default standard output.
    #[arg(long)]
    out: Option<PathBuf>,
    /// Only events after this position.
    #[arg(long, default_value_t = 0)]
    after: u64,
    /// Only events that this user owns.
    #[arg(long)]
    user: Option<Uuid>,
    /// Only events of this conversation.
    #[arg(long)]
    conversation: Option<Uuid>,
    /// Only events of this type, such as `QuestionAsked`.
    #[arg(long = "type")]
    event_type: Option<String>,
    /// Only events recorded at this time or later.
    #[arg(long)]
    from: Option<DateTime<Utc>>,
    /// Only events recorded before this time.
    #[arg(long)]
    to: Option<DateTime<Utc>>,
    #[command(flatten)]
    ledger: LedgerArguments,
}

pub(super) async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let Arguments { out, after, user, conversation, event_type, from, to, ledger } = arguments;
    let filter = EventFilter {
        user: user.map(Into::into),
        conversation: conversation.map(Into::into),
        event_type,
        from,
        to,
    };
    let database = Database::connect(ledger.config).await?;
    let mut recorded = filter.to_json();
    if let Some(fields) = recorded.as_object_mut().filter(|_| after > 0) {
        fields.insert("after".to_owned(), after.into());
    }
    database.record_access("export", recorded).await?;
    let lines = export(&database.store, &database.signer(), filter, Position(after)).await?;
    let mut lines = pin!(lines);
    let mut writer = open_output(out.as_deref())?;
    while let Some(text) = lines.try_next().await? {
        writer.write_all(&text).context("the export cannot be written")?;
    }
    writer.flush().context("the export cannot be written")
}

fn open_output(path: Option<&Path>) -> anyhow::Result<Box<dyn Write>> {
    match path {
        Some(path) => {
            let file = File::create(path).with_context(|| format!("{} cannot be created", path.display()))?;
            Ok(Box::new(BufWriter::new(file)))
        }
        None if stdout().is_terminal() => {
            bail!("an export is not written to a terminal: pass a file by --out")
        }
        None => Ok(Box::new(stdout())),
    }
}

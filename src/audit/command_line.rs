//! `colloquy audit …`: the same for operators, beside the database, and for anybody with an export.

use std::fs::File;
use std::io::{BufReader, BufWriter, IsTerminal as _, Write, stdin, stdout};
use std::path::{Path, PathBuf};
use std::pin::pin;

use aggregates::audit_trail::Through;
use aggregates::{ConversationId, Position};
use anyhow::{Context as _, bail};
use chrono::{DateTime, Utc};
use clap::{Args, Subcommand};
use futures::TryStreamExt as _;
use serde_json::{Value, json};
use uuid::Uuid;

use super::differences::differences;
use super::shown::show;
use super::signing::PublicKey;
use super::trail::from_command_line;
use super::verify::{Verified, verify};
use super::{AsOf, Look, Notary, ReplayedConversation, export, record_look, replay, verify_database};
use crate::app::App;
use crate::store::{EventFilter, Store};

/// Connections: for reading pages ahead.
const CONNECTIONS: u32 = 4;
/// Bytes read from an export at once.
const READ_BUFFER: usize = 1 << 20;

/// What is done with history.
#[derive(Debug, Subcommand)]
pub enum AuditCommand {
    /// Write events as lines of JSON that prove themselves.
    Export {
        /// The file to write; standard output when not given.
        #[arg(long)]
        out: Option<PathBuf>,
        /// Which events.
        #[command(flatten)]
        filter: FilterArguments,
    },
    /// Check an export, offline and without configuration, or the ledger in the database.
    Verify {
        /// The export; `-` for standard input.
        #[arg(required_unless_present = "database", conflicts_with = "database")]
        export: Option<PathBuf>,
        /// Check the ledger in the database against its events.
        #[arg(long)]
        database: bool,
        /// The key that must have signed: a file, or the key itself in base64.
        #[arg(long)]
        public_key: Option<String>,
        /// The position after which the export was asked for.
        #[arg(long, default_value_t = 0, conflicts_with = "database")]
        after: u64,
    },
    /// Show a conversation as it stood.
    Show {
        /// The conversation.
        conversation: Uuid,
        /// A position, or a time in RFC 3339; now when not given.
        #[arg(long, default_value = "now")]
        as_of: AsOf,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Show what changed in a conversation between two moments.
    Diff {
        /// The conversation.
        conversation: Uuid,
        /// A position, or a time in RFC 3339.
        from: AsOf,
        /// The same.
        to: AsOf,
    },
    /// Let a new signing key take the place of the one in use.
    RotateKey,
    /// List the keys that sign, and signed, checkpoints.
    Keys,
    /// Print the ledger's head, signed.
    Checkpoint,
}

/// Which events.
#[derive(Debug, Args)]
pub struct FilterArguments {
    /// Only after this position.
    #[arg(long, default_value_t = 0)]
    after: u64,
    /// Only those of what this user owns.
    #[arg(long)]
    user: Option<Uuid>,
    /// Only those of this conversation.
    #[arg(long)]
    conversation: Option<Uuid>,
    /// Only those of this name, such as `QuestionAsked`.
    #[arg(long = "type")]
    event_type: Option<String>,
    /// Only those recorded at this time or later.
    #[arg(long)]
    from: Option<DateTime<Utc>>,
    /// Only those recorded before this time.
    #[arg(long)]
    to: Option<DateTime<Utc>>,
}

impl From<FilterArguments> for EventFilter {
    fn from(arguments: FilterArguments) -> Self {
        Self {
            user: arguments.user.map(Into::into),
            conversation: arguments.conversation.map(Into::into),
            event_type: arguments.event_type,
            from: arguments.from,
            to: arguments.to,
        }
    }
}

/// A command that needs nothing but an export is carried out at once; others are given back with what they need.
pub fn verify_export(path: &Path, after: u64, public_key: Option<&str>) -> anyhow::Result<()> {
    let key = public_key.map(read_key).transpose()?;
    let verified = if path == Path::new("-") {
        verify(BufReader::with_capacity(READ_BUFFER, stdin()), after, key)?
    } else {
        let file = File::open(path).with_context(|| format!("failed to open {}", path.display()))?;
        verify(BufReader::with_capacity(READ_BUFFER, file), after, key)?
    };
    tell(&verified);
    Ok(())
}

/// Carries out a command beside the database.
pub async fn run(app: &App, command: AuditCommand) -> anyhow::Result<()> {
    let store = app.store(CONNECTIONS)?;
    let notary = app.notary(store.clone());
    match command {
        AuditCommand::Verify { public_key, .. } => check_database(&store, public_key.as_deref()).await,
        AuditCommand::Export { out, filter } => {
            let (after, filter) = (Position(filter.after), filter.into());
            write_export(app, &store, &notary, out.as_deref(), after, filter).await
        }
        AuditCommand::Show { conversation, as_of, json } => {
            look(app, &store, "conversation", json!({ "conversation": conversation, "as_of": as_of }))
                .await?;
            let state = state(&store, conversation, as_of).await?;
            if json {
                println!("{}", serde_json::to_string_pretty(&state)?);
            } else {
                print!("{}", show(&state));
            }
            Ok(())
        }
        AuditCommand::Diff { conversation, from, to } => {
            let filter = json!({ "conversation": conversation, "from": from, "to": to });
            look(app, &store, "conversation", filter).await?;
            let (from, to) =
                (state(&store, conversation, from).await?, state(&store, conversation, to).await?);
            print!("{}", differences(&from, &to));
            Ok(())
        }
        AuditCommand::RotateKey => rotate_key(&notary).await,
        AuditCommand::Keys => {
            println!("{}", serde_json::to_string_pretty(&notary.keys().await?)?);
            Ok(())
        }
        AuditCommand::Checkpoint => {
            println!("{}", serde_json::to_string_pretty(&notary.checkpoint().await?)?);
            Ok(())
        }
    }
}

async fn look(app: &App, store: &Store, what: &'static str, filter: Value) -> anyhow::Result<()> {
    let look = Look { what, filter, through: Through::CommandLine };
    Ok(record_look(store, &app.wake(), look, &from_command_line()).await?)
}

async fn state(store: &Store, conversation: Uuid, as_of: AsOf) -> anyhow::Result<ReplayedConversation> {
    let state = replay(store, ConversationId::new(conversation), as_of).await?;
    state.with_context(|| format!("there is no conversation {conversation}"))
}

async fn write_export(
    app: &App,
    store: &Store,
    notary: &Notary,
    out: Option<&Path>,
    after: Position,
    filter: EventFilter,
) -> anyhow::Result<()> {
    let mut what = filter.to_json();
    if let Some(fields) = what.as_object_mut().filter(|_| after.0 > 0) {
        fields.insert("after".to_owned(), after.0.into());
    }
    look(app, store, "export", what).await?;
    let lines = export(store, notary, filter, after).await?;
    let mut lines = pin!(lines);
    let mut writer: Box<dyn Write> = match out {
        Some(path) => {
            let file = File::create(path);
            Box::new(BufWriter::new(file.with_context(|| format!("failed to create {}", path.display()))?))
        }
        None if stdout().is_terminal() => bail!("an export is written to a file: give one by --out"),
        None => Box::new(stdout()),
    };
    while let Some(text) = lines.try_next().await? {
        writer.write_all(&text).context("failed to write the export")?;
    }
    writer.flush().context("failed to write the export")?;
    Ok(())
}

async fn check_database(store: &Store, public_key: Option<&str>) -> anyhow::Result<()> {
    let key = public_key.map(read_key).transpose()?;
    let progress = |position: Position, goal: Position| {
        if position.0.is_multiple_of(100_000) {
            eprintln!("{position} of {goal}");
        }
    };
    tell(&verify_database(store, key, progress).await?);
    Ok(())
}

async fn rotate_key(notary: &Notary) -> anyhow::Result<()> {
    if notary.is_configured() {
        bail!(
            "the signing key is configured: change AUDIT_SIGNING_KEY or its file, and the old public key stays listed"
        );
    }
    println!("{}", serde_json::to_string_pretty(&notary.rotate().await?)?);
    Ok(())
}

/// A key given as a file or as itself.
fn read_key(given: &str) -> anyhow::Result<PublicKey> {
    if let Ok(key) = PublicKey::parse(given) {
        return Ok(key);
    }
    let text =
        std::fs::read_to_string(given).with_context(|| format!("failed to read the public key {given}"))?;
    Ok(PublicKey::parse(&text)?)
}

fn tell(verified: &Verified) {
    let Verified { events, first, last, chained, key_id, key_given, resumed_after } = verified;
    match first.zip(*last) {
        None => println!("Good: there are no events."),
        Some((first, last)) if *chained => {
            println!("Good: {events} events, positions {first} to {last}, and the chain holds.");
        }
        Some((first, last)) => {
            println!("Good: {events} events from position {first} to {last}, each as it was recorded.");
            println!("The export is filtered: it does not show what else there was.");
        }
    }
    if !key_id.is_empty() {
        println!("Signed by {key_id}.");
        if !key_given {
            println!(
                "That key comes from the export itself: compare it with one you trust, or give that by --public-key."
            );
        }
    }
    if let Some(position) = resumed_after {
        println!(
            "It was resumed after position {position}: up to there, no signature covers what was opened."
        );
    }
}

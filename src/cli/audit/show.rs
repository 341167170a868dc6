//! `colloquy audit show`.

use clap::Args;
use serde_json::json;
use uuid::Uuid;

use super::{Database, print_json};
use crate::audit::AsOf;
use crate::audit::decrypted::show;
use crate::cli::LedgerArguments;

#[derive(Debug, Args)]
pub(in crate::cli) struct Arguments {
    /// Conversation id.
    conversation: Uuid,
    /// Ledger position, or time in RFC 3339; default now.
    #[arg(long, default_value = "now")]
    as_of: AsOf,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    ledger: LedgerArguments,
}

pub(super) async fn run(Arguments { conversation, as_of, json, ledger }: Arguments) -> anyhow::Result<()> {
    let database = Database::connect(ledger.config).await?;
    let filter = json!({ "conversation": conversation, "as_of": as_of });
    database.record_access("conversation", filter).await?;
    let state = database.conversation(conversation, as_of).await?;
    if json {
        return print_json(&state);
    }
    print!("{}", show(&state));
    Ok(())
}

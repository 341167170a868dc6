//! `colloquy audit diff`.

use clap::Args;
use serde_json::json;
use uuid::Uuid;

use super::Database;
use crate::audit::AsOf;
use crate::audit::differences::differences;
use crate::cli::LedgerArguments;

#[derive(Debug, Args)]
pub(in crate::cli) struct Arguments {
    /// Conversation id.
    conversation: Uuid,
    /// Earlier ledger position, or time in RFC 3339.
    from: AsOf,
    /// Later ledger position, or time in RFC 3339.
    to: AsOf,
    #[command(flatten)]
    ledger: LedgerArguments,
}

pub(super) async fn run(Arguments { conversation, from, to, ledger }: Arguments) -> anyhow::Result<()> {
    let database = Database::connect(ledger.config).await?;
    let filter = json!({ "conversation": conversation, "from": from, "to": to });
    database.record_access("conversation", filter).await?;
    let from = database.conversation(conversation, from).await?;
    let to = database.conversation(conversation, to).await?;
    print!("{}", differences(&from, &to));
    Ok(())
}

//! `colloquy ban`: refuses all sign-ins of an account and ends its sessions.

use clap::Args;

use crate::cli::accounts::{AccountArguments, change};
use crate::operations::accounts::AccountChange;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// E-mail address of the account.
    email: String,
    /// Permit sign-ins again.
    #[arg(long)]
    lift: bool,
    #[command(flatten)]
    account: AccountArguments,
}

pub(super) async fn run(Arguments { email, lift, account }: Arguments) -> anyhow::Result<()> {
    if lift {
        change(account, &email, AccountChange::LiftBan).await?;
        println!("The account can sign in again.");
    } else {
        change(account, &email, AccountChange::Ban).await?;
        println!("The account is banned. Its sessions end within 10 seconds.");
    }
    Ok(())
}

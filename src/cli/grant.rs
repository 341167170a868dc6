//! `colloquy grant`: sets the role of an account.

use anyhow::bail;
use clap::{Args, ValueEnum};
use store::AccountsDatabase;

use crate::config::Config;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// E-mail address of the account.
    email: String,
    /// Role to set.
    #[arg(value_enum)]
    role: AccountRole,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum AccountRole {
    /// Asks questions.
    User,
    /// Replays the history of every user.
    Auditor,
    /// Manages accounts and shared documents, and has the auditor's rights.
    Admin,
}

impl AccountRole {
    const fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Auditor => "auditor",
            Self::Admin => "admin",
        }
    }
}

pub(super) async fn run(Arguments { email, role }: Arguments) -> anyhow::Result<()> {
    let config = Config::from_env()?;
    let accounts = AccountsDatabase::connect(&config.auth_database_url.expose().into(), 1)?;
    if !accounts.grant_role(&email, role.name()).await? {
        bail!("no account has this e-mail address");
    }
    println!("Role set. It takes effect with the account's next token, within 15 minutes.");
    Ok(())
}

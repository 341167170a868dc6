//! `colloquy grant`: sets the role of an account.

use anyhow::bail;
use clap::{Args, ValueEnum};
use secrecy::SecretString;
use store::AccountsDatabase;

use crate::config::secret::{self, AUTH_DATABASE_URL, DATABASE_URL};

#[derive(Debug, Args)]
#[command(after_help = secret::help(&[&AUTH_DATABASE_URL, &DATABASE_URL]))]
pub(super) struct Arguments {
    /// E-mail address of the account.
    email: String,
    /// Role to set.
    #[arg(value_enum)]
    role: AccountRole,
    #[arg(skip = AUTH_DATABASE_URL.or(&DATABASE_URL)?)]
    auth_database_url: SecretString,
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

pub(super) async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let Arguments { email, role, auth_database_url } = arguments;
    let accounts = AccountsDatabase::connect(&auth_database_url, 1)?;
    if !accounts.grant_role(&email, role.name()).await? {
        bail!("no account has this e-mail address");
    }
    println!("Role set. It takes effect with the account's next token, within 15 minutes.");
    Ok(())
}

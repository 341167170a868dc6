//! `colloquy grant`: sets the role of an account.

use clap::{Args, ValueEnum};

use crate::cli::accounts::{AccountArguments, change};
use crate::operations::accounts::AccountChange;
use aggregates::account::UserRole;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// E-mail address of the account.
    email: String,
    /// Role to set.
    #[arg(value_enum)]
    role: RoleName,
    #[command(flatten)]
    account: AccountArguments,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum RoleName {
    /// Asks questions.
    User,
    /// Replays the history of every user.
    Auditor,
    /// Manages accounts and shared documents, and has the auditor's rights.
    Admin,
}

impl From<RoleName> for UserRole {
    fn from(name: RoleName) -> Self {
        match name {
            RoleName::User => Self::User,
            RoleName::Auditor => Self::Auditor,
            RoleName::Admin => Self::Admin,
        }
    }
}

pub(super) async fn run(Arguments { email, role, account }: Arguments) -> anyhow::Result<()> {
    change(account, &email, AccountChange::Role(role.into())).await?;
    println!("Role set. It takes effect within 10 seconds.");
    Ok(())
}

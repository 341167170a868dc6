//! Parts that the commands share which change an account.

use std::time::Duration;

use aggregates::Actor;
use anyhow::Context as _;
use clap::Args;
use secrecy::SecretString;
use store::{AccountsDatabase, AccountsSchema};
use uuid::Uuid;

use crate::config::AppConfig;
use crate::config::secret::{self, AUTH_DATABASE_URL, DATABASE_URL};
use crate::operations::accounts::{AccountAdministration, AccountChange};
use crate::process::App;

const CONNECTIONS: u32 = 2;
/// Longest wait until hints are sent.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(2);

/// The ledger and the account service's database.
#[derive(Debug, Args)]
#[command(after_help = secret::help(&[AppConfig::SECRETS, &[&AUTH_DATABASE_URL]].concat()))]
pub(super) struct AccountArguments {
    #[command(flatten)]
    app: AppConfig,
    /// Schema of the tables of the account service.
    #[arg(long, env = "AUTH_SCHEMA", help_heading = "Accounts", default_value_t)]
    auth_schema: AccountsSchema,
    #[arg(skip = AUTH_DATABASE_URL.or(&DATABASE_URL)?)]
    auth_database_url: SecretString,
}

/// Changes the account with an e-mail address.
pub(super) async fn change(
    arguments: AccountArguments,
    email: &str,
    change: AccountChange,
) -> anyhow::Result<()> {
    with_administration(arguments, async |administration| {
        let user = administration.accounts.user_with_email(email).await?;
        let user = user.context("no account has this e-mail address")?;
        administration.change(user, change, Actor::System, Uuid::now_v7()).await?;
        Ok(())
    })
    .await
}

/// Works with the ledger and the tables of the account service.
pub(super) async fn with_administration<T>(
    arguments: AccountArguments,
    work: impl AsyncFnOnce(&AccountAdministration) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let AccountArguments { app, auth_schema, auth_database_url } = arguments;
    let accounts = AccountsDatabase::connect(&auth_database_url, &auth_schema, 1)?;
    let app = App::for_command(app).await?;
    app.check_master_key().await?;
    let administration = AccountAdministration {
        store: app.store(CONNECTIONS)?,
        accounts,
        wake: app.wake(),
        nats: app.nats().clone(),
        subjects: app.subjects().clone(),
    };
    let done = work(&administration).await?;
    // Sends the hints before the process ends. Without NATS, processes find the change by themselves.
    let _ = tokio::time::timeout(FLUSH_TIMEOUT, app.nats().flush()).await;
    Ok(done)
}

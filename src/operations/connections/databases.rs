//! Attempts at the databases.

use std::sync::Arc;

use anyhow::bail;
use secrecy::{ExposeSecret as _, SecretString};
use store::{AccountsDatabase, Database, Diagnosis, Keyring};

use crate::config::Config;

/// The database as the roles use it.
pub(super) async fn pooled(config: &Config) -> anyhow::Result<String> {
    store::check_pooler(&config.app.database_url, config.app.database_prepared_statements).await?;
    diagnosed(&config.app.database_url).await
}

/// The database as migrations use it.
pub(super) async fn direct(config: &Config) -> anyhow::Result<String> {
    let url = &config.database_direct_url;
    let one = store::diagnose(url).await?;
    let found = judged(&one)?;
    if !store::keeps_its_session(url).await? {
        bail!(
            "a transaction pooler answers, which keeps no lock of a migration; use the address of the server itself"
        );
    }
    match store::diagnose(&config.app.database_url).await {
        Ok(other) if other.problems.is_empty() && other.schema.applied != one.schema.applied => {
            bail!("another database than that of DATABASE_URL answers: it has other migrations")
        }
        _ => Ok(found),
    }
}

async fn diagnosed(url: &SecretString) -> anyhow::Result<String> {
    judged(&store::diagnose(url).await?)
}

/// Findings, or the problems.
fn judged(Diagnosis { server_version, schema, problems }: &Diagnosis) -> anyhow::Result<String> {
    if !problems.is_empty() {
        bail!(problems.join("; "));
    }
    let pending: Vec<_> =
        schema.pending.iter().map(|migration| format!("{:04}", migration.version)).collect();
    let pending = match pending.as_slice() {
        [] => String::new(),
        some => format!("; `colloquy migrate` or `serve` applies {}", some.join(", ")),
    };
    let newer = match schema.newer.len() {
        0 => String::new(),
        number => format!(", {number} of them of a newer release"),
    };
    Ok(format!("PostgreSQL {server_version}, {} migrations{newer}{pending}", schema.applied.len()))
}

/// Whether the configured master keys wrap the keys of the database.
pub(super) async fn master_key(config: &Config) -> anyhow::Result<String> {
    let prepared = config.app.database_prepared_statements;
    let database = Database::connect_by(&config.app.database_url, 1, prepared)?;
    let found = store::diagnose(&config.app.database_url).await?;
    if found.problems.is_empty() && found.schema.applied.is_empty() {
        return Ok("the database has no keys yet".to_owned());
    }
    let keyring = Keyring::new(database, config.app.master_key.clone())
        .with_previous(config.app.master_key_previous.clone());
    Arc::new(keyring).check_master_key().await?;
    Ok(format!("master key {} is the one of the database", config.app.master_key.id()))
}

/// The tables of the account service.
pub(super) async fn accounts(config: &Config) -> anyhow::Result<String> {
    let accounts = AccountsDatabase::connect(&config.auth_database_url, &config.auth_schema, 1)?;
    accounts.user_with_email("nobody@invalid").await?;
    let is_separate = config.auth_database_url.expose_secret() != config.app.database_url.expose_secret();
    Ok(if is_separate { "tables found, in a database of their own" } else { "tables found" }.to_owned())
}

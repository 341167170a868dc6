//! Checks of the database before a process works, and while the database is away, as soon as it answers.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context as _, bail};
use rag::error_chain::ErrorChain;
use store::{CheckError, MasterKeyError, SchemaState, StoreError};

use super::App;
use crate::config::AppConfig;
use crate::runtime::backoff::Backoff;
use crate::runtime::supervisor::{Stage, Supervisor};

/// Delays between looks at the migrations of the database.
const LOOK: Backoff = Backoff::new(Duration::from_millis(250), Duration::from_secs(5));

/// Whether the way to the database was checked. Clones share it.
#[derive(Debug, Clone, Default)]
pub(super) struct PoolerCheck(Arc<AtomicBool>);

impl App {
    /// Prepares the connections of a command that runs once, on a database with the migrations
    /// of this binary.
    pub async fn for_command(config: AppConfig) -> anyhow::Result<Self> {
        let app = Self::new(config, BTreeSet::new()).await?;
        app.check_pooler().await?;
        let schema = app.store(1)?.schema().await.context("the migrations of the database cannot be read")?;
        schema.check()?;
        if !schema.pending.is_empty() {
            bail!("{}", lacking(&schema));
        }
        Ok(app)
    }

    /// Waits until the database has the migrations of this binary, which another process applies. Refuses a
    /// schema of a newer release beside which this one does not work. While the database is away nothing is
    /// known: then the process starts, and the check of the schema goes on.
    pub async fn wait_for_schema(&self) -> anyhow::Result<()> {
        match self.checked_schema().await {
            Err(error) if error.downcast_ref().is_some_and(StoreError::is_unavailable) => {
                tracing::warn!(
                    error = %ErrorChain(&*error),
                    "the migrations of the database could not be checked"
                );
                Ok(())
            }
            checked => checked,
        }
    }

    async fn checked_schema(&self) -> anyhow::Result<()> {
        let store = self.store(1)?;
        let (mut look, mut announced) = (LOOK, false);
        loop {
            let schema = store.schema().await?;
            schema.check()?;
            if schema.pending.is_empty() {
                return Ok(());
            }
            if !std::mem::replace(&mut announced, true) {
                tracing::warn!("{}; waiting for them", lacking(&schema));
            }
            look.wait().await;
        }
    }

    /// Checks the schema once the database answers. A refused schema ends the process with the reason.
    pub(super) fn spawn_schema_check(&self, supervisor: &mut Supervisor) {
        let app = self.clone();
        let ended = supervisor.token(Stage::Background);
        supervisor.spawn("schema_check", Stage::Background, async move {
            let checking = async {
                let mut look = LOOK;
                loop {
                    match app.checked_schema().await {
                        Err(error) if error.downcast_ref().is_some_and(StoreError::is_unavailable) => {
                            look.wait().await;
                        }
                        checked => return checked,
                    }
                }
            };
            match ended.run_until_cancelled(checking).await {
                Some(Err(refused)) => Err(refused),
                Some(Ok(())) => {
                    ended.cancelled().await;
                    Ok(())
                }
                None => Ok(()),
            }
        });
    }

    /// Refuses to go on with a wrong master key. While the database is away the check is skipped: the roles
    /// wait for it.
    pub async fn check_master_key(&self) -> anyhow::Result<()> {
        match self.keyring.check_master_key().await {
            Err(MasterKeyError::Store(error)) if error.is_unavailable() => {
                tracing::warn!(error = %ErrorChain(&error), "the master key could not be checked");
                Ok(())
            }
            checked => Ok(checked?),
        }
    }

    /// Warns where the database gives its sessions no time limits: behind a transaction pooler, statements
    /// outlive their requests then.
    pub async fn check_time_limits(&self) -> anyhow::Result<()> {
        match self.store(1)?.has_time_limits().await {
            Ok(true) => {}
            Ok(false) => tracing::warn!(
                "the database's role has no default for statement_timeout; `colloquy migrate` gives it one"
            ),
            Err(error) => {
                tracing::warn!(error = %ErrorChain(&error), "the time limits of the database could not be checked");
            }
        }
        Ok(())
    }

    /// Refuses to go on with a connection pooler, or settings of it, that does not fit. While the database is
    /// away the check is put off: [`App::run`] makes it as soon as the database is there.
    pub async fn check_pooler(&self) -> anyhow::Result<()> {
        let (url, prepared) = (&self.config.database_url, self.config.database_prepared_statements);
        match store::check_pooler(url, prepared).await {
            Ok(_) => self.pooler_check.0.store(true, Ordering::Relaxed),
            Err(error @ CheckError::Unavailable(_)) => {
                tracing::warn!(error = %ErrorChain(&error), "the connection pooler could not be checked");
            }
            Err(wrong) => return Err(wrong.into()),
        }
        Ok(())
    }

    /// Checks the connection pooler until there is a result. A pooler that does not fit ends the process.
    pub(super) fn spawn_pooler_check(&self, supervisor: &mut Supervisor) {
        let (app, cancel) = (self.clone(), supervisor.token(Stage::Background));
        supervisor.spawn("pooler_check", Stage::Background, async move {
            let mut look = LOOK;
            let checking = async {
                while !app.pooler_check.0.load(Ordering::Relaxed) {
                    app.check_pooler().await?;
                    look.wait().await;
                }
                anyhow::Ok(())
            };
            if let Some(checked) = cancel.run_until_cancelled(checking).await {
                checked?;
                cancel.cancelled().await;
            }
            Ok(())
        });
    }
}

/// Says what an operator has to run.
fn lacking(schema: &SchemaState) -> String {
    let names: Vec<_> = schema.pending.iter().map(ToString::to_string).collect();
    format!(
        "the database lacks migrations of this release ({}); `colloquy migrate` of this release applies them",
        names.join(", ")
    )
}

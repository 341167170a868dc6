//! The roles that work in the background of a worker, from the configuration.

use chrono::TimeDelta;
use store::AccountsDatabase;

use super::{App, pools};
use crate::config::{Config, WorkerConfig};
use crate::knowledge::files::Files;
use crate::knowledge::models;
use crate::roles::account_facts::AccountFacts;
use crate::roles::eraser::Eraser;
use crate::roles::retention::Retention;
use crate::runtime::key_hints::KeyHints;

impl App {
    /// Carries out erasures of accounts. `pool` is the name of its connections in the metrics.
    pub fn eraser(&self, pool: &'static str, config: &Config) -> anyhow::Result<Eraser> {
        Ok(Eraser {
            store: self.pool(pool, pools::ERASER)?,
            accounts: AccountsDatabase::connect(&config.auth_database_url, &config.auth_schema, 1)?,
            collections: models::collections(&config.knowledge.qdrant)?,
            files: Files::new(&config.knowledge.files)?,
            nats: self.nats.clone(),
            subjects: self.subjects.clone(),
            wake: self.wake.clone(),
        })
    }

    /// Records what the account service reports.
    pub fn account_facts(&self, config: &Config) -> anyhow::Result<AccountFacts> {
        Ok(AccountFacts {
            store: self.pool("account_facts", pools::ACCOUNT_FACTS)?,
            accounts: AccountsDatabase::connect(&config.auth_database_url, &config.auth_schema, 1)?,
            nats: self.nats.clone(),
            subjects: self.subjects.clone(),
            wake: self.wake.clone(),
        })
    }

    /// Ends conversations and documents by age.
    pub fn retention(&self, config: &WorkerConfig) -> anyhow::Result<Retention> {
        let key_hints = KeyHints::new(self.nats.clone(), &self.subjects);
        Ok(Retention {
            store: self.pool("retention", pools::RETENTION)?,
            wake: self.wake.clone(),
            key_hints,
            keep: (config.retention_days > 0).then(|| TimeDelta::days(config.retention_days.into())),
        })
    }
}

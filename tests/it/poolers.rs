//! The database behind a connection pooler, asleep, or away for a moment.

mod interruptions;
mod processes;
mod settings;
mod transactions;

use embedded::{DataDir, Pooler};
use store::PreparedStatements;

use crate::support::backbone::new_database;
use crate::support::pooler::without_prepared_statements;
use crate::support::product::configuration;

/// A migrated database behind a pooler of its own.
struct Pooled {
    pooler: Pooler,
    direct_url: String,
    url: String,
    _data: DataDir,
}

impl Pooled {
    async fn start(settings: &str) -> Self {
        let direct_url = new_database().await;
        store::migrate(&direct_url.as_str().into()).await.unwrap();
        let data = DataDir::temporary().unwrap();
        let pooler = Pooler::start(&data, &direct_url, settings).await.unwrap();
        let url = pooler.url(&direct_url);
        Self { pooler, direct_url, url, _data: data }
    }

    /// In transaction mode without prepared statements, everything else as `PgBouncer` has it.
    async fn with_defaults() -> Self {
        Self::start(&format!("pool_mode = transaction\n{}", without_prepared_statements())).await
    }

    /// A product that uses the pooler.
    fn configuration(&self, prepared: PreparedStatements) -> colloquy::config::Config {
        let mut config = configuration(self.direct_url.clone());
        config.app.database_url = self.url.clone().into();
        config.app.database_prepared_statements = prepared;
        config
    }
}

//! Reads parts in their order and loads rows into databases.

use futures::stream::{self, Stream};
use futures::{StreamExt as _, TryStreamExt as _};
use sealing::Zeroizing;
use secrecy::SecretString;
use store::{AccountsSchema, Load};

use super::error::BackupError;
use super::manifest::{Backup, Part, Table};

/// Parts that are read ahead.
const AHEAD: usize = 2;

/// Both databases, filled and not committed yet.
pub(super) struct Loaded {
    pub(super) service: Load,
    pub(super) accounts: Load,
    /// Tables that this release does not have, with their numbers of rows.
    pub(super) unknown: Vec<(String, u64)>,
}

impl Backup {
    /// The contents of parts, in order.
    pub(super) fn contents<'a>(
        &'a self,
        parts: &'a [Part],
        content: &'a str,
    ) -> impl Stream<Item = Result<Zeroizing<Vec<u8>>, BackupError>> + 'a {
        stream::iter(parts).map(move |part| self.repository.read(&self.key, part, content)).buffered(AHEAD)
    }

    /// Fills both databases in transactions that are still open.
    pub(super) async fn load(
        &self,
        service_url: &SecretString,
        accounts_url: &SecretString,
        progress: &impl Fn(&str),
    ) -> Result<Loaded, BackupError> {
        let manifest = &self.manifest;
        let schema: AccountsSchema = manifest.accounts_schema.parse().unwrap_or_default();
        let mut accounts = Load::into_accounts(accounts_url, &schema, &manifest.accounts_definitions).await?;
        let mut unknown = self.fill(&mut accounts, &manifest.accounts, progress).await?;
        let mut service = Load::into_service(service_url, manifest.schema_version).await?;
        unknown.extend(self.fill(&mut service, &manifest.service, progress).await?);
        Ok(Loaded { service, accounts, unknown })
    }

    /// Adds the rows of all tables, each after those that it refers to.
    async fn fill(
        &self,
        load: &mut Load,
        tables: &[Table],
        progress: &impl Fn(&str),
    ) -> Result<Vec<(String, u64)>, BackupError> {
        for name in load.tables().to_vec() {
            let Some(table) = tables.iter().find(|table| table.name == name) else { continue };
            progress(&name);
            let content = format!("table {name}");
            let (mut contents, mut found) = (self.contents(&table.parts, &content), 0);
            while let Some(rows) = contents.try_next().await? {
                found += load.add(&name, &table.columns, &rows).await?;
            }
            if found != table.rows {
                return Err(BackupError::Rows { table: name, found, expected: table.rows });
            }
        }
        let is_unknown = |table: &&Table| !load.tables().contains(&table.name);
        Ok(tables.iter().filter(is_unknown).map(|table| (table.name.clone(), table.rows)).collect())
    }
}

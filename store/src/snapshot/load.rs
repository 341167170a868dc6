//! Loads the rows of a snapshot into an empty database, in one transaction.

use std::collections::{BTreeSet, HashMap};

use aggregates::UserId;
use secrecy::SecretString;
use sqlx::{Connection as _, PgConnection};
use tokio::time::timeout;

use super::tables::{self, TableColumns, qualified};
use super::{ANSWER_LIMIT, answered, connect, run};
use crate::StoreError;
use crate::accounts::{AccountsSchema, ERASE};
use crate::database::{MigrateError, latest_schema_version, migrate_to};
use crate::keys::destroyed::DESTROY_KEYS_OF_OWNER;

/// Why rows were not loaded. Nothing of them is in the database then.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The schema was not created.
    #[error(transparent)]
    Migrate(#[from] MigrateError),
    /// The database failed or refused rows.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The database is in use.
    #[error("the database is not empty")]
    NotEmpty,
    /// The tables of the account service exist and lack a column.
    #[error(
        "table {table} of the account service has no column {column}: start the account service of this release"
    )]
    MissingColumn {
        /// The table.
        table: String,
        /// The column.
        column: String,
    },
    /// The snapshot needs tables that this release does not know.
    #[error("the schema has version {wanted}, and this release knows versions up to {known}")]
    Newer {
        /// The version of the snapshot's schema.
        wanted: i64,
        /// The last version that this release creates.
        known: i64,
    },
}

/// What is removed from a snapshot's rows before anybody sees them.
#[derive(Debug, Clone, Copy)]
pub struct Erased<'a>(pub &'a [UserId]);

/// A transaction that fills a database. Rolled back when dropped.
#[derive(Debug)]
pub struct Load {
    connection: PgConnection,
    schema: String,
    tables: HashMap<String, BTreeSet<String>>,
    order: Vec<String>,
    is_of_accounts: bool,
}

/// Whether a database has no events of the service and no accounts in a schema.
pub async fn is_empty(
    url: &SecretString,
    accounts_url: &SecretString,
    accounts: &AccountsSchema,
) -> Result<bool, StoreError> {
    let in_service = has_rows(&mut connect(url).await?, "events").await?;
    let users = format!("{accounts}.\"user\"");
    Ok(!in_service && !has_rows(&mut connect(accounts_url).await?, &users).await?)
}

async fn has_rows(connection: &mut PgConnection, table: &str) -> Result<bool, StoreError> {
    let exists: bool = answered(
        sqlx::query_scalar("SELECT to_regclass($1) IS NOT NULL").bind(table).fetch_one(&mut *connection),
    )
    .await?;
    if !exists {
        return Ok(false);
    }
    let statement = format!("SELECT EXISTS (SELECT FROM {table})");
    answered(sqlx::query_scalar(&statement).fetch_one(connection)).await
}

impl Load {
    /// Creates the service's tables as of a version of the schema, and begins. The database must be empty.
    pub async fn into_service(url: &SecretString, schema_version: i64) -> Result<Self, LoadError> {
        let known = latest_schema_version();
        if schema_version > known {
            return Err(LoadError::Newer { wanted: schema_version, known });
        }
        migrate_to(url, schema_version).await?;
        let mut connection = connect(url).await?;
        let schema: String =
            answered(sqlx::query_scalar("SELECT current_schema()::text").fetch_one(&mut connection)).await?;
        run(&mut connection, BEGIN).await?;
        let tables = tables::of_service(&mut connection, &schema).await?;
        let mut load = Self::new(connection, schema, &tables, false).await?;
        load.clear("events").await?;
        Ok(load)
    }

    /// Creates the account service's tables by the statements of a snapshot, unless they exist, and begins.
    pub async fn into_accounts(
        url: &SecretString,
        schema: &AccountsSchema,
        definitions: &[String],
    ) -> Result<Self, LoadError> {
        let mut connection = connect(url).await?;
        run(
            &mut connection,
            &format!("{BEGIN}; CREATE SCHEMA IF NOT EXISTS {schema}; SET LOCAL search_path = {schema}"),
        )
        .await?;
        let mut found = tables::all(&mut connection, schema).await?;
        if found.is_empty() {
            for definition in definitions {
                run(&mut connection, definition).await?;
            }
            found = tables::all(&mut connection, schema).await?;
        }
        let mut load = Self::new(connection, schema.to_string(), &found, true).await?;
        load.triggers("DISABLE").await?;
        load.clear("user").await?;
        Ok(load)
    }

    async fn new(
        mut connection: PgConnection,
        schema: String,
        found: &[TableColumns],
        is_of_accounts: bool,
    ) -> Result<Self, StoreError> {
        let references: Vec<(String, String)> =
            answered(sqlx::query_as(REFERENCES).bind(&schema).fetch_all(&mut connection)).await?;
        let order = by_references(found.iter().map(|table| table.name.clone()).collect(), &references);
        let columns = |table: &TableColumns| (table.name.clone(), table.columns.iter().cloned().collect());
        let tables = found.iter().map(columns).collect();
        Ok(Self { connection, schema, tables, order, is_of_accounts })
    }

    /// Deletes the rows that migrations and a first start have inserted. The database counts as empty if a
    /// table has no rows.
    async fn clear(&mut self, table: &str) -> Result<(), LoadError> {
        if self.order.iter().any(|name| name == table) {
            let name = qualified(&self.schema, table);
            if has_rows(&mut self.connection, &name).await? {
                return Err(LoadError::NotEmpty);
            }
        }
        for table in self.order.iter().rev() {
            let statement = format!("DELETE FROM {}", qualified(&self.schema, table));
            run(&mut self.connection, &statement).await?;
        }
        Ok(())
    }

    /// The tables of the database, each after those that it refers to.
    pub fn tables(&self) -> &[String] {
        &self.order
    }

    /// Adds rows in the text format of `COPY`; returns their number.
    pub async fn add(&mut self, table: &str, columns: &[String], rows: &[u8]) -> Result<u64, LoadError> {
        let known = self.tables.get(table);
        let missing = columns.iter().find(|column| known.is_none_or(|known| !known.contains(*column)));
        if let Some(column) = missing {
            return Err(LoadError::MissingColumn { table: table.to_owned(), column: column.clone() });
        }
        let statement = tables::copy_in(&self.schema, table, columns);
        let adding = async {
            let mut copy = self.connection.copy_in_raw(&statement).await?;
            if let Err(error) = copy.send(rows).await {
                // The server has refused a row already: its own error says why.
                return Err(copy.finish().await.err().unwrap_or(error));
            }
            copy.finish().await
        };
        let added = timeout(ANSWER_LIMIT, adding).await.map_err(|_| StoreError::TimedOut)?;
        Ok(added.map_err(StoreError::from)?)
    }

    /// Commits. Of users who were erased since the snapshot, no key and no account is in the database
    /// at any time.
    pub async fn commit(mut self, Erased(owners): Erased<'_>) -> Result<(), LoadError> {
        for owner in owners {
            if self.is_of_accounts {
                for statement in ERASE {
                    let id = owner.to_string();
                    answered(sqlx::query(statement).bind(id).execute(&mut self.connection)).await?;
                }
            } else {
                for statement in DESTROY_KEYS_OF_OWNER {
                    answered(sqlx::query(statement).bind(*owner).execute(&mut self.connection)).await?;
                }
            }
        }
        if self.is_of_accounts {
            self.triggers("ENABLE").await?;
        } else {
            run(&mut self.connection, UNFINISHED_REBUILDS).await?;
        }
        let sequences = SEQUENCES.replace("{schema}", &self.schema.replace('\'', "''"));
        run(&mut self.connection, &sequences).await?;
        run(&mut self.connection, "COMMIT").await?;
        // Without statistics the first queries would read whole tables.
        run(&mut self.connection, "ANALYZE").await?;
        let _ = self.connection.close().await;
        Ok(())
    }

    async fn triggers(&mut self, change: &str) -> Result<(), StoreError> {
        for table in &self.order {
            let statement = format!("ALTER TABLE {} {change} TRIGGER USER", qualified(&self.schema, table));
            run(&mut self.connection, &statement).await?;
        }
        Ok(())
    }
}

/// Orders tables so that each comes after those that it refers to. References in a circle are left in the
/// order of the names.
fn by_references(mut names: Vec<String>, references: &[(String, String)]) -> Vec<String> {
    names.sort_unstable();
    let mut ordered: Vec<String> = Vec::with_capacity(names.len());
    while !names.is_empty() {
        let waits = |name: &String| {
            references.iter().any(|(from, to)| from == name && to != name && names.contains(to))
        };
        let next = names.iter().position(|name| !waits(name)).unwrap_or(0);
        ordered.push(names.remove(next));
    }
    ordered
}

const BEGIN: &str = "
BEGIN; SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0;
SET LOCAL tcp_user_timeout = 0; SET LOCAL synchronous_commit = on; SET LOCAL datestyle = 'ISO, MDY';
SET LOCAL intervalstyle = 'postgres'; SET LOCAL timezone = 'UTC'";

const REFERENCES: &str = "
SELECT c.relname::text, p.relname::text
  FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_class p ON p.oid = k.confrelid
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE k.contype = 'f' AND n.nspname = $1";

/// Tables of unfinished rebuilds are not part of a snapshot, and their checkpoints would stay behind.
const UNFINISHED_REBUILDS: &str = "DELETE FROM checkpoints WHERE split_part(name, ' ', 1) LIKE '%\\_next'";

const SEQUENCES: &str = "
DO $$
DECLARE
    numbered record;
    last     bigint;
BEGIN
    FOR numbered IN
        SELECT n.nspname, c.relname, a.attname
          FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE n.nspname = '{schema}' AND c.relkind = 'r' AND a.attidentity <> ''
    LOOP
        EXECUTE format('SELECT max(%I)::bigint FROM %I.%I', numbered.attname, numbered.nspname, numbered.relname)
           INTO last;
        IF last IS NOT NULL THEN
            PERFORM setval(pg_get_serial_sequence(format('%I.%I', numbered.nspname, numbered.relname), numbered.attname),
                           last);
        END IF;
    END LOOP;
END
$$";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_comes_after_those_that_it_refers_to() {
        let names = ["account", "session", "user", "a"].map(str::to_owned).to_vec();
        let refers = |from: &str, to: &str| (from.to_owned(), to.to_owned());
        let references = [refers("account", "user"), refers("session", "user"), refers("user", "user")];
        assert_eq!(by_references(names, &references), ["a", "user", "account", "session"]);
        let circle = [refers("a", "b"), refers("b", "a")];
        assert_eq!(by_references(vec!["b".into(), "a".into()], &circle), ["a", "b"]);
    }
}

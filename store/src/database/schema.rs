//! The schema of a database beside the migrations of this binary.
//!
//! The description of a migration, which is the rest of its file's name, says what processes of earlier
//! releases can rely on. The database keeps it (`_sqlx_migrations`), so that a process judges a migration
//! that it does not contain: `expand …` disturbs no process, `contract after 0021 …` disturbs those that lack
//! migration 21.

use std::collections::BTreeSet;
use std::fmt;

use sqlx::{FromRow, PgExecutor};

use super::MIGRATIONS;
use crate::{Store, StoreError};

/// SQLSTATE of a table that does not exist.
const UNDEFINED_TABLE: &str = "42P01";

/// The migrations of a database beside those of this binary.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SchemaState {
    /// Numbers of the migrations that the database has.
    pub applied: BTreeSet<i64>,
    /// Migrations of this binary that the database lacks.
    pub pending: Vec<MigrationName>,
    /// Migrations of the database that this binary does not contain.
    pub newer: Vec<MigrationName>,
    /// Migrations that the database has in another form than this binary.
    pub changed: Vec<MigrationName>,
}

/// The number and the description of a migration. Displays like the name of its file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MigrationName {
    /// The number.
    pub version: i64,
    /// The words of the file's name.
    pub description: String,
}

/// A schema that this binary must not be used with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SchemaRefused {
    /// A newer release has changed the schema in a way that disturbs this one.
    #[error(
        "the database has migration {migration} of a newer release, beside which this release does not work: {}",
        needed(.migration)
    )]
    TooNew {
        /// The migration.
        migration: MigrationName,
    },
    /// A migration has another content than that of this binary.
    #[error(
        "migration {migration} of the database is not the one of this release; the database or the release is modified"
    )]
    Changed {
        /// The migration.
        migration: MigrationName,
    },
}

/// Demands of a migration on the processes beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Demand {
    /// Nothing.
    None,
    /// That they contain a migration.
    Contain(i64),
    /// That they contain this one.
    ContainItself,
}

impl MigrationName {
    fn demand(&self) -> Demand {
        let mut words = self.description.split_whitespace();
        match (words.next(), words.next(), words.next()) {
            (Some("expand"), ..) => Demand::None,
            (Some("contract"), Some("after"), Some(number)) => {
                number.parse().map_or(Demand::ContainItself, Demand::Contain)
            }
            _ => Demand::ContainItself,
        }
    }
}

impl fmt::Display for MigrationName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}_{}", self.version, self.description.replace(' ', "_"))
    }
}

fn needed(migration: &MigrationName) -> String {
    match migration.demand() {
        Demand::Contain(number) => format!("use a release that contains migration {number}"),
        Demand::None | Demand::ContainItself => "use the release that contains it".to_owned(),
    }
}

impl SchemaState {
    /// Refuses a schema that this binary must not be used with. Says nothing about pending migrations.
    pub fn check(&self) -> Result<(), SchemaRefused> {
        if let Some(migration) = self.changed.first() {
            return Err(SchemaRefused::Changed { migration: migration.clone() });
        }
        let highest = MIGRATIONS.iter().map(|migration| migration.version).max().unwrap_or(0);
        let disturbs = |migration: &&MigrationName| match migration.demand() {
            Demand::None => false,
            Demand::Contain(number) => number > highest,
            Demand::ContainItself => true,
        };
        match self.newer.iter().find(disturbs) {
            Some(migration) => Err(SchemaRefused::TooNew { migration: migration.clone() }),
            None => Ok(()),
        }
    }

    fn of(applied: Vec<AppliedRow>) -> Self {
        let mut state = Self::default();
        for row in applied {
            let name = MigrationName { version: row.version, description: row.description };
            state.applied.insert(row.version);
            match MIGRATIONS.iter().find(|migration| migration.version == row.version) {
                None => state.newer.push(name),
                Some(known) if *known.checksum != *row.checksum => state.changed.push(name),
                Some(_) => {}
            }
        }
        let pending = MIGRATIONS.iter().filter(|migration| !state.applied.contains(&migration.version));
        state.pending = pending
            .map(|migration| MigrationName {
                version: migration.version,
                description: migration.description.to_string(),
            })
            .collect();
        state
    }
}

#[derive(FromRow)]
struct AppliedRow {
    version: i64,
    description: String,
    checksum: Vec<u8>,
}

/// Reads the migrations of a database.
pub(super) async fn read(executor: impl PgExecutor<'_>) -> Result<SchemaState, sqlx::Error> {
    let rows = sqlx::query_as(
        "SELECT version, description, checksum FROM _sqlx_migrations WHERE success ORDER BY version",
    );
    match rows.fetch_all(executor).await {
        Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some(UNDEFINED_TABLE) => {
            Ok(SchemaState::of(Vec::new()))
        }
        rows => Ok(SchemaState::of(rows?)),
    }
}

impl Store {
    /// The schema of the database beside the migrations of this binary.
    pub async fn schema(&self) -> Result<SchemaState, StoreError> {
        Ok(read(&self.pool).await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn newer(version: i64, description: &str) -> SchemaState {
        let migration = MigrationName { version, description: description.to_owned() };
        SchemaState { newer: vec![migration], ..SchemaState::default() }
    }

    #[test]
    fn an_expansion_disturbs_no_process_and_any_other_migration_does() {
        assert_eq!(newer(9_001, "expand notes of events").check(), Ok(()));
        let error = newer(9_001, "notes of events").check().unwrap_err().to_string();
        assert_eq!(
            error,
            "the database has migration 9001_notes_of_events of a newer release, beside which this release does not \
             work: use the release that contains it"
        );
    }

    #[test]
    fn a_contraction_disturbs_the_processes_that_lack_the_migration_before_it() {
        assert_eq!(newer(9_001, "contract after 0017 remove an owner").check(), Ok(()));
        let error = newer(9_002, "contract after 9001 remove notes").check().unwrap_err().to_string();
        assert!(error.ends_with("use a release that contains migration 9001"), "{error}");
        assert!(newer(9_002, "contract after all").check().is_err());
    }
}

//! A database as it was at one moment, row by row, and its way into an empty database.
//!
//! A snapshot is one read-only transaction with the isolation level `REPEATABLE READ`, from which each table
//! is copied as text (`COPY … TO STDOUT`). It needs no superuser, no extension and no program beside the
//! service, and its text can be loaded into every supported version of PostgreSQL. The schema is not part of
//! it: the migrations create the tables of the service. The tables of the account service, which that service
//! creates, are described by the statements of [`Snapshot::definitions`].

mod load;
mod scratch;
mod tables;

pub use load::{Erased, Load, LoadError, is_empty};
pub use scratch::ScratchDatabase;
pub use tables::TableColumns;

use std::time::Duration;

use aggregates::{Position, ReceiptId, UserId};
use futures::stream::BoxStream;
use futures::{Stream, StreamExt as _, TryStreamExt as _};
use secrecy::SecretString;
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions as _, Error, PgConnection};
use tokio::time::timeout;
use uuid::Uuid;

use crate::StoreError;
use crate::accounts::AccountsSchema;

/// Time limit of a statement and of the next rows of a table. PostgreSQL may sort a table first.
const ANSWER_LIMIT: Duration = Duration::from_mins(15);
/// Time limit of a connection attempt. A database that sleeps wakes up first.
const CONNECT_LIMIT: Duration = Duration::from_secs(30);
/// Attempts to lock the tables that exist at the start of the snapshot.
const ATTEMPTS: u32 = 5;

/// A read-only transaction that sees the database as of its start. Rolled back when dropped.
///
/// While it is open, PostgreSQL keeps the old versions of changed rows, and a rebuild of a read model waits
/// before it replaces the table.
#[derive(Debug)]
pub struct Snapshot {
    connection: PgConnection,
    schema: String,
    tables: Vec<TableColumns>,
}

/// The name under which another connection to the same database sees a snapshot.
#[derive(Debug, Clone)]
pub struct SnapshotId {
    id: String,
    place: Place,
}

/// The server and the database of a connection string.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Place(String, u16, Option<String>);

/// A version of a document's file that a database needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentFile {
    /// The owner of the document.
    pub owner: UserId,
    /// The document.
    pub document: Uuid,
    /// SHA-256 of the file, in hexadecimal.
    pub sha256: String,
}

impl Snapshot {
    /// A snapshot of the service's tables. Needs a connection that no transaction pooler cuts off.
    pub async fn of_service(url: &SecretString) -> Result<Self, StoreError> {
        let mut connection = connect(url).await?;
        let schema: String =
            answered(sqlx::query_scalar("SELECT current_schema()::text").fetch_one(&mut connection)).await?;
        for _ in 0..ATTEMPTS {
            let before = tables::of_service(&mut connection, &schema).await?;
            if before.is_empty() {
                return Err(StoreError::Database(Error::Configuration(
                    "the database has no tables of the service".into(),
                )));
            }
            // Nothing may read before the locks: the first read begins the snapshot, and a table that a
            // rebuild replaces after that would be empty.
            run(&mut connection, &format!("{BEGIN}; {}", tables::lock(&before, &schema))).await?;
            let tables = tables::of_service(&mut connection, &schema).await?;
            if tables == before {
                return Ok(Self { connection, schema, tables });
            }
            run(&mut connection, "ROLLBACK").await?;
        }
        Err(StoreError::TimedOut)
    }

    /// A snapshot of the account service's tables: the same as `shared` if they are in the same database, and
    /// one of its own otherwise. Has no tables if the account service never started.
    pub async fn of_accounts(
        url: &SecretString,
        schema: &AccountsSchema,
        shared: &SnapshotId,
    ) -> Result<Self, StoreError> {
        let mut connection = connect(url).await?;
        let import = if place(url)? == shared.place {
            format!("SET TRANSACTION SNAPSHOT '{}'", shared.id)
        } else {
            "SELECT".to_owned()
        };
        let begin = format!("{BEGIN}; {import}; SET LOCAL search_path = {schema}");
        run(&mut connection, &begin).await?;
        let (schema, tables) = (schema.to_string(), tables::all(&mut connection, schema).await?);
        if !tables.is_empty() {
            run(&mut connection, &tables::lock(&tables, &schema)).await?;
        }
        Ok(Self { connection, schema, tables })
    }

    /// The tables, in the order of their names.
    pub fn tables(&self) -> &[TableColumns] {
        &self.tables
    }

    /// The name of this snapshot of the database at `url` for [`Self::of_accounts`].
    pub async fn share(&mut self, url: &SecretString) -> Result<SnapshotId, StoreError> {
        let exporting = sqlx::query_scalar("SELECT pg_export_snapshot()").fetch_one(&mut self.connection);
        Ok(SnapshotId { id: answered(exporting).await?, place: place(url)? })
    }

    /// The number of the last migration.
    pub async fn schema_version(&mut self) -> Result<i64, StoreError> {
        let version = sqlx::query_scalar("SELECT max(version) FROM _sqlx_migrations WHERE success");
        answered(version.fetch_one(&mut self.connection)).await
    }

    /// The last position of the ledger.
    pub async fn ledger_head(&mut self) -> Result<Position, StoreError> {
        let head = sqlx::query_scalar("SELECT coalesce(max(position), 0) FROM ledger");
        answered(head.fetch_one(&mut self.connection)).await
    }

    /// The erasures that were requested, finished or not.
    pub async fn erasures(&mut self) -> Result<Vec<(UserId, ReceiptId)>, StoreError> {
        answered(sqlx::query_as(ERASURES).fetch_all(&mut self.connection)).await
    }

    /// The statements that create the tables with their constraints and indexes.
    pub async fn definitions(&mut self) -> Result<Vec<String>, StoreError> {
        tables::definitions(&mut self.connection, &self.schema).await
    }

    /// The files of all documents that are not removed and whose owners are not being erased.
    pub fn document_files(&mut self) -> impl Stream<Item = Result<DocumentFile, StoreError>> + '_ {
        let rows = sqlx::query_as(DOCUMENT_FILES).fetch(&mut self.connection);
        limited(rows).map_ok(|(owner, document, sha256)| DocumentFile { owner, document, sha256 })
    }

    /// The rows of a table in the text format of `COPY`. Each item ends with the end of a row.
    pub async fn rows(
        &mut self,
        table: &TableColumns,
    ) -> Result<BoxStream<'_, Result<bytes::Bytes, StoreError>>, StoreError> {
        let statement = tables::copy_out(table, &self.schema);
        let rows = timeout(ANSWER_LIMIT, self.connection.copy_out_raw(&statement)).await;
        Ok(limited(rows.map_err(|_| StoreError::TimedOut)??).boxed())
    }
}

async fn connect(url: &SecretString) -> Result<PgConnection, StoreError> {
    Ok(timeout(CONNECT_LIMIT, options(url)?.connect()).await.map_err(|_| StoreError::TimedOut)??)
}

fn options(url: &SecretString) -> Result<PgConnectOptions, StoreError> {
    Ok(database::options(url, "colloquy backup")?)
}

fn place(url: &SecretString) -> Result<Place, StoreError> {
    let options = options(url)?;
    let host = options
        .get_socket()
        .map_or_else(|| options.get_host().to_owned(), |socket| socket.display().to_string());
    Ok(Place(host, options.get_port(), options.get_database().map(str::to_owned)))
}

async fn run(connection: &mut PgConnection, statements: &str) -> Result<(), StoreError> {
    answered(sqlx::raw_sql(statements).execute(connection)).await.map(drop)
}

async fn answered<T>(query: impl Future<Output = Result<T, Error>>) -> Result<T, StoreError> {
    Ok(timeout(ANSWER_LIMIT, query).await.map_err(|_| StoreError::TimedOut)??)
}

/// Ends with an error when the next item does not come in time.
fn limited<'a, T: Send + 'a>(
    rows: impl Stream<Item = Result<T, Error>> + Send + 'a,
) -> impl Stream<Item = Result<T, StoreError>> + Send + 'a {
    async_stream::try_stream! {
        let mut rows = std::pin::pin!(rows);
        loop {
            match timeout(ANSWER_LIMIT, rows.try_next()).await {
                Ok(Ok(Some(row))) => yield row,
                Ok(Ok(None)) => break,
                Ok(Err(error)) => Err(error)?,
                Err(_) => Err(StoreError::TimedOut)?,
            }
        }
    }
}

/// The transaction may take hours and wait for a slow reader. Without `row_security` a policy that hides rows
/// is an error. Synchronized scans would begin in the middle of a table, and equal tables would give
/// different parts.
const BEGIN: &str = "
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0; SET LOCAL lock_timeout = '1min';
SET LOCAL tcp_user_timeout = 0; SET LOCAL row_security = off; SET LOCAL synchronize_seqscans = off;
SET LOCAL datestyle = 'ISO, MDY'; SET LOCAL intervalstyle = 'postgres'; SET LOCAL extra_float_digits = 3;
SET LOCAL timezone = 'UTC'; SET LOCAL bytea_output = 'hex'";

const ERASURES: &str = "
SELECT owner, receipt FROM erasures
 UNION
SELECT aggregate_id, (payload ->> 'receipt')::uuid FROM events
 WHERE event_type = 'AccountErasureRequested' AND aggregate_type = 'account'";

const DOCUMENT_FILES: &str = "
SELECT DISTINCT ON (e.aggregate_id) e.owner, e.aggregate_id, e.payload ->> 'sha256'
  FROM events e
 WHERE e.aggregate_type = 'document' AND e.event_type = 'DocumentAdded'
   AND NOT EXISTS (SELECT FROM events r WHERE r.aggregate_type = 'document' AND r.aggregate_id = e.aggregate_id
                      AND r.event_type = 'DocumentRemoved')
   AND NOT EXISTS (SELECT FROM erasures f WHERE f.owner = e.owner)
   AND NOT EXISTS (SELECT FROM events f WHERE f.event_type = 'AccountErasureRequested'
                      AND f.aggregate_type = 'account' AND f.aggregate_id = e.owner)
 ORDER BY e.aggregate_id, e.sequence DESC";

//! The list of documents: one row each. A removed one keeps its row without its title, so that it is known to be gone.

use std::collections::HashMap;

use aggregates::document::{DocumentEvent, DocumentTitle};
use aggregates::{AggregateType, DocumentId, Event, UserId, Version};
use chrono::{DateTime, SubsecRound as _, Utc};
use sealing::{AssociatedData, ContentKey};
use serde::{Deserialize, Serialize};
use sqlx::{FromRow, PgExecutor, PgTransaction};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{Opened, Page, owned};

/// A document's row, its title sealed.
#[derive(Debug, Clone, FromRow)]
pub struct SealedDocument {
    /// Whose it is.
    pub owner: Uuid,
    /// The document.
    pub id: Uuid,
    version: i64,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    scope: String,
    media_type: String,
    size: i64,
    sha256: String,
    status: String,
    passages: i32,
    reason: Option<String>,
    sequence: i64,
    private: Option<Vec<u8>>,
}

/// A document as the list shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct DocumentRow {
    /// Its id.
    #[schema(value_type = Uuid)]
    pub id: DocumentId,
    /// What it is called.
    pub title: String,
    /// What its content is.
    pub media_type: String,
    /// Its bytes.
    pub size: i64,
    /// `user` or `shared`.
    pub scope: String,
    /// `added`, `indexed` or `rejected`.
    pub status: String,
    /// How many passages can be found.
    pub passages: i32,
    /// Why it was rejected.
    pub reason: Option<String>,
    /// When it came.
    pub created_at: DateTime<Utc>,
    /// When something last happened to it.
    pub updated_at: DateTime<Utc>,
    /// The number of its events.
    pub version: i64,
}

/// The place of a row in the list.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Cursor {
    created_at: i64,
    id: Uuid,
}

impl SealedDocument {
    /// Whether it was taken away.
    pub fn is_removed(&self) -> bool {
        self.status == "removed"
    }

    /// The number of its events.
    pub const fn version(&self) -> u64 {
        self.version.unsigned_abs()
    }

    /// The row, opened. Without a key its title is gone.
    pub fn open(self, key: Option<&ContentKey>) -> DocumentRow {
        let aad = AssociatedData::Event {
            aggregate: AggregateType::Document,
            aggregate_id: self.id,
            sequence: Version(self.sequence.unsigned_abs()),
            event_type: "DocumentAdded",
        };
        let opened = self.private.as_ref().zip(key).and_then(|(sealed, key)| key.open(&aad, sealed).ok());
        let title = opened.and_then(|json| serde_json::from_slice::<DocumentTitle>(&json).ok());
        DocumentRow {
            id: DocumentId::new(self.id),
            title: title.map(|title| title.title).unwrap_or_default(),
            media_type: self.media_type,
            size: self.size,
            scope: self.scope,
            status: self.status,
            passages: self.passages,
            reason: self.reason,
            created_at: self.created_at,
            updated_at: self.updated_at,
            version: self.version,
        }
    }
}

/// Applies a batch: loads the rows it touches, folds, writes them back. Two statements.
pub(crate) async fn apply(
    table: &str,
    transaction: &mut PgTransaction<'_>,
    batch: &[Opened],
) -> Result<(), sqlx::Error> {
    let ids: Vec<Uuid> = batch
        .iter()
        .filter(|event| event.recorded.aggregate == AggregateType::Document)
        .map(|event| event.recorded.aggregate_id)
        .collect();
    if ids.is_empty() {
        return Ok(());
    }
    let known: Vec<SealedDocument> = sqlx::query_as(&format!("SELECT * FROM {table} WHERE id = ANY($1)"))
        .bind(ids)
        .fetch_all(&mut **transaction)
        .await?;
    let mut rows: HashMap<Uuid, SealedDocument> = known.into_iter().map(|row| (row.id, row)).collect();
    for event in batch {
        fold(&mut rows, event);
    }
    store(table, transaction, rows.into_values().collect()).await
}

fn fold(rows: &mut HashMap<Uuid, SealedDocument>, event: &Opened) {
    let recorded = &event.recorded;
    let Event::Document(happened) = &recorded.event else { return };
    let version = recorded.sequence.0.cast_signed();
    if let DocumentEvent::DocumentAdded { scope, media_type, size, sha256, .. } = happened {
        let known = rows.get(&recorded.aggregate_id);
        let row = SealedDocument {
            owner: recorded.owner.uuid(),
            id: recorded.aggregate_id,
            version,
            created_at: known.map_or(recorded.recorded_at, |row| row.created_at),
            updated_at: recorded.recorded_at,
            scope: scope.name().to_owned(),
            media_type: media_type.clone(),
            size: size.cast_signed(),
            sha256: sha256.clone(),
            status: "added".to_owned(),
            passages: known.map_or(0, |row| row.passages),
            reason: None,
            sequence: version,
            private: recorded.sealed.clone(),
        };
        rows.insert(row.id, row);
        return;
    }
    let Some(row) = rows.get_mut(&recorded.aggregate_id) else { return };
    row.version = version;
    row.updated_at = recorded.recorded_at;
    match happened {
        DocumentEvent::DocumentAdded { .. } => {}
        DocumentEvent::DocumentIndexed { passages, .. } => {
            "indexed".clone_into(&mut row.status);
            row.passages = passages.cast_signed();
            row.reason = None;
        }
        DocumentEvent::DocumentRejected { reason } => {
            "rejected".clone_into(&mut row.status);
            row.passages = 0;
            row.reason = Some(reason.clone());
        }
        DocumentEvent::DocumentRemoved => {
            "removed".clone_into(&mut row.status);
            row.passages = 0;
            row.private = None;
        }
    }
}

async fn store(
    table: &str,
    transaction: &mut PgTransaction<'_>,
    rows: Vec<SealedDocument>,
) -> Result<(), sqlx::Error> {
    sqlx::query(&UPSERT.replace("{table}", table))
        .bind(rows.iter().map(|row| row.owner).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.id).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.version).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.created_at).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.updated_at).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.scope.as_str()).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.media_type.as_str()).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.size).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.sha256.as_str()).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.status.as_str()).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.passages).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.reason.as_deref()).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.sequence).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.private.as_deref()).collect::<Vec<_>>())
        .execute(&mut **transaction)
        .await?;
    Ok(())
}

/// A page of an owner's documents, newest first.
pub async fn list(
    executor: impl PgExecutor<'_>,
    owner: UserId,
    after: Option<Cursor>,
    limit: u32,
) -> Result<Page<SealedDocument, Cursor>, sqlx::Error> {
    let time = after.and_then(|after| DateTime::from_timestamp_micros(after.created_at));
    let mut items: Vec<SealedDocument> = sqlx::query_as(LIST)
        .bind(owner.to_string())
        .bind(time.map(|time| time.trunc_subsecs(6)))
        .bind(after.map(|after| after.id))
        .bind(i64::from(limit) + 1)
        .fetch_all(executor)
        .await?;
    let more = items.len() > limit as usize;
    items.truncate(limit as usize);
    let next = items
        .last()
        .filter(|_| more)
        .map(|row| Cursor { created_at: row.created_at.timestamp_micros(), id: row.id });
    Ok(Page { items, next })
}

/// An owner's document, a removed one too.
pub async fn get(
    executor: impl PgExecutor<'_>,
    owner: UserId,
    id: DocumentId,
) -> Result<Option<SealedDocument>, sqlx::Error> {
    sqlx::query_as(GET).bind(owner.to_string()).bind(id.uuid()).fetch_optional(executor).await
}

/// An owner's document of these bytes, with its version.
pub async fn same(
    executor: impl PgExecutor<'_>,
    owner: UserId,
    sha256: &str,
) -> Result<Option<(DocumentId, u64)>, sqlx::Error> {
    let found: Option<(Uuid, i64)> =
        sqlx::query_as(SAME).bind(owner.to_string()).bind(sha256).fetch_optional(executor).await?;
    Ok(found.map(|(id, version)| (DocumentId::new(id), version.unsigned_abs())))
}

/// Documents that have waited for the index for some seconds, oldest first: for the worker's sweep.
pub async fn waiting(
    executor: impl PgExecutor<'_>,
    seconds: f64,
    limit: u32,
) -> Result<Vec<DocumentId>, sqlx::Error> {
    let ids: Vec<Uuid> = sqlx::query_scalar(
        "SELECT id FROM documents WHERE status = 'added' AND updated_at < now() - make_interval(secs => $1)
          ORDER BY updated_at LIMIT $2",
    )
    .bind(seconds)
    .bind(i64::from(limit))
    .fetch_all(executor)
    .await?;
    Ok(ids.into_iter().map(DocumentId::new).collect())
}

const UPSERT: &str = "
INSERT INTO {table} (owner, id, version, created_at, updated_at, scope, media_type, size, sha256, status, passages,
                     reason, sequence, private)
SELECT * FROM UNNEST($1::uuid[], $2::uuid[], $3::bigint[], $4::timestamptz[], $5::timestamptz[], $6::text[],
                     $7::text[], $8::bigint[], $9::text[], $10::text[], $11::int[], $12::text[], $13::bigint[],
                     $14::bytea[])
    ON CONFLICT (id) DO UPDATE
   SET version = excluded.version, updated_at = excluded.updated_at, scope = excluded.scope,
       media_type = excluded.media_type, size = excluded.size, sha256 = excluded.sha256, status = excluded.status,
       passages = excluded.passages, reason = excluded.reason, sequence = excluded.sequence,
       private = excluded.private";

const LIST: &str = owned!(
    "SELECT d.* FROM my_documents d
      WHERE d.owner = me.owner AND d.status <> 'removed'
        AND ($2::timestamptz IS NULL OR (d.created_at, d.id) < ($2, $3::uuid))
      ORDER BY d.created_at DESC, d.id DESC LIMIT $4"
);

const GET: &str = owned!("SELECT d.* FROM my_documents d WHERE d.owner = me.owner AND d.id = $2");

const SAME: &str = owned!(
    "SELECT d.id, d.version FROM my_documents d
      WHERE d.owner = me.owner AND d.sha256 = $2 AND d.status <> 'removed' ORDER BY d.created_at LIMIT 1"
);

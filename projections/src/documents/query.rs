//! Queries of the list of documents and of one row.

use std::time::Duration;

use aggregates::document::{
    DocumentOmissions, DocumentScope, DocumentStatus, DocumentTags, DocumentTitle, Omission,
};
use aggregates::{AggregateType, DocumentId, UserId, Version};
use chrono::{DateTime, SubsecRound as _, Utc};
use sealing::{AssociatedData, ContentKey};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sqlx::{FromRow, PgExecutor};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{Page, QueryError, owned};

/// A document's row with its title encrypted.
#[derive(Debug, Clone, FromRow)]
pub struct SealedDocument {
    /// The owner; [`UserId::SHARED`] for a shared document.
    pub owner: UserId,
    /// The id of the document.
    pub id: DocumentId,
    pub(super) version: Version,
    pub(super) created_at: DateTime<Utc>,
    pub(super) updated_at: DateTime<Utc>,
    pub(super) scope: DocumentScope,
    pub(super) media_type: String,
    pub(super) size: i64,
    pub(super) sha256: String,
    pub(super) status: DocumentStatus,
    pub(super) passages: i32,
    pub(super) reason: Option<String>,
    /// The sequence of the `DocumentAdded` event that `private` was copied from.
    pub(super) sequence: Version,
    pub(super) private: Option<Vec<u8>>,
    pub(super) pages: Option<i32>,
    pub(super) language: Option<String>,
    pub(super) tags: Option<Vec<u8>>,
    /// The sequence of the `DocumentTagged` event that `tags` was copied from.
    pub(super) tags_sequence: Option<Version>,
    pub(super) omissions: Option<Vec<u8>>,
    /// The sequence of the `DocumentIndexed` event that `omissions` was copied from.
    pub(super) omissions_sequence: Option<Version>,
}

/// A row of the list of documents.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct DocumentRow {
    /// The id of the document.
    #[schema(value_type = Uuid)]
    pub id: DocumentId,
    /// The title, decrypted; empty if the key was destroyed.
    pub title: String,
    /// The media type of the file, determined from its content.
    pub media_type: String,
    /// The size of the file in bytes.
    pub size: i64,
    /// The users whose questions are answered from the document.
    pub scope: DocumentScope,
    /// Whether the document is waiting for the index, searchable, or unreadable.
    pub status: DocumentStatus,
    /// The number of searchable passages.
    pub passages: i32,
    /// The number of pages or slides; `null` where the format has none.
    #[schema(required)]
    pub pages: Option<i32>,
    /// The language of the text, by its code of ISO 639-1; `null` where it was not recognised.
    #[schema(required)]
    pub language: Option<String>,
    /// The tags as the owner wrote them.
    pub tags: Vec<String>,
    /// The reason for the rejection, as a sentence.
    #[schema(required)]
    pub reason: Option<String>,
    /// The parts of the file that were left out, in words: pages beyond a limit, files that cannot be read.
    #[schema(required)]
    pub warning: Option<String>,
    /// The same parts one by one.
    pub omissions: Vec<Omission>,
    /// The time when the document was first added.
    pub created_at: DateTime<Utc>,
    /// The time of the last event.
    pub updated_at: DateTime<Utc>,
    /// The version: the number of the document's events.
    #[schema(value_type = u64)]
    pub version: Version,
}

/// The sort key of a row: the next page begins after it.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Cursor {
    /// In microseconds since 1970.
    created_at: i64,
    id: Uuid,
}

impl SealedDocument {
    /// Whether the document was removed.
    pub fn is_removed(&self) -> bool {
        self.status == DocumentStatus::Removed
    }

    /// SHA-256 of the current file, in hex.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// The media type of the file.
    pub fn media_type(&self) -> &str {
        &self.media_type
    }

    /// The projected version.
    pub const fn version(&self) -> Version {
        self.version
    }

    /// Decrypts the row. Without a key the title is empty.
    pub fn open(self, key: Option<&ContentKey>) -> DocumentRow {
        let title: Option<DocumentTitle> =
            self.open_part("DocumentAdded", Some(self.sequence), self.private.as_deref(), key);
        let tags: Option<DocumentTags> =
            self.open_part("DocumentTagged", self.tags_sequence, self.tags.as_deref(), key);
        let omissions: Option<DocumentOmissions> =
            self.open_part("DocumentIndexed", self.omissions_sequence, self.omissions.as_deref(), key);
        DocumentRow {
            id: self.id,
            title: title.map(|title| title.title).unwrap_or_default(),
            media_type: self.media_type,
            size: self.size,
            scope: self.scope,
            status: self.status,
            passages: self.passages,
            pages: self.pages,
            language: self.language,
            tags: tags.map(|tags| tags.tags.as_slice().to_vec()).unwrap_or_default(),
            reason: self.reason,
            warning: omissions.as_ref().and_then(DocumentOmissions::in_words),
            omissions: omissions.map(|left_out| left_out.omissions).unwrap_or_default(),
            created_at: self.created_at,
            updated_at: self.updated_at,
            version: self.version,
        }
    }

    /// Decrypts the private part of an event of the document.
    fn open_part<T: DeserializeOwned>(
        &self,
        event_type: &'static str,
        sequence: Option<Version>,
        sealed: Option<&[u8]>,
        key: Option<&ContentKey>,
    ) -> Option<T> {
        let aggregate = AggregateType::Document;
        let aad = AssociatedData::Event {
            aggregate,
            aggregate_id: self.id.uuid(),
            sequence: sequence?,
            event_type,
        };
        serde_json::from_slice(&key?.open(&aad, sealed?).ok()?).ok()
    }

    fn cursor(&self) -> Cursor {
        Cursor { created_at: self.created_at.timestamp_micros(), id: self.id.uuid() }
    }
}

/// A page of an owner's documents that are not removed, newest first.
pub async fn list(
    executor: impl PgExecutor<'_>,
    owner: UserId,
    after: Option<Cursor>,
    limit: u32,
) -> Result<Page<SealedDocument, Cursor>, QueryError> {
    let time = after.and_then(|after| DateTime::from_timestamp_micros(after.created_at));
    let rows: Vec<SealedDocument> = sqlx::query_as(LIST)
        .bind(owner.to_string())
        .bind(time.map(|time| time.trunc_subsecs(6)))
        .bind(after.map(|after| after.id))
        .bind(i64::from(limit) + 1)
        .fetch_all(executor)
        .await?;
    Ok(Page::of(rows, limit, SealedDocument::cursor))
}

/// An owner's document; removed documents are included.
pub async fn get(
    executor: impl PgExecutor<'_>,
    owner: UserId,
    id: DocumentId,
) -> Result<Option<SealedDocument>, QueryError> {
    Ok(sqlx::query_as(GET).bind(owner.to_string()).bind(id).fetch_optional(executor).await?)
}

/// An owner's oldest document with this SHA-256 (in hex) that is not removed, and its version.
pub async fn find_by_sha256(
    executor: impl PgExecutor<'_>,
    owner: UserId,
    sha256: &str,
) -> Result<Option<(DocumentId, Version)>, QueryError> {
    Ok(sqlx::query_as(FIND_BY_SHA256).bind(owner.to_string()).bind(sha256).fetch_optional(executor).await?)
}

/// What tells one state of an owner's list of documents from another: each event of a document changes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromRow)]
pub struct Fingerprint {
    documents: i64,
    versions: i64,
    changed_at: Option<DateTime<Utc>>,
}

/// The state of the list of an owner's documents. Reads one row for each document.
pub async fn fingerprint(executor: impl PgExecutor<'_>, owner: UserId) -> Result<Fingerprint, QueryError> {
    let read = sqlx::query_as(FINGERPRINT).bind(owner.to_string()).fetch_optional(executor).await?;
    Ok(read.unwrap_or(Fingerprint { documents: 0, versions: 0, changed_at: None }))
}

/// Number and size of an owner's documents that are not removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoredDocuments {
    /// The number of documents.
    pub documents: u64,
    /// The bytes of their files.
    pub bytes: u64,
    /// The documents that wait for the index.
    pub queued: u64,
}

/// Counts an owner's documents.
pub async fn stored(executor: impl PgExecutor<'_>, owner: UserId) -> Result<StoredDocuments, QueryError> {
    let counted: (i64, i64, i64) =
        sqlx::query_as(STORED).bind(owner.to_string()).fetch_optional(executor).await?.unwrap_or_default();
    let (documents, bytes, queued) = counted;
    Ok(StoredDocuments {
        documents: documents.unsigned_abs(),
        bytes: bytes.unsigned_abs(),
        queued: queued.unsigned_abs(),
    })
}

/// Documents, with their owners, that have waited for the index for longer than `waiting`, at most `limit`:
/// the oldest one of each owner before the second one of any.
pub async fn awaiting_indexing(
    executor: impl PgExecutor<'_>,
    waiting: Duration,
    limit: u32,
) -> Result<Vec<(UserId, DocumentId)>, QueryError> {
    Ok(sqlx::query_as(
        "SELECT owner, id
           FROM (SELECT owner, id, updated_at, row_number() OVER (PARTITION BY owner ORDER BY updated_at) AS turn
                   FROM documents WHERE status = 'added' AND updated_at < now() - $1::interval) AS waiting
          ORDER BY turn, updated_at LIMIT $2",
    )
    .bind(waiting)
    .bind(i64::from(limit))
    .fetch_all(executor)
    .await?)
}

const LIST: &str = owned!(
    "SELECT d.* FROM my_documents d
      WHERE d.owner = me.owner AND d.status <> 'removed'
        AND ($2::timestamptz IS NULL OR (d.created_at, d.id) < ($2, $3::uuid))
      ORDER BY d.created_at DESC, d.id DESC LIMIT $4"
);

const GET: &str = owned!("SELECT d.* FROM my_documents d WHERE d.owner = me.owner AND d.id = $2");

const STORED: &str = owned!(
    "SELECT count(*), coalesce(sum(d.size), 0)::bigint, count(*) FILTER (WHERE d.status = 'added')
       FROM my_documents d WHERE d.owner = me.owner AND d.status <> 'removed'"
);

const FINGERPRINT: &str = owned!(
    "SELECT count(*) AS documents, coalesce(sum(d.version), 0)::bigint AS versions, max(d.updated_at) AS changed_at
       FROM my_documents d WHERE d.owner = me.owner AND d.status <> 'removed'"
);

const FIND_BY_SHA256: &str = owned!(
    "SELECT d.id, d.version FROM my_documents d
      WHERE d.owner = me.owner AND d.sha256 = $2 AND d.status <> 'removed' ORDER BY d.created_at LIMIT 1"
);

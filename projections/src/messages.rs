//! The tree of messages: questions and answers, each below what it follows.

mod fold;
mod message;
mod query;

pub use message::{Failure, Message, MessageUsage, SealedMessage, opened};
pub use query::{Branch, Cursor, Found, Wanted, branch, page, pages};

use std::collections::HashMap;

use aggregates::AggregateType;
use chrono::{DateTime, Utc};
use fold::{Changes, MessageRow};
use sealing::ContentKey;
use sqlx::{FromRow, PgTransaction};
use uuid::Uuid;

use crate::Opened;

#[derive(FromRow)]
struct StoredRow {
    owner: Uuid,
    conversation_id: Uuid,
    id: Uuid,
    ordinal: i64,
    parent_id: Option<Uuid>,
    status: String,
    created_at: DateTime<Utc>,
    sequence: i64,
    private: Option<Vec<u8>>,
    model: Option<String>,
    quoted: bool,
    failure: Option<String>,
    prompt_tokens: i32,
    completion_tokens: i32,
    rating: String,
}

impl MessageRow {
    /// The row as a query gives it.
    fn sealed(self, siblings: Vec<Uuid>) -> SealedMessage {
        SealedMessage {
            id: self.id,
            conversation_id: self.conversation_id.into(),
            ordinal: self.ordinal,
            parent_id: self.parent_id,
            role: self.role,
            status: self.status,
            created_at: self.created_at,
            sequence: self.sequence,
            event_type: self.event_type,
            private: self.private,
            model: self.model,
            quoted: self.quoted,
            failure: self.failure,
            prompt_tokens: self.prompt_tokens,
            completion_tokens: self.completion_tokens,
            rating: self.rating,
            siblings,
        }
    }
}

impl From<StoredRow> for MessageRow {
    fn from(row: StoredRow) -> Self {
        let status = fold::status_named(&row.status);
        Self {
            owner: row.owner,
            conversation_id: row.conversation_id,
            id: row.id,
            ordinal: row.ordinal,
            parent_id: row.parent_id,
            role: fold::role_in(status),
            status,
            created_at: row.created_at,
            sequence: row.sequence,
            event_type: fold::event_type_behind(status),
            private: row.private,
            model: row.model,
            quoted: row.quoted,
            failure: row.failure,
            prompt_tokens: row.prompt_tokens,
            completion_tokens: row.completion_tokens,
            rating: fold::rating_named(&row.rating),
        }
    }
}

/// The messages that a conversation's events make, in the order they were made, opened.
pub(crate) fn folded(events: &[Opened], key: Option<&ContentKey>) -> Vec<Message> {
    let mut changes = Changes::default();
    for event in events {
        changes.fold(event);
    }
    let mut rows: Vec<MessageRow> = changes.rows.into_values().collect();
    rows.sort_unstable_by_key(|row| row.ordinal);
    let mut families: HashMap<Option<Uuid>, Vec<Uuid>> = HashMap::new();
    for row in &rows {
        families.entry(row.parent_id).or_default().push(row.id);
    }
    let siblings = |row: &MessageRow| families.get(&row.parent_id).cloned().unwrap_or_default();
    let sealed = rows
        .into_iter()
        .map(|row| {
            let siblings = siblings(&row);
            row.sealed(siblings)
        })
        .collect();
    opened(sealed, key)
}

/// Applies a batch: loads the answers it changes but does not make, folds, writes back. Two statements.
pub(crate) async fn apply(
    table: &str,
    transaction: &mut PgTransaction<'_>,
    batch: &[Opened],
) -> Result<(), sqlx::Error> {
    let events = || batch.iter().filter(|event| event.recorded.aggregate == AggregateType::Conversation);
    let mut changes = Changes::default();
    let missing = fold::changed_but_not_made(events());
    if !missing.is_empty() {
        let (conversations, ids): (Vec<Uuid>, Vec<Uuid>) = missing.into_iter().unzip();
        let rows: Vec<StoredRow> = sqlx::query_as(&LOAD.replace("{table}", table))
            .bind(conversations)
            .bind(ids)
            .fetch_all(&mut **transaction)
            .await?;
        changes.rows = rows.into_iter().map(|row| ((row.conversation_id, row.id), row.into())).collect();
    }
    for event in events() {
        changes.fold(event);
    }
    store(table, transaction, changes.rows).await
}

async fn store(
    table: &str,
    transaction: &mut PgTransaction<'_>,
    rows: HashMap<(Uuid, Uuid), MessageRow>,
) -> Result<(), sqlx::Error> {
    if rows.is_empty() {
        return Ok(());
    }
    let mut rows: Vec<MessageRow> = rows.into_values().collect();
    rows.sort_unstable_by_key(|row| (row.conversation_id, row.id));
    sqlx::query(&UPSERT.replace("{table}", table))
        .bind(rows.iter().map(|row| row.owner).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.conversation_id).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.id).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.ordinal).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.parent_id).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.role).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.status).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.created_at).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.sequence).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.event_type).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.private.as_deref()).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.model.as_deref()).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.quoted).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.failure.as_deref()).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.prompt_tokens).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.completion_tokens).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.rating).collect::<Vec<_>>())
        .execute(&mut **transaction)
        .await?;
    Ok(())
}

const LOAD: &str = "
SELECT m.* FROM UNNEST($1::uuid[], $2::uuid[]) AS wanted (conversation_id, id)
  JOIN {table} m ON m.conversation_id = wanted.conversation_id AND m.id = wanted.id";

const UPSERT: &str = "
INSERT INTO {table} (owner, conversation_id, id, ordinal, parent_id, role, status, created_at, sequence, event_type,
                     private, model, quoted, failure, prompt_tokens, completion_tokens, rating)
SELECT * FROM UNNEST($1::uuid[], $2::uuid[], $3::uuid[], $4::bigint[], $5::uuid[], $6::text[], $7::text[],
                     $8::timestamptz[], $9::bigint[], $10::text[], $11::bytea[], $12::text[], $13::bool[],
                     $14::text[], $15::int[], $16::int[], $17::text[])
    ON CONFLICT (conversation_id, id) DO UPDATE
   SET status = excluded.status, created_at = excluded.created_at, sequence = excluded.sequence,
       event_type = excluded.event_type, private = excluded.private, model = excluded.model, quoted = excluded.quoted, failure = excluded.failure,
       prompt_tokens = excluded.prompt_tokens, completion_tokens = excluded.completion_tokens,
       rating = excluded.rating";

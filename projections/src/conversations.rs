//! The list of conversations: one row each, with what the list shows.

mod excerpt;
mod fold;
mod query;

pub use query::{
    ConversationRow, Cursor, Filter, Found, SealedConversation, Wanted, WrappedUserKey, get, list, lists,
    version,
};

use std::collections::HashMap;

use aggregates::{AggregateType, ConversationId};
use chrono::{DateTime, Utc};
pub(crate) use fold::fold as fold_event;
use fold::{Card, Conversation};
use sealing::{AssociatedData, ContentKey};
use sqlx::{FromRow, PgTransaction};
use uuid::Uuid;

use crate::Opened;

/// Tag tokens travel joined, since arrays of arrays cannot be ragged.
const SEPARATOR: &str = ",";

#[derive(FromRow)]
struct StoredRow {
    owner: Uuid,
    id: Uuid,
    version: i64,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    message_count: i32,
    answering: i32,
    pinned: bool,
    archived: bool,
    newest_message: Option<Uuid>,
    branched: bool,
    deleted_at: Option<DateTime<Utc>>,
    tag_tokens: Vec<String>,
    card: Option<Vec<u8>>,
}

/// Applies a batch: loads the rows it touches, folds, writes them back. Two statements.
pub(crate) async fn apply(
    table: &str,
    transaction: &mut PgTransaction<'_>,
    batch: &[Opened],
) -> Result<(), sqlx::Error> {
    let of_conversations =
        || batch.iter().filter(|event| event.recorded.aggregate == AggregateType::Conversation);
    let mut known: Vec<Uuid> = of_conversations()
        .filter(|event| event.recorded.sequence.0 > 1)
        .map(|event| event.recorded.aggregate_id)
        .collect();
    known.sort_unstable();
    known.dedup();
    let keys: HashMap<Uuid, ContentKey> = of_conversations()
        .filter_map(|event| Some((event.recorded.aggregate_id, event.key.clone()?)))
        .collect();
    let mut rows = load(table, transaction, known, &keys).await?;
    for event in of_conversations() {
        fold::fold(&mut rows, event);
    }
    store(table, transaction, rows.into_values().collect(), &keys).await
}

async fn load(
    table: &str,
    transaction: &mut PgTransaction<'_>,
    ids: Vec<Uuid>,
    keys: &HashMap<Uuid, ContentKey>,
) -> Result<HashMap<Uuid, Conversation>, sqlx::Error> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let rows: Vec<StoredRow> = sqlx::query_as(&format!("SELECT * FROM {table} WHERE id = ANY($1)"))
        .bind(ids)
        .fetch_all(&mut **transaction)
        .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.open(keys))).collect())
}

impl StoredRow {
    fn open(self, keys: &HashMap<Uuid, ContentKey>) -> Conversation {
        let opened =
            self.card.as_ref().zip(keys.get(&self.id)).and_then(|(card, key)| open_card(self.id, card, key));
        Conversation {
            owner: self.owner,
            id: self.id,
            version: self.version,
            created_at: self.created_at,
            updated_at: self.updated_at,
            message_count: self.message_count,
            answering: self.answering,
            pinned: self.pinned,
            archived: self.archived,
            newest_message: self.newest_message,
            branched: self.branched,
            deleted_at: self.deleted_at,
            tag_tokens: self.tag_tokens,
            card: opened.unwrap_or_default(),
        }
    }
}

const fn card_aad(id: Uuid) -> AssociatedData<'static> {
    AssociatedData::ReadModel { column: "conversations.card", row: id }
}

fn open_card(id: Uuid, card: &[u8], key: &ContentKey) -> Option<Card> {
    serde_json::from_slice(&key.open(&card_aad(id), card).ok()?).ok()
}

fn seal_card(conversation: &Conversation, keys: &HashMap<Uuid, ContentKey>) -> Option<Vec<u8>> {
    let json = serde_json::to_vec(&conversation.card).ok()?;
    keys.get(&conversation.id)?.seal_repeatably(&card_aad(conversation.id), &json).ok()
}

async fn store(
    table: &str,
    transaction: &mut PgTransaction<'_>,
    mut rows: Vec<Conversation>,
    keys: &HashMap<Uuid, ContentKey>,
) -> Result<(), sqlx::Error> {
    if rows.is_empty() {
        return Ok(());
    }
    rows.sort_unstable_by_key(|row| row.id);
    let column = |value: fn(&Conversation) -> bool| -> Vec<bool> { rows.iter().map(value).collect() };
    sqlx::query(&UPSERT.replace("{table}", table))
        .bind(rows.iter().map(|row| row.owner).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.id).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.version).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.created_at).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.updated_at).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.message_count).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.answering).collect::<Vec<_>>())
        .bind(column(|row| row.pinned))
        .bind(column(|row| row.archived))
        .bind(rows.iter().map(|row| row.newest_message).collect::<Vec<_>>())
        .bind(column(|row| row.branched))
        .bind(rows.iter().map(|row| row.deleted_at).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.tag_tokens.join(SEPARATOR)).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| seal_card(row, keys)).collect::<Vec<_>>())
        .execute(&mut **transaction)
        .await?;
    Ok(())
}

const UPSERT: &str = "
INSERT INTO {table} (owner, id, version, created_at, updated_at, message_count, answering, pinned, archived,
                     newest_message, branched, deleted_at, tag_tokens, card)
SELECT owner, id, version, created_at, updated_at, message_count, answering, pinned, archived,
       newest_message, branched, deleted_at, string_to_array(tag_tokens, ','), card
  FROM UNNEST($1::uuid[], $2::uuid[], $3::bigint[], $4::timestamptz[], $5::timestamptz[], $6::int[], $7::int[],
              $8::bool[], $9::bool[], $10::uuid[], $11::bool[], $12::timestamptz[], $13::text[], $14::bytea[])
       AS row (owner, id, version, created_at, updated_at, message_count, answering, pinned, archived,
               newest_message, branched, deleted_at, tag_tokens, card)
    ON CONFLICT (id) DO UPDATE
   SET version = excluded.version, updated_at = excluded.updated_at, message_count = excluded.message_count,
       answering = excluded.answering, pinned = excluded.pinned, archived = excluded.archived,
       newest_message = excluded.newest_message, branched = excluded.branched, deleted_at = excluded.deleted_at,
       tag_tokens = excluded.tag_tokens, card = excluded.card";

/// A row that was folded in memory, as the list would show it; `None` once it was deleted.
pub(crate) fn shown(row: Conversation) -> Option<ConversationRow> {
    if row.deleted_at.is_some() {
        return None;
    }
    let Card { title, opening, preview, tags } = row.card;
    Some(ConversationRow {
        id: conversation_id(row.id),
        title: title.unwrap_or(opening),
        preview,
        message_count: row.message_count,
        pinned: row.pinned,
        archived: row.archived,
        tags,
        created_at: row.created_at,
        updated_at: row.updated_at,
        version: row.version,
        answering: row.answering > 0,
    })
}

/// The row's id, typed.
const fn conversation_id(id: Uuid) -> ConversationId {
    ConversationId::new(id)
}

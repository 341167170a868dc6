//! The list of conversations: one row per conversation, with title, preview and tags encrypted.

mod card;
mod fold;
mod preview;
mod query;

pub(crate) use fold::fold;
pub use query::{
    ConversationRow, Cursor, Filter, ListPage, ListRequest, SealedConversation, WrappedUserKey, get, lists,
    rows, version,
};

use std::collections::HashMap;

use aggregates::{AggregateType, ConversationId};
use database::Transaction;
use fold::Conversation;
use sealing::ContentKey;
use sqlx::{FromRow as _, Row as _};

use crate::DecryptedEvent;

/// Separates the tag tokens of a row. They are bound as one text per row, because arrays of
/// arrays cannot be ragged.
const SEPARATOR: &str = ",";

/// Applies a batch with two statements: loads the rows that it changes, folds, and writes them.
pub(crate) async fn apply(
    table: &str,
    transaction: &mut Transaction<'_>,
    batch: &[DecryptedEvent],
) -> Result<(), sqlx::Error> {
    let events = || batch.iter().filter(|event| event.recorded.aggregate == AggregateType::Conversation);
    let id_of = |event: &DecryptedEvent| ConversationId::new(event.recorded.aggregate_id);
    let mut existing: Vec<ConversationId> =
        events().filter(|event| event.recorded.sequence.0 > 1).map(id_of).collect();
    existing.sort_unstable();
    existing.dedup();
    let keys: HashMap<ConversationId, ContentKey> =
        events().filter_map(|event| Some((id_of(event), event.content_key.clone()?))).collect();
    let mut rows = load(table, transaction, existing, &keys).await?;
    for event in events() {
        fold(&mut rows, event);
    }
    store(table, transaction, rows.into_values().collect(), &keys).await
}

async fn load(
    table: &str,
    transaction: &mut Transaction<'_>,
    ids: Vec<ConversationId>,
    keys: &HashMap<ConversationId, ContentKey>,
) -> Result<HashMap<ConversationId, Conversation>, sqlx::Error> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = sqlx::query(&format!("SELECT * FROM {table} WHERE id = ANY($1)"))
        .bind(ids)
        .fetch_all(&mut *transaction)
        .await?;
    let mut conversations = HashMap::with_capacity(rows.len());
    for row in &rows {
        let mut conversation = Conversation::from_row(row)?;
        let sealed: Option<&[u8]> = row.try_get("card")?;
        conversation.card = card::open(conversation.id, sealed, keys.get(&conversation.id));
        conversations.insert(conversation.id, conversation);
    }
    Ok(conversations)
}

async fn store(
    table: &str,
    transaction: &mut Transaction<'_>,
    mut rows: Vec<Conversation>,
    keys: &HashMap<ConversationId, ContentKey>,
) -> Result<(), sqlx::Error> {
    if rows.is_empty() {
        return Ok(());
    }
    rows.sort_unstable_by_key(|row| row.id);
    sqlx::query(&UPSERT.replace("{table}", table))
        .bind(rows.iter().map(|row| row.owner).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.id).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.version).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.created_at).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.updated_at).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.message_count).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.answering).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.pinned).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.archived).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.newest_message).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.branched).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.deleted_at).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.tag_tokens.join(SEPARATOR)).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| card::seal(row.id, &row.card, keys.get(&row.id))).collect::<Vec<_>>())
        .execute(&mut *transaction)
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

//! The blind index: full-text search in Postgres over words that mean nothing to it.
//!
//! An entry's lexemes are keyed hashes ([`sealing::BlindKey::lexeme`]) of words and of their stems, with their positions; so
//! phrases, beginnings of words and ranking are Postgres' own. There is no GIN index: each user's lexemes are distinct, so that an
//! index over them would have as many keys as all users have words, while a search touches the rows of one user alone,
//! found by their owner.

mod query;
mod snippet;
mod words;

pub use query::{Cursor, Filter, Found, SealedFound, SearchQuery, find};

use std::collections::BTreeMap;

use aggregates::conversation::ConversationEvent;
use aggregates::{AggregateType, Event};
use chrono::{DateTime, Utc};
use sqlx::PgTransaction;
use uuid::Uuid;

use crate::Opened;

struct Entry {
    owner: Uuid,
    created_at: DateTime<Utc>,
    tokens: String,
}

/// Applies a batch: one entry for each text in it. One statement.
pub(crate) async fn apply(
    table: &str,
    transaction: &mut PgTransaction<'_>,
    batch: &[Opened],
) -> Result<(), sqlx::Error> {
    let mut entries: BTreeMap<(Uuid, Uuid), Entry> = BTreeMap::new();
    for event in batch.iter().filter(|event| event.recorded.aggregate == AggregateType::Conversation) {
        let (Some((entry_id, text)), Some(blind)) = (text_of(event), &event.blind) else {
            continue;
        };
        let entry = Entry {
            owner: event.recorded.owner.uuid(),
            created_at: event.recorded.recorded_at,
            tokens: words::vector(text, blind),
        };
        entries.insert((event.recorded.aggregate_id, entry_id), entry);
    }
    if entries.is_empty() {
        return Ok(());
    }
    sqlx::query(&UPSERT.replace("{table}", table))
        .bind(entries.values().map(|entry| entry.owner).collect::<Vec<_>>())
        .bind(entries.keys().map(|(conversation, _)| *conversation).collect::<Vec<_>>())
        .bind(entries.keys().map(|(_, id)| *id).collect::<Vec<_>>())
        .bind(entries.values().map(|entry| entry.created_at).collect::<Vec<_>>())
        .bind(entries.values().map(|entry| entry.tokens.as_str()).collect::<Vec<_>>())
        .execute(&mut **transaction)
        .await?;
    Ok(())
}

/// The text an event brings, and the entry it belongs to: the message's, or the conversation's for its title.
fn text_of(event: &Opened) -> Option<(Uuid, &str)> {
    let Event::Conversation(happened) = &event.recorded.event else {
        return None;
    };
    match happened {
        ConversationEvent::QuestionAsked { question_id, private, .. } => {
            Some((question_id.uuid(), private.open()?.text.as_str()))
        }
        ConversationEvent::AnswerCompleted { answer_id, private, .. }
        | ConversationEvent::AnswerStopped { answer_id, private, .. } => {
            Some((answer_id.uuid(), private.open()?.text.as_str()))
        }
        ConversationEvent::ConversationRenamed { private, .. } => {
            Some((event.recorded.aggregate_id, private.open()?.title.as_str()))
        }
        ConversationEvent::ConversationStarted { .. }
        | ConversationEvent::AnswerRequested { .. }
        | ConversationEvent::AnswerFailed { .. }
        | ConversationEvent::AnswerRated { .. }
        | ConversationEvent::ConversationPinned
        | ConversationEvent::ConversationUnpinned
        | ConversationEvent::ConversationArchived
        | ConversationEvent::ConversationUnarchived
        | ConversationEvent::ConversationTagged { .. }
        | ConversationEvent::ConversationDeleted { .. }
        | ConversationEvent::ConversationRestored
        | ConversationEvent::ConversationErased => None,
    }
}

const UPSERT: &str = "
INSERT INTO {table} (owner, conversation_id, entry_id, created_at, tokens)
SELECT owner, conversation_id, entry_id, created_at, tokens::tsvector
  FROM UNNEST($1::uuid[], $2::uuid[], $3::uuid[], $4::timestamptz[], $5::text[])
       AS row (owner, conversation_id, entry_id, created_at, tokens)
    ON CONFLICT (conversation_id, entry_id) DO UPDATE
   SET created_at = excluded.created_at, tokens = excluded.tokens";

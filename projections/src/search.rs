//! The blind index: full-text search in Postgres over tokens that reveal no words.
//!
//! The lexemes of an entry are keyed hashes ([`sealing::BlindKey::lexeme`]) of its words and of their stems,
//! with their positions, so that Postgres itself matches phrases and prefixes and ranks the results. There is
//! no GIN index: the lexemes of each user are distinct, so that its size would be that of all users'
//! vocabularies together. A search reads the rows of one owner alone, through the index on the owner.

mod find;
mod query;
mod snippet;
mod words;

pub use find::{Cursor, HitRole, SealedHit, SearchHit, find};
pub use query::SearchQuery;
pub use snippet::SnippetBudget;

use std::collections::BTreeMap;

use aggregates::conversation::ConversationEvent;
use aggregates::{AggregateType, ConversationId, Event, UserId};
use chrono::{DateTime, Utc};
use database::Transaction;
use sealing::BlindKey;
use uuid::Uuid;

use crate::DecryptedEvent;

/// An entry for the text of one message, or for the title of a conversation.
struct Entry<'a> {
    owner: UserId,
    created_at: DateTime<Utc>,
    text: &'a str,
    key: &'a BlindKey,
}

/// Texts of this size together take less than a millisecond to index.
const INDEXED_AT_ONCE_BYTES: usize = 8 << 10;

/// Applies a batch with one statement: one entry for each text.
pub(crate) async fn apply(
    table: &str,
    transaction: &mut Transaction<'_>,
    batch: &[DecryptedEvent],
) -> Result<(), sqlx::Error> {
    let mut entries: BTreeMap<(ConversationId, Uuid), Entry<'_>> = BTreeMap::new();
    for event in batch.iter().filter(|event| event.recorded.aggregate == AggregateType::Conversation) {
        let (Some((entry_id, text)), Some(key)) = (text_of(event), &event.blind_key) else {
            continue;
        };
        let entry = Entry { owner: event.recorded.owner, created_at: event.recorded.recorded_at, text, key };
        entries.insert((ConversationId::new(event.recorded.aggregate_id), entry_id), entry);
    }
    if entries.is_empty() {
        return Ok(());
    }
    let vectors = vectors(entries.values().map(|entry| (entry.text, entry.key)).collect()).await?;
    sqlx::query(&UPSERT.replace("{table}", table))
        .bind(entries.values().map(|entry| entry.owner).collect::<Vec<_>>())
        .bind(entries.keys().map(|(conversation, _)| *conversation).collect::<Vec<_>>())
        .bind(entries.keys().map(|(_, id)| *id).collect::<Vec<_>>())
        .bind(entries.values().map(|entry| entry.created_at).collect::<Vec<_>>())
        .bind(vectors)
        .execute(&mut *transaction)
        .await?;
    Ok(())
}

/// The vectors of texts. Long texts are indexed on a thread of their own.
async fn vectors(texts: Vec<(&str, &BlindKey)>) -> Result<Vec<String>, sqlx::Error> {
    let bytes: usize = texts.iter().map(|(text, _)| text.len()).sum();
    if bytes <= INDEXED_AT_ONCE_BYTES {
        return Ok(texts.into_iter().map(|(text, key)| words::vector(text, key)).collect());
    }
    let texts: Vec<(String, BlindKey)> =
        texts.into_iter().map(|(text, key)| (text.to_owned(), key.clone())).collect();
    let indexing = move || texts.iter().map(|(text, key)| words::vector(text, key)).collect();
    match tokio::task::spawn_blocking(indexing).await {
        Ok(vectors) => Ok(vectors),
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // The process ends.
            Err(_) => Err(sqlx::Error::WorkerCrashed),
        },
    }
}

/// The text of an event and the id of its entry: the message's, or the conversation's for a title.
fn text_of(event: &DecryptedEvent) -> Option<(Uuid, &str)> {
    let Event::Conversation(conversation_event) = &event.recorded.event else { return None };
    match conversation_event {
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
        | ConversationEvent::ConversationInstructed { .. }
        | ConversationEvent::TokensSpent { .. }
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

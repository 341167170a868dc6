//! Messages as the fold of their conversation's events.

use std::collections::{HashMap, HashSet};

use aggregates::conversation::{ConversationEvent, MessageStatus, Rating};
use aggregates::{AggregateType, AnswerId, ConversationId, Event};
use database::Transaction;
use sealing::ContentKey;
use uuid::Uuid;

use super::row::{MessageColumns, MessageRow};
use super::{Message, SealedMessage, open_all};
use crate::DecryptedEvent;

/// The rows that a batch changes, by conversation and message.
#[derive(Debug, Default)]
struct Changes {
    rows: HashMap<(ConversationId, Uuid), MessageRow>,
}

/// Applies a batch with two statements: loads the answers that it changes, folds, and writes the rows.
pub(crate) async fn apply(
    table: &str,
    transaction: &mut Transaction<'_>,
    batch: &[DecryptedEvent],
) -> Result<(), sqlx::Error> {
    let events = || batch.iter().filter(|event| event.recorded.aggregate == AggregateType::Conversation);
    let mut changes = Changes::default();
    let existing = answers_of_earlier_batches(events());
    if !existing.is_empty() {
        let (conversations, answers): (Vec<ConversationId>, Vec<AnswerId>) = existing.into_iter().unzip();
        let rows: Vec<MessageRow> = sqlx::query_as(&LOAD.replace("{table}", table))
            .bind(conversations)
            .bind(answers)
            .fetch_all(&mut *transaction)
            .await?;
        changes.rows = rows.into_iter().map(|row| ((row.conversation_id, row.message.id), row)).collect();
    }
    for event in events() {
        changes.fold(event);
    }
    store(table, transaction, changes.rows.into_values().collect()).await
}

/// Folds the events of one conversation from its first event on, and decrypts the messages, oldest first.
pub(crate) fn replay(events: &[DecryptedEvent], key: Option<&ContentKey>) -> Vec<Message> {
    let mut changes = Changes::default();
    for event in events {
        changes.fold(event);
    }
    let mut rows: Vec<MessageRow> = changes.rows.into_values().collect();
    rows.sort_unstable_by_key(|row| row.message.ordinal);
    let mut children: HashMap<Option<Uuid>, Vec<Uuid>> = HashMap::new();
    for MessageRow { message, .. } in &rows {
        children.entry(message.parent_id).or_default().push(message.id);
    }
    let sealed = rows
        .into_iter()
        .map(|MessageRow { conversation_id, message, .. }| {
            let siblings = children.get(&message.parent_id).cloned().unwrap_or_default();
            SealedMessage { conversation_id, message, siblings }
        })
        .collect();
    open_all(sealed, key)
}

/// The answers that a batch changes and an earlier batch added: their rows have to be loaded.
fn answers_of_earlier_batches<'a>(
    events: impl Iterator<Item = &'a DecryptedEvent>,
) -> HashSet<(ConversationId, AnswerId)> {
    let (mut added, mut earlier) = (HashSet::new(), HashSet::new());
    for DecryptedEvent { recorded, .. } in events {
        let Event::Conversation(event) = &recorded.event else { continue };
        let conversation = ConversationId::new(recorded.aggregate_id);
        match event {
            ConversationEvent::AnswerRequested { answer_id, .. } => {
                added.insert((conversation, *answer_id));
            }
            ConversationEvent::AnswerCompleted { answer_id, .. }
            | ConversationEvent::AnswerStopped { answer_id, .. }
            | ConversationEvent::AnswerFailed { answer_id, .. }
            | ConversationEvent::AnswerRated { answer_id, .. } => {
                let answer = (conversation, *answer_id);
                if !added.contains(&answer) {
                    earlier.insert(answer);
                }
            }
            ConversationEvent::QuestionAsked { .. }
            | ConversationEvent::ConversationStarted { .. }
            | ConversationEvent::ConversationRenamed { .. }
            | ConversationEvent::ConversationPinned
            | ConversationEvent::ConversationUnpinned
            | ConversationEvent::ConversationArchived
            | ConversationEvent::ConversationUnarchived
            | ConversationEvent::ConversationTagged { .. }
            | ConversationEvent::ConversationInstructed { .. }
            | ConversationEvent::TokensSpent { .. }
            | ConversationEvent::ConversationDeleted { .. }
            | ConversationEvent::ConversationRestored
            | ConversationEvent::ConversationErased => {}
        }
    }
    earlier
}

/// A number of tokens for its column. Larger numbers, which no model reaches, become the largest one.
fn column(tokens: u32) -> i32 {
    i32::try_from(tokens).unwrap_or(i32::MAX)
}

impl Changes {
    fn fold(&mut self, event: &DecryptedEvent) {
        let Event::Conversation(conversation_event) = &event.recorded.event else { return };
        match conversation_event {
            ConversationEvent::QuestionAsked { question_id, parent_id, .. } => {
                self.add(event, question_id.uuid(), parent_id.map(AnswerId::uuid), MessageStatus::Asked);
            }
            ConversationEvent::AnswerRequested { question_id, answer_id, .. } => {
                self.add(event, answer_id.uuid(), Some(question_id.uuid()), MessageStatus::Requested);
            }
            ConversationEvent::AnswerCompleted { answer_id, provenance, usage, .. } => {
                if let Some(answer) = self.end(event, *answer_id, MessageStatus::Completed) {
                    answer.model.clone_from(&provenance.language_model);
                    answer.quoted = provenance.quoted;
                    answer.prompt_tokens = column(usage.prompt_tokens);
                    answer.completion_tokens = column(usage.completion_tokens);
                }
            }
            ConversationEvent::AnswerStopped { answer_id, .. } => {
                self.end(event, *answer_id, MessageStatus::Stopped);
            }
            ConversationEvent::AnswerFailed { answer_id, reason, .. } => {
                if let Some(answer) = self.end(event, *answer_id, MessageStatus::Failed) {
                    answer.failure = Some(*reason);
                }
            }
            ConversationEvent::AnswerRated { answer_id, rating, .. } => {
                if let Some(answer) = self.answer(event, *answer_id) {
                    answer.rating = *rating;
                }
            }
            ConversationEvent::ConversationStarted { .. }
            | ConversationEvent::ConversationRenamed { .. }
            | ConversationEvent::ConversationPinned
            | ConversationEvent::ConversationUnpinned
            | ConversationEvent::ConversationArchived
            | ConversationEvent::ConversationUnarchived
            | ConversationEvent::ConversationTagged { .. }
            | ConversationEvent::ConversationInstructed { .. }
            | ConversationEvent::TokensSpent { .. }
            | ConversationEvent::ConversationDeleted { .. }
            | ConversationEvent::ConversationRestored
            | ConversationEvent::ConversationErased => {}
        }
    }

    fn add(&mut self, event: &DecryptedEvent, id: Uuid, parent_id: Option<Uuid>, status: MessageStatus) {
        let recorded = &event.recorded;
        let conversation_id = ConversationId::new(recorded.aggregate_id);
        let message = MessageColumns {
            id,
            ordinal: recorded.position,
            parent_id,
            status,
            created_at: recorded.recorded_at,
            sequence: recorded.sequence,
            private: recorded.sealed.clone(),
            model: None,
            quoted: false,
            failure: None,
            prompt_tokens: 0,
            completion_tokens: 0,
            rating: Rating::None,
        };
        let row = MessageRow { owner: recorded.owner, conversation_id, message };
        self.rows.insert((conversation_id, id), row);
    }

    /// Gives an answer its final status, and the text and time of the event.
    fn end(
        &mut self,
        event: &DecryptedEvent,
        id: AnswerId,
        status: MessageStatus,
    ) -> Option<&mut MessageColumns> {
        let answer = self.answer(event, id)?;
        answer.status = status;
        answer.created_at = event.recorded.recorded_at;
        answer.sequence = event.recorded.sequence;
        answer.private.clone_from(&event.recorded.sealed);
        Some(answer)
    }

    fn answer(&mut self, event: &DecryptedEvent, id: AnswerId) -> Option<&mut MessageColumns> {
        let conversation_id = ConversationId::new(event.recorded.aggregate_id);
        Some(&mut self.rows.get_mut(&(conversation_id, id.uuid()))?.message)
    }
}

async fn store(
    table: &str,
    transaction: &mut Transaction<'_>,
    mut rows: Vec<MessageRow>,
) -> Result<(), sqlx::Error> {
    if rows.is_empty() {
        return Ok(());
    }
    rows.sort_unstable_by_key(|row| (row.conversation_id, row.message.id));
    let messages = || rows.iter().map(|row| &row.message);
    sqlx::query(&UPSERT.replace("{table}", table))
        .bind(rows.iter().map(|row| row.owner).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.conversation_id).collect::<Vec<_>>())
        .bind(messages().map(|message| message.id).collect::<Vec<_>>())
        .bind(messages().map(|message| message.ordinal).collect::<Vec<_>>())
        .bind(messages().map(|message| message.parent_id).collect::<Vec<_>>())
        .bind(messages().map(|message| message.status.role()).collect::<Vec<_>>())
        .bind(messages().map(|message| message.status).collect::<Vec<_>>())
        .bind(messages().map(|message| message.created_at).collect::<Vec<_>>())
        .bind(messages().map(|message| message.sequence).collect::<Vec<_>>())
        .bind(messages().map(|message| message.status.event_type()).collect::<Vec<_>>())
        .bind(messages().map(|message| message.private.as_deref()).collect::<Vec<_>>())
        .bind(messages().map(|message| message.model.as_deref()).collect::<Vec<_>>())
        .bind(messages().map(|message| message.quoted).collect::<Vec<_>>())
        .bind(messages().map(|message| message.failure).collect::<Vec<_>>())
        .bind(messages().map(|message| message.prompt_tokens).collect::<Vec<_>>())
        .bind(messages().map(|message| message.completion_tokens).collect::<Vec<_>>())
        .bind(messages().map(|message| message.rating).collect::<Vec<_>>())
        .execute(&mut *transaction)
        .await?;
    Ok(())
}

const LOAD: &str = "
SELECT m.* FROM UNNEST($1::uuid[], $2::uuid[]) AS changed (conversation_id, id)
  JOIN {table} m ON m.conversation_id = changed.conversation_id AND m.id = changed.id";

const UPSERT: &str = "
INSERT INTO {table} (owner, conversation_id, id, ordinal, parent_id, role, status, created_at, sequence, event_type,
                     private, model, quoted, failure, prompt_tokens, completion_tokens, rating)
SELECT * FROM UNNEST($1::uuid[], $2::uuid[], $3::uuid[], $4::bigint[], $5::uuid[], $6::text[], $7::text[],
                     $8::timestamptz[], $9::bigint[], $10::text[], $11::bytea[], $12::text[], $13::bool[],
                     $14::text[], $15::int[], $16::int[], $17::text[])
    ON CONFLICT (conversation_id, id) DO UPDATE
   SET status = excluded.status, created_at = excluded.created_at, sequence = excluded.sequence,
       event_type = excluded.event_type, private = excluded.private, model = excluded.model,
       quoted = excluded.quoted, failure = excluded.failure, prompt_tokens = excluded.prompt_tokens,
       completion_tokens = excluded.completion_tokens, rating = excluded.rating";

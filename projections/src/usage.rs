//! Answers and tokens by day and model.

use std::collections::BTreeMap;

use aggregates::conversation::ConversationEvent;
use aggregates::{Event, UserId};
use chrono::NaiveDate;
use database::Transaction;
use serde::Serialize;
use sqlx::{FromRow, PgExecutor};
use utoipa::ToSchema;

use crate::messages::Message;
use crate::{DecryptedEvent, QueryError, owned};

/// The use of one model on one day.
#[derive(Debug, Clone, PartialEq, Eq, FromRow, Serialize, ToSchema)]
pub struct UsageDay {
    /// The day in UTC.
    pub day: NaiveDate,
    /// The language model; `quote` for answers that quote the sources.
    pub model: String,
    /// The number of completed answers.
    pub answers: i64,
    /// Tokens of the prompts, also of attempts that completed no answer, of titles and of suggestions.
    pub prompt_tokens: i64,
    /// Tokens that the model wrote, for the same uses.
    pub completion_tokens: i64,
}

/// The sums that a batch adds to one day.
#[derive(Default)]
struct Sums {
    answers: i64,
    prompt_tokens: i64,
    completion_tokens: i64,
}

/// Applies a batch with one statement.
pub(crate) async fn apply(
    table: &str,
    transaction: &mut Transaction<'_>,
    batch: &[DecryptedEvent],
) -> Result<(), sqlx::Error> {
    let mut days: BTreeMap<(UserId, NaiveDate, String), Sums> = BTreeMap::new();
    for DecryptedEvent { recorded, .. } in batch {
        let Event::Conversation(event) = &recorded.event else { continue };
        let (model, answers, usage) = match event {
            ConversationEvent::AnswerCompleted { provenance, usage, .. } => {
                let model = Message::model_name(provenance.language_model.clone(), provenance.quoted);
                (model.unwrap_or_default(), 1, usage)
            }
            ConversationEvent::TokensSpent { model, usage, .. } => (model.clone(), 0, usage),
            ConversationEvent::ConversationStarted { .. }
            | ConversationEvent::QuestionAsked { .. }
            | ConversationEvent::AnswerRequested { .. }
            | ConversationEvent::AnswerStopped { .. }
            | ConversationEvent::AnswerFailed { .. }
            | ConversationEvent::AnswerRated { .. }
            | ConversationEvent::ConversationRenamed { .. }
            | ConversationEvent::ConversationPinned
            | ConversationEvent::ConversationUnpinned
            | ConversationEvent::ConversationArchived
            | ConversationEvent::ConversationUnarchived
            | ConversationEvent::ConversationTagged { .. }
            | ConversationEvent::ConversationInstructed { .. }
            | ConversationEvent::ConversationDeleted { .. }
            | ConversationEvent::ConversationRestored
            | ConversationEvent::ConversationErased => continue,
        };
        let day = recorded.recorded_at.date_naive();
        let sums = days.entry((recorded.owner, day, model)).or_default();
        sums.answers += answers;
        sums.prompt_tokens += i64::from(usage.prompt_tokens);
        sums.completion_tokens += i64::from(usage.completion_tokens);
    }
    if days.is_empty() {
        return Ok(());
    }
    sqlx::query(&ADD.replace("{table}", table))
        .bind(days.keys().map(|(owner, _, _)| *owner).collect::<Vec<_>>())
        .bind(days.keys().map(|(_, day, _)| *day).collect::<Vec<_>>())
        .bind(days.keys().map(|(_, _, model)| model.as_str()).collect::<Vec<_>>())
        .bind(days.values().map(|sums| sums.answers).collect::<Vec<_>>())
        .bind(days.values().map(|sums| sums.prompt_tokens).collect::<Vec<_>>())
        .bind(days.values().map(|sums| sums.completion_tokens).collect::<Vec<_>>())
        .execute(&mut *transaction)
        .await?;
    Ok(())
}

/// An owner's usage from `from` to `to`, both days included, newest first.
pub async fn days(
    executor: impl PgExecutor<'_>,
    owner: UserId,
    from: Option<NaiveDate>,
    to: Option<NaiveDate>,
) -> Result<Vec<UsageDay>, QueryError> {
    Ok(sqlx::query_as(DAYS).bind(owner.to_string()).bind(from).bind(to).fetch_all(executor).await?)
}

const ADD: &str = "
INSERT INTO {table} AS u (owner, day, model, answers, prompt_tokens, completion_tokens)
SELECT * FROM UNNEST($1::uuid[], $2::date[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[])
    ON CONFLICT (owner, day, model) DO UPDATE
   SET answers = u.answers + excluded.answers, prompt_tokens = u.prompt_tokens + excluded.prompt_tokens,
       completion_tokens = u.completion_tokens + excluded.completion_tokens";

const DAYS: &str = owned!(
    "SELECT u.day, u.model, u.answers, u.prompt_tokens, u.completion_tokens
       FROM my_usage_days u
      WHERE u.owner = me.owner AND ($2::date IS NULL OR u.day >= $2) AND ($3::date IS NULL OR u.day <= $3)
      ORDER BY u.day DESC, u.model LIMIT 4000"
);

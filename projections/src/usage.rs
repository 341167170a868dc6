//! Tokens and answers by day and model.

use std::collections::BTreeMap;

use aggregates::conversation::ConversationEvent;
use aggregates::{Event, UserId};
use chrono::NaiveDate;
use serde::Serialize;
use sqlx::{FromRow, PgExecutor, PgTransaction};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::messages::Message;
use crate::{Opened, owned};

/// One day's answers of one model.
#[derive(Debug, Clone, PartialEq, Eq, FromRow, Serialize, ToSchema)]
pub struct UsageDay {
    /// The day, in UTC.
    pub day: NaiveDate,
    /// The model; `quote` for answers made of the sources' sentences.
    pub model: String,
    /// Answers completed.
    pub answers: i64,
    /// Tokens read.
    pub prompt_tokens: i64,
    /// Tokens written.
    pub completion_tokens: i64,
}

/// Applies a batch: adds what it completes. One statement.
pub(crate) async fn apply(
    table: &str,
    transaction: &mut PgTransaction<'_>,
    batch: &[Opened],
) -> Result<(), sqlx::Error> {
    let mut days: BTreeMap<(Uuid, NaiveDate, String), (i64, i64, i64)> = BTreeMap::new();
    for event in batch {
        if let Event::Conversation(ConversationEvent::AnswerCompleted { provenance, usage, .. }) =
            &event.recorded.event
        {
            let model =
                Message::model_name(provenance.language_model.clone(), provenance.quoted).unwrap_or_default();
            let day = event.recorded.recorded_at.date_naive();
            let sums = days.entry((event.recorded.owner.uuid(), day, model)).or_default();
            sums.0 += 1;
            sums.1 += i64::from(usage.prompt_tokens);
            sums.2 += i64::from(usage.completion_tokens);
        }
    }
    if days.is_empty() {
        return Ok(());
    }
    sqlx::query(&ADD.replace("{table}", table))
        .bind(days.keys().map(|(owner, _, _)| *owner).collect::<Vec<_>>())
        .bind(days.keys().map(|(_, day, _)| *day).collect::<Vec<_>>())
        .bind(days.keys().map(|(_, _, model)| model.as_str()).collect::<Vec<_>>())
        .bind(days.values().map(|sums| sums.0).collect::<Vec<_>>())
        .bind(days.values().map(|sums| sums.1).collect::<Vec<_>>())
        .bind(days.values().map(|sums| sums.2).collect::<Vec<_>>())
        .execute(&mut **transaction)
        .await?;
    Ok(())
}

/// An owner's usage between two days, both included, newest first.
pub async fn days(
    executor: impl PgExecutor<'_>,
    owner: UserId,
    from: Option<NaiveDate>,
    to: Option<NaiveDate>,
) -> Result<Vec<UsageDay>, sqlx::Error> {
    sqlx::query_as(DAYS).bind(owner.to_string()).bind(from).bind(to).fetch_all(executor).await
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

//! Who is writing which answer.
//!
//! A worker claims an answer before it begins. The claim counts attempts, whatever has died or was wiped since the last
//! one, and it runs out by itself, so that the answer of a dead worker is seen to be free.

use std::collections::HashSet;
use std::time::Duration;

use aggregates::{AnswerId, ConversationId, EventId};
use uuid::Uuid;

use super::{Store, StoreError};

/// The right to write one answer, for a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AnswerLease {
    /// The answer.
    pub answer_id: AnswerId,
    /// Which attempt this is, from 1. Higher than that of everyone who held the answer before.
    pub attempt: u32,
    holder: Uuid,
}

/// What came of claiming an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claim {
    /// It is the claimant's.
    Taken(AnswerLease, Requested),
    /// Somebody has it, for this long unless they keep it longer.
    Held(Duration),
    /// Nobody ever requested it.
    Unknown,
}

/// How an answer came to be requested.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requested {
    /// The event that requested it.
    pub event_id: EventId,
    /// The request of a person behind it.
    pub correlation_id: Option<Uuid>,
    /// The W3C trace context of that request.
    pub traceparent: Option<String>,
}

type ClaimRow = (Uuid, Option<String>, Option<String>, Option<i32>, Option<f64>);

impl Store {
    /// Claims an answer unless somebody holds it. One round trip.
    pub async fn claim_answer(
        &self,
        conversation_id: ConversationId,
        answer_id: AnswerId,
        holder: Uuid,
        time: Duration,
    ) -> Result<Claim, StoreError> {
        let row: Option<ClaimRow> = sqlx::query_as(CLAIM)
            .bind(answer_id.uuid())
            .bind(conversation_id.uuid())
            .bind(holder)
            .bind(time.as_secs_f64())
            .fetch_optional(&self.pool)
            .await?;
        Ok(match row {
            None => Claim::Unknown,
            Some((.., None, left)) => {
                Claim::Held(Duration::try_from_secs_f64(left.unwrap_or_default()).unwrap_or_default())
            }
            Some((event_id, correlation_id, traceparent, Some(attempt), _)) => Claim::Taken(
                AnswerLease { answer_id, attempt: attempt.unsigned_abs(), holder },
                Requested {
                    event_id: EventId::new(event_id),
                    correlation_id: correlation_id.and_then(|id| id.parse().ok()),
                    traceparent,
                },
            ),
        })
    }

    /// Holds an answer for longer; `false` if it has gone to somebody else.
    pub async fn keep_answer(&self, lease: &AnswerLease, time: Duration) -> Result<bool, StoreError> {
        self.hold(lease, time).await
    }

    /// Lets an answer go that has not ended, for somebody to take at once. The attempt stays counted.
    pub async fn release_answer(&self, lease: &AnswerLease) -> Result<(), StoreError> {
        self.hold(lease, Duration::ZERO).await.map(drop)
    }

    async fn hold(&self, lease: &AnswerLease, time: Duration) -> Result<bool, StoreError> {
        let done = sqlx::query(
            "UPDATE answer_leases SET held_until = clock_timestamp() + make_interval(secs => $4)
              WHERE answer_id = $1 AND attempt = $2 AND held_by = $3",
        )
        .bind(lease.answer_id.uuid())
        .bind(lease.attempt.cast_signed())
        .bind(lease.holder)
        .bind(time.as_secs_f64())
        .execute(&self.pool)
        .await?;
        Ok(done.rows_affected() > 0)
    }

    /// Forgets about an answer that has ended.
    pub async fn end_lease(&self, lease: &AnswerLease) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM answer_leases WHERE answer_id = $1 AND attempt = $2 AND held_by = $3")
            .bind(lease.answer_id.uuid())
            .bind(lease.attempt.cast_signed())
            .bind(lease.holder)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Which of these answers somebody holds now.
    pub async fn held_answers(&self, answers: &[AnswerId]) -> Result<HashSet<AnswerId>, StoreError> {
        let answers: Vec<Uuid> = answers.iter().map(|answer| answer.uuid()).collect();
        let held: Vec<Uuid> = sqlx::query_scalar(
            "SELECT answer_id FROM answer_leases WHERE answer_id = ANY($1)
                AND held_until BETWEEN clock_timestamp() AND clock_timestamp() + interval '10 minutes'",
        )
        .bind(answers)
        .fetch_all(&self.pool)
        .await?;
        Ok(held.into_iter().map(AnswerId::new).collect())
    }

    /// Forgets what workers that died left behind, a day later.
    pub async fn purge_leases(&self) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM answer_leases WHERE held_until < clock_timestamp() - interval '1 day'")
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Which of these answers have ended, by the events themselves. One round trip however many there are.
    pub async fn ended_answers(
        &self,
        answers: &[(ConversationId, AnswerId)],
    ) -> Result<HashSet<AnswerId>, StoreError> {
        let mut conversations: Vec<Uuid> = answers.iter().map(|(id, _)| id.uuid()).collect();
        conversations.sort_unstable();
        conversations.dedup();
        let ended: Vec<Option<String>> = sqlx::query_scalar(
            "SELECT payload->>'answer_id' FROM events
              WHERE aggregate_type = 'conversation' AND aggregate_id = ANY($1)
                AND event_type IN ('AnswerCompleted', 'AnswerStopped', 'AnswerFailed')",
        )
        .bind(conversations)
        .fetch_all(&self.pool)
        .await?;
        Ok(ended.into_iter().flatten().filter_map(|id| id.parse().ok()).collect())
    }
}

/// A lease that ends far ahead was made before the clock went back; nobody waits for its end.
const CLAIM: &str = "
WITH requested AS (
    SELECT event_id, metadata->>'correlation_id' AS correlation_id, metadata->>'traceparent' AS traceparent
      FROM events
     WHERE aggregate_type = 'conversation' AND aggregate_id = $2 AND event_type = 'AnswerRequested'
       AND payload->>'answer_id' = $1::uuid::text
     ORDER BY sequence LIMIT 1
), claimed AS (
    INSERT INTO answer_leases AS lease (answer_id, attempt, held_by, held_until)
    SELECT $1, 1, $3, clock_timestamp() + make_interval(secs => $4) FROM requested
    ON CONFLICT (answer_id) DO UPDATE
       SET attempt = lease.attempt + 1, held_by = excluded.held_by, held_until = excluded.held_until
     WHERE lease.held_until NOT BETWEEN clock_timestamp() AND clock_timestamp() + interval '10 minutes'
    RETURNING attempt
)
SELECT r.event_id, r.correlation_id, r.traceparent, c.attempt,
       EXTRACT(EPOCH FROM l.held_until - clock_timestamp())::float8
  FROM requested r LEFT JOIN claimed c ON true LEFT JOIN answer_leases l ON l.answer_id = $1";

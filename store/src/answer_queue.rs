//! The queue of requested answers, in which owners take turns, and the leases of the workers on them.
//!
//! # Order
//! Each answer has a turn, and workers take the answer with the lowest turn first. The first waiting answer
//! of an owner gets the turn that is being served, each further one of the same owner the turn after. So the
//! answers of an owner with hundreds of them are spread over hundreds of turns, and the only answer of
//! another owner is taken within the current one. Finding the next answer is one step in an index, however
//! long the queue.
//!
//! # Leases
//! A worker that takes an answer holds it for a time, by the clock of the database, and renews that while it
//! works. An answer that is not renewed becomes free, so that another worker continues after a worker died.
//! Each time an answer is taken counts as an attempt. An answer is identified with its conversation, because
//! clients choose the ids of answers.

use std::time::Duration;

use aggregates::{AnswerId, AnswerRef, ConversationId, EventId, UserId, Version};
use sqlx::FromRow;
use uuid::Uuid;

use crate::leases::is_held;
use crate::{Store, StoreError};

/// A request for an answer, as its event states it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AnswerRequest {
    /// The answer.
    pub answer: AnswerRef,
    /// The sequence of the event that requested it.
    pub sequence: Version,
}

/// The right of one worker to write one answer.
#[derive(Debug, Clone, Copy)]
pub struct AnswerLease {
    /// The answer.
    pub answer: AnswerRef,
    /// The sequence of the event that requested the answer.
    pub sequence: Version,
    /// The number of this attempt, from 1.
    pub attempt: u32,
    /// Unique to this attempt.
    holder: Uuid,
}

/// The result of looking for the next answer.
#[derive(Debug, Clone)]
pub enum NextAnswer {
    /// The caller holds the answer. `None` if its event does not exist, or requests another answer.
    Taken(AnswerLease, Option<Requested>),
    /// Nothing can be taken now, and not before this time unless answers are added; `None` if nothing waits.
    Nothing(Option<Duration>),
}

/// The event that requested an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requested {
    /// The id of the event.
    pub event_id: EventId,
    /// The user's HTTP request that led to the event.
    pub correlation_id: Option<Uuid>,
    /// The W3C trace context of the HTTP request.
    pub traceparent: Option<String>,
    /// The time since the request, by the clock of the database.
    pub age: Duration,
}

#[derive(FromRow)]
struct TakenRow {
    conversation_id: ConversationId,
    answer_id: AnswerId,
    owner: UserId,
    sequence: Version,
    attempt: i32,
    event_id: Option<EventId>,
    correlation_id: Option<String>,
    traceparent: Option<String>,
    age_seconds: Option<f64>,
}

impl TakenRow {
    fn taken(self, holder: Uuid) -> NextAnswer {
        let Self {
            conversation_id,
            answer_id,
            owner,
            sequence,
            attempt,
            event_id,
            correlation_id,
            traceparent,
            age_seconds,
        } = self;
        let answer = AnswerRef { owner, conversation_id, answer_id };
        let requested = event_id.map(|event_id| Requested {
            event_id,
            correlation_id: correlation_id.and_then(|id| id.parse().ok()),
            traceparent,
            age: Duration::try_from_secs_f64(age_seconds.unwrap_or_default().max(0.0)).unwrap_or_default(),
        });
        let attempt = attempt.unsigned_abs();
        NextAnswer::Taken(AnswerLease { answer, sequence, attempt, holder }, requested)
    }
}

impl Store {
    /// Adds requested answers to the queue, those of each owner in this order. An answer that is in the
    /// queue stays where it is. Returns how many were added.
    pub async fn queue_answers(&self, requests: &[AnswerRequest]) -> Result<u64, StoreError> {
        let column = |field: fn(&AnswerRequest) -> Uuid| requests.iter().map(field).collect::<Vec<_>>();
        let added = sqlx::query(QUEUE)
            .bind(column(|request| request.answer.conversation_id.uuid()))
            .bind(column(|request| request.answer.answer_id.uuid()))
            .bind(column(|request| request.answer.owner.uuid()))
            .bind(requests.iter().map(|request| request.sequence).collect::<Vec<_>>())
            .execute(&self.pool)
            .await?;
        Ok(added.rows_affected())
    }

    /// Takes the next answer that nobody holds, of owners other than these, and holds it for a time. One
    /// round trip, two if there is none.
    pub async fn take_answer(&self, not_of: &[UserId], time: Duration) -> Result<NextAnswer, StoreError> {
        let holder = Uuid::new_v4();
        let taken: Option<TakenRow> = sqlx::query_as(TAKE)
            .bind(not_of)
            .bind(holder)
            .bind(time.as_secs_f64())
            .fetch_optional(&self.pool)
            .await?;
        if let Some(taken) = taken {
            return Ok(taken.taken(holder));
        }
        let due: Option<f64> = sqlx::query_scalar(DUE).bind(not_of).fetch_one(&self.pool).await?;
        let due = due.map(|seconds| Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or_default());
        Ok(NextAnswer::Nothing(due))
    }

    /// Renews a lease while this future is polled. Resolves when another worker has taken the answer, or the
    /// answer is no longer in the queue.
    ///
    /// An unavailable database does not end it: no other worker can take the answer meanwhile.
    pub async fn hold_answer(&self, lease: &AnswerLease, time: Duration) {
        loop {
            tokio::time::sleep(time / 3).await;
            match self.extend(lease, time, Some(lease.holder)).await {
                Ok(true) => {}
                Ok(false) => return,
                Err(error) => {
                    tracing::debug!(error = &error as &dyn std::error::Error, "lease was not renewed");
                }
            }
        }
    }

    /// Gives an answer back before it has ended. It can be taken after the pause, which is shorter
    /// than a minute.
    pub async fn return_answer(&self, lease: &AnswerLease, pause: Duration) -> Result<(), StoreError> {
        self.extend(lease, pause, None).await.map(drop)
    }

    /// Gives an answer back that this process cannot read, and another one may. It does not count as an
    /// attempt, and can be taken after the pause, which is shorter than a minute.
    pub async fn decline_answer(&self, lease: &AnswerLease, pause: Duration) -> Result<(), StoreError> {
        sqlx::query(DECLINE)
            .bind(lease.answer.conversation_id)
            .bind(lease.answer.answer_id)
            .bind(lease.holder)
            .bind(pause.as_secs_f64())
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Removes an answer that has ended.
    pub async fn remove_answer(&self, lease: &AnswerLease) -> Result<(), StoreError> {
        sqlx::query(
            "DELETE FROM answer_queue WHERE conversation_id = $1 AND answer_id = $2 AND held_by = $3",
        )
        .bind(lease.answer.conversation_id)
        .bind(lease.answer.answer_id)
        .bind(lease.holder)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// The requests among these that are not in the queue. An answer that a process of an earlier release is
    /// writing counts as queued.
    pub async fn unqueued(&self, requests: Vec<AnswerRequest>) -> Result<Vec<AnswerRequest>, StoreError> {
        let column = |field: fn(&AnswerRequest) -> Uuid| requests.iter().map(field).collect::<Vec<_>>();
        let queued: Vec<(ConversationId, AnswerId)> = sqlx::query_as(QUEUED)
            .bind(column(|request| request.answer.conversation_id.uuid()))
            .bind(column(|request| request.answer.answer_id.uuid()))
            .fetch_all(&self.pool)
            .await?;
        let is_queued = |request: &AnswerRequest| {
            queued.contains(&(request.answer.conversation_id, request.answer.answer_id))
        };
        Ok(requests.into_iter().filter(|request| !is_queued(request)).collect())
    }

    async fn extend(
        &self,
        lease: &AnswerLease,
        time: Duration,
        holder: Option<Uuid>,
    ) -> Result<bool, StoreError> {
        let extended = sqlx::query(EXTEND)
            .bind(lease.answer.conversation_id)
            .bind(lease.answer.answer_id)
            .bind(lease.holder)
            .bind(time.as_secs_f64())
            .bind(holder)
            .execute(&self.pool)
            .await?;
        Ok(extended.rows_affected() > 0)
    }
}

/// An empty queue goes on behind the last turn that was taken and is still in work. The order of the rows
/// lets two statements wait for each other in one direction only.
const QUEUE: &str = concat!(
    "
WITH served AS (
    SELECT COALESCE((SELECT turn - 1 FROM answer_queue WHERE NOT ",
    is_held!("available_at"),
    " ORDER BY turn, queued LIMIT 1),
                    (SELECT max(turn) FROM answer_queue), 0) AS turn
), placed AS (
    SELECT r.conversation_id, r.answer_id, r.owner, r.sequence,
           GREATEST(s.turn, (SELECT max(q.turn) FROM answer_queue q WHERE q.owner = r.owner))
           + row_number() OVER (PARTITION BY r.owner ORDER BY r.ordinality) AS turn
      FROM served s, UNNEST($1::uuid[], $2::uuid[], $3::uuid[], $4::bigint[]) WITH ORDINALITY
                     AS r (conversation_id, answer_id, owner, sequence, ordinality)
     WHERE NOT EXISTS (SELECT FROM answer_queue q
                        WHERE q.conversation_id = r.conversation_id AND q.answer_id = r.answer_id)
)
INSERT INTO answer_queue (conversation_id, answer_id, owner, sequence, turn)
SELECT conversation_id, answer_id, owner, sequence, turn FROM placed ORDER BY conversation_id, answer_id
    ON CONFLICT DO NOTHING"
);

/// Reads one event by its key. The event and not the queue proves the request and its owner.
const TAKE: &str = concat!(
    "
WITH next AS (
    SELECT conversation_id, answer_id FROM answer_queue
     WHERE owner <> ALL($1::uuid[]) AND NOT ",
    is_held!("available_at"),
    "
     ORDER BY turn, queued LIMIT 1 FOR UPDATE SKIP LOCKED
), taken AS (
    UPDATE answer_queue q
       SET attempt = q.attempt + 1, held_by = $2, available_at = clock_timestamp() + make_interval(secs => $3)
      FROM next n WHERE q.conversation_id = n.conversation_id AND q.answer_id = n.answer_id
    RETURNING q.conversation_id, q.answer_id, q.owner, q.sequence, q.attempt
)
SELECT t.conversation_id, t.answer_id, t.owner, t.sequence, t.attempt, e.event_id,
       e.metadata->>'correlation_id' AS correlation_id, e.metadata->>'traceparent' AS traceparent,
       EXTRACT(EPOCH FROM clock_timestamp() - e.recorded_at)::float8 AS age_seconds
  FROM taken t LEFT JOIN events e
    ON e.aggregate_type = 'conversation' AND e.aggregate_id = t.conversation_id AND e.sequence = t.sequence
   AND e.owner = t.owner AND e.event_type = 'AnswerRequested' AND e.payload->>'answer_id' = t.answer_id::text"
);

/// An answer that is free and was not taken is being taken at this moment: it is looked at again
/// after a second.
const DUE: &str = "
SELECT min(GREATEST(EXTRACT(EPOCH FROM GREATEST(available_at, clock_timestamp()) - clock_timestamp())::float8, 1))
  FROM answer_queue WHERE owner <> ALL($1::uuid[]) AND available_at < clock_timestamp() + interval '1 minute'";

const EXTEND: &str = "
UPDATE answer_queue
   SET available_at = clock_timestamp() + make_interval(secs => $4), held_by = $5
 WHERE conversation_id = $1 AND answer_id = $2 AND held_by = $3";

const DECLINE: &str = "
UPDATE answer_queue
   SET available_at = clock_timestamp() + make_interval(secs => $4), held_by = NULL, attempt = GREATEST(attempt - 1, 0)
 WHERE conversation_id = $1 AND answer_id = $2 AND held_by = $3";

const QUEUED: &str = concat!(
    "
SELECT r.conversation_id, r.answer_id
  FROM UNNEST($1::uuid[], $2::uuid[]) AS r (conversation_id, answer_id)
 WHERE EXISTS (SELECT FROM answer_queue q
                WHERE q.conversation_id = r.conversation_id AND q.answer_id = r.answer_id)
    OR EXISTS (SELECT FROM answer_leases l WHERE l.answer_id = r.answer_id AND ",
    is_held!("l.held_until"),
    ")"
);

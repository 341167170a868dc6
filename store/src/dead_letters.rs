//! Dead letters: work that workers gave up, kept with its cause until an operator decides on it. Ids and
//! errors, never texts. Bounded: the oldest letters go first.

use aggregates::operation::{DeadLetterKind, DeadLetterOutcome, OperationEvent};
use aggregates::{UserId, Version};
use chrono::{DateTime, Utc};
use sqlx::FromRow;
use sqlx::types::Json;
use uuid::Uuid;

use crate::{Store, StoreError};

/// Letters that are kept.
const MAX_LETTERS: i64 = 10_000;
/// Characters of an error that are kept.
const DETAIL_CHARACTERS: usize = 300;

/// Work that was given up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewDeadLetter {
    /// The kind of work.
    pub kind: DeadLetterKind,
    /// The owner of the aggregate.
    pub owner: UserId,
    /// The conversation, or the document.
    pub aggregate_id: Uuid,
    /// The answer, the document, or the event that was delivered.
    pub subject_id: Uuid,
    /// The place of the event that asked for the work in its aggregate's history; 0 if it is not known.
    pub sequence: Version,
    /// The kind of error, a name.
    pub cause: &'static str,
    /// The error.
    pub detail: String,
    /// Number of attempts at the work.
    pub attempts: u32,
}

/// A dead letter.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct DeadLetter {
    /// The id of the letter.
    pub id: Uuid,
    /// The kind of work.
    pub kind: DeadLetterKind,
    /// The owner of the aggregate.
    pub owner: UserId,
    /// The conversation, or the document.
    pub aggregate_id: Uuid,
    /// The answer, the document, or the event that was delivered.
    pub subject_id: Uuid,
    /// The place of the event that asked for the work.
    pub sequence: Version,
    /// The kind of error.
    pub cause: String,
    /// The error.
    pub detail: String,
    /// Number of attempts at the work.
    pub attempts: i32,
    /// Number of times that the work was given up.
    pub occurrences: i32,
    /// The time at which it was given up first.
    pub created_at: DateTime<Utc>,
    /// The time at which it was given up last.
    pub last_at: DateTime<Utc>,
}

impl Store {
    /// Keeps a dead letter. The same work has one letter, however often it is given up.
    pub async fn keep_dead_letter(&self, letter: &NewDeadLetter) -> Result<(), StoreError> {
        sqlx::query(KEEP)
            .bind(Uuid::now_v7())
            .bind(letter.kind)
            .bind(letter.owner)
            .bind(letter.aggregate_id)
            .bind(letter.subject_id)
            .bind(letter.sequence)
            .bind(letter.cause)
            .bind(letter.detail.chars().take(DETAIL_CHARACTERS).collect::<String>())
            .bind(i32::try_from(letter.attempts).unwrap_or(i32::MAX))
            .bind(MAX_LETTERS)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// The dead letters, the newest first.
    pub async fn dead_letters(&self, limit: u32) -> Result<Vec<DeadLetter>, StoreError> {
        let query =
            "SELECT * FROM dead_letters WHERE state <> 'discarded' ORDER BY last_at DESC, id LIMIT $1";
        Ok(sqlx::query_as(query).bind(i64::from(limit)).fetch_all(&self.pool).await?)
    }

    /// A dead letter by its id.
    pub async fn dead_letter(&self, id: Uuid) -> Result<Option<DeadLetter>, StoreError> {
        let query = "SELECT * FROM dead_letters WHERE id = $1 AND state <> 'discarded'";
        Ok(sqlx::query_as(query).bind(id).fetch_optional(&self.pool).await?)
    }

    /// The number of dead letters of each kind.
    pub async fn count_dead_letters(&self) -> Result<Vec<(DeadLetterKind, u64)>, StoreError> {
        let query = "SELECT kind, count(*) FROM dead_letters WHERE state <> 'discarded' GROUP BY kind";
        let counted: Vec<(DeadLetterKind, i64)> = sqlx::query_as(query).fetch_all(&self.pool).await?;
        let of = |kind| counted.iter().find(|(counted, _)| *counted == kind);
        let all = DeadLetterKind::ALL.iter().copied();
        Ok(all.map(|kind| (kind, of(kind).map_or(0, |(_, number)| number.unsigned_abs()))).collect())
    }

    /// Ends a dead letter and notes the operator's decision, to be recorded as an event. Discarded work is
    /// not found again. `false` if there is no such letter any more.
    pub async fn end_dead_letter(
        &self,
        letter: &DeadLetter,
        outcome: DeadLetterOutcome,
    ) -> Result<bool, StoreError> {
        let event = OperationEvent::DeadLetterEnded { letter: letter.id, kind: letter.kind, outcome };
        let statement = match outcome {
            DeadLetterOutcome::Retried => REMOVE,
            DeadLetterOutcome::Discarded => DISCARD,
        };
        let ended = sqlx::query(statement).bind(letter.id).bind(Json(event)).execute(&self.pool).await?;
        Ok(ended.rows_affected() > 0)
    }

    /// Asks the workers to do the work of a letter again. They remove the letter when they begin.
    pub async fn want_retry(&self, id: Uuid) -> Result<(), StoreError> {
        let query = "UPDATE dead_letters SET state = 'wanted' WHERE id = $1";
        sqlx::query(query).bind(id).execute(&self.pool).await?;
        Ok(())
    }

    /// Letters of a kind whose work is wanted again.
    pub async fn wanted_retries(
        &self,
        kind: DeadLetterKind,
        limit: u32,
    ) -> Result<Vec<DeadLetter>, StoreError> {
        let query =
            "SELECT * FROM dead_letters WHERE kind = $1 AND state = 'wanted' ORDER BY last_at LIMIT $2";
        Ok(sqlx::query_as(query).bind(kind).bind(i64::from(limit)).fetch_all(&self.pool).await?)
    }

    /// Those of some documents, answers or events whose work was given up.
    pub async fn given_up(&self, kind: DeadLetterKind, subjects: &[Uuid]) -> Result<Vec<Uuid>, StoreError> {
        let query = "SELECT subject_id FROM dead_letters WHERE kind = $1 AND subject_id = ANY($2) AND state <> 'wanted'";
        Ok(sqlx::query_scalar(query).bind(kind).bind(subjects).fetch_all(&self.pool).await?)
    }

    /// Deletes the dead letters of an erased owner.
    pub async fn delete_dead_letters_of(&self, owner: UserId) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM dead_letters WHERE owner = $1").bind(owner).execute(&self.pool).await?;
        Ok(())
    }
}

const KEEP: &str = "
WITH kept AS (
    INSERT INTO dead_letters AS d (id, kind, owner, aggregate_id, subject_id, sequence, cause, detail, attempts)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        ON CONFLICT ON CONSTRAINT dead_letters_work DO UPDATE
       SET cause = excluded.cause, detail = excluded.detail, attempts = excluded.attempts,
           occurrences = d.occurrences + 1, last_at = clock_timestamp(),
           state = CASE d.state WHEN 'discarded' THEN d.state ELSE 'kept' END
    RETURNING id
)
DELETE FROM dead_letters
 WHERE id IN (SELECT id FROM dead_letters ORDER BY last_at DESC OFFSET $10)
   AND EXISTS (SELECT FROM kept)";

const DISCARD: &str = "
WITH ended AS (UPDATE dead_letters SET state = 'discarded' WHERE id = $1 AND state <> 'discarded' RETURNING id)
INSERT INTO unrecorded_operations (id, event) SELECT gen_random_uuid(), $2 FROM ended";

const REMOVE: &str = "
WITH ended AS (DELETE FROM dead_letters WHERE id = $1 RETURNING id)
INSERT INTO unrecorded_operations (id, event) SELECT gen_random_uuid(), $2 FROM ended";

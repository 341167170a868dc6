//! Answers in progress, by events and not by read models.

use aggregates::{AnswerId, ConversationId, UserId};

use crate::{Store, StoreError};

impl Store {
    /// The answers of an owner that have not ended, including those without a position in the ledger yet.
    pub async fn unended_answers(
        &self,
        owner: UserId,
    ) -> Result<Vec<(ConversationId, AnswerId)>, StoreError> {
        Ok(sqlx::query_as(UNENDED).bind(owner).fetch_all(&self.pool).await?)
    }
}

const UNENDED: &str = "
WITH own AS (
    SELECT l.aggregate_type, l.aggregate_id, l.sequence FROM ledger l WHERE l.owner = $1
    UNION ALL
    SELECT o.aggregate_type, o.aggregate_id, o.sequence FROM outbox o
)
SELECT DISTINCT r.aggregate_id, (r.payload ->> 'answer_id')::uuid
  FROM own JOIN events r USING (aggregate_type, aggregate_id, sequence)
 WHERE r.owner = $1 AND r.aggregate_type = 'conversation' AND r.event_type = 'AnswerRequested'
   AND r.payload ->> 'answer_id' ~ '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$'
   AND NOT EXISTS (SELECT FROM events e
                    WHERE e.aggregate_type = r.aggregate_type AND e.aggregate_id = r.aggregate_id
                      AND e.event_type IN ('AnswerCompleted', 'AnswerStopped', 'AnswerFailed')
                      AND e.payload ->> 'answer_id' = r.payload ->> 'answer_id')";

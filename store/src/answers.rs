//! Answers in progress, by events and not by read models.

use aggregates::{AnswerId, ConversationId, UserId};

use crate::{Store, StoreError};

impl Store {
    /// The answers of an owner that have not ended.
    pub async fn unended_answers(
        &self,
        owner: UserId,
    ) -> Result<Vec<(ConversationId, AnswerId)>, StoreError> {
        let unended = sqlx::query_as(
            "SELECT DISTINCT r.aggregate_id, (r.payload ->> 'answer_id')::uuid
               FROM ledger l JOIN events r ON r.aggregate_type = l.aggregate_type
                AND r.aggregate_id = l.aggregate_id AND r.sequence = l.sequence
              WHERE l.owner = $1 AND r.event_type = 'AnswerRequested'
                AND NOT EXISTS (SELECT FROM events e
                                 WHERE e.aggregate_type = r.aggregate_type AND e.aggregate_id = r.aggregate_id
                                   AND e.event_type IN ('AnswerCompleted', 'AnswerStopped', 'AnswerFailed')
                                   AND e.payload ->> 'answer_id' = r.payload ->> 'answer_id')",
        );
        Ok(unended.bind(owner).fetch_all(&self.pool).await?)
    }
}

//! Answers that ended and answers in progress, by events and not by read models.

use std::collections::HashSet;

use aggregates::{AnswerId, ConversationId, UserId};

use crate::{Store, StoreError};

impl Store {
    /// The answers among these that ended. One round trip.
    pub async fn ended_answers(
        &self,
        answers: &[(ConversationId, AnswerId)],
    ) -> Result<HashSet<AnswerId>, StoreError> {
        let mut conversations: Vec<ConversationId> = answers.iter().map(|(id, _)| *id).collect();
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

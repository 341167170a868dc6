//! Events that this version cannot apply, appended as a newer release or a fault would append them.

use aggregates::AggregateType;
use serde_json::{Value, json};
use sqlx::PgPool;
use uuid::Uuid;

/// An event to append.
pub(crate) struct Poison {
    pub(crate) aggregate: AggregateType,
    pub(crate) payload: Value,
    pub(crate) version: &'static str,
    pub(crate) private: Option<Vec<u8>>,
}

impl Poison {
    /// An event of a type that comes with a later release.
    pub(crate) fn of_a_later_type(aggregate: AggregateType) -> Self {
        Self { aggregate, payload: json!({"type": "ThoughtShared", "with": 3}), version: "1", private: None }
    }

    /// A question in a form that comes with a later release.
    pub(crate) fn of_a_later_version() -> Self {
        Self { version: "2", private: None, ..Self::undecryptable() }
    }

    /// A question whose ciphertext is damaged.
    pub(crate) fn undecryptable() -> Self {
        let payload = json!({"type": "QuestionAsked", "question_id": Uuid::now_v7(), "parent_id": null});
        let aggregate = AggregateType::Conversation;
        Self { aggregate, payload, version: "1", private: Some(vec![7; 60]) }
    }

    /// A question without its id.
    pub(crate) fn with_a_corrupt_payload() -> Self {
        Self { payload: json!({"type": "QuestionAsked", "question_id": 7}), ..Self::undecryptable() }
    }

    /// Appends the event to an aggregate, as the next one. Nobody is told.
    pub(crate) async fn append(&self, pool: &PgPool, id: Uuid) {
        sqlx::query(
            "WITH next AS (
                 SELECT e.owner, e.sequence + 1 AS sequence FROM events e
                  WHERE e.aggregate_type = $1 AND e.aggregate_id = $2 ORDER BY e.sequence DESC LIMIT 1
             ), appended AS (
                 INSERT INTO events (aggregate_type, aggregate_id, sequence, event_type, event_version, event_id, owner,
                                     payload, metadata, private)
                 SELECT $1, $2, sequence, $3, $4, gen_random_uuid(), owner, $5::text::json,
                        '{\"actor\": \"system\"}', $6 FROM next
                 RETURNING sequence, owner
             )
             INSERT INTO outbox (aggregate_type, aggregate_id, sequence, owner)
             SELECT $1, $2, sequence, owner FROM appended",
        )
        .bind(self.aggregate.name())
        .bind(id)
        .bind(self.payload["type"].as_str().unwrap())
        .bind(self.version)
        .bind(self.payload.to_string())
        .bind(self.private.as_deref())
        .execute(pool)
        .await
        .unwrap();
    }
}

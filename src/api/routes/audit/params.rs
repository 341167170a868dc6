//! Parameters of queries of the ledger.

use aggregates::Position;
use serde::Deserialize;
use serde_json::Value;
use utoipa::IntoParams;

use crate::api::problem::Problem;
use crate::api::reads::params::{Count, Counter, Id, Time};
use store::EventFilter;

const MAX_TYPE_BYTES: usize = 64;

/// Filters of events.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(in crate::api) struct EventParams {
    /// Only events after this position; from the first event by default.
    #[param(value_type = Option<u64>, maximum = 9_223_372_036_854_775_807_i64)]
    after: Option<Counter>,
    /// Events on a page; 100 by default. An export has no pages.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 1000)]
    pub(super) limit: Option<Count>,
    /// Only events whose data this user owns.
    #[param(value_type = Option<uuid::Uuid>)]
    user: Option<Id>,
    /// Only events of this conversation.
    #[param(value_type = Option<uuid::Uuid>)]
    conversation: Option<Id>,
    /// Only events of this type, such as `QuestionAsked`.
    #[serde(rename = "type")]
    #[param(max_length = 64, pattern = "^[A-Za-z]+$")]
    event_type: Option<String>,
    /// Only events recorded at this time or later.
    #[param(value_type = Option<DateTime<Utc>>)]
    from: Option<Time>,
    /// Only events recorded before this time.
    #[param(value_type = Option<DateTime<Utc>>)]
    to: Option<Time>,
}

impl EventParams {
    pub(super) fn filter(&self) -> Result<EventFilter, Problem> {
        if let Some(name) = &self.event_type
            && (name.is_empty()
                || name.len() > MAX_TYPE_BYTES
                || !name.chars().all(|c| c.is_ascii_alphabetic()))
        {
            return Err(Problem::invalid_field(
                "type",
                "The value must be the type of an event, such as QuestionAsked.",
            ));
        }
        Ok(EventFilter {
            user: self.user.map(|Id(id)| id.into()),
            conversation: self.conversation.map(|Id(id)| id.into()),
            event_type: self.event_type.clone(),
            from: self.from.map(|time| time.0),
            to: self.to.map(|time| time.0),
        })
    }

    pub(super) fn after(&self) -> Position {
        self.after.map_or(Position(0), Counter::position)
    }
}

/// The filter as the access log records it.
pub(super) fn recorded(filter: &EventFilter, after: Position, limit: Option<u32>) -> Value {
    let mut recorded = filter.to_json();
    if let Some(fields) = recorded.as_object_mut() {
        fields.insert("after".to_owned(), after.0.into());
        if let Some(limit) = limit {
            fields.insert("limit".to_owned(), limit.into());
        }
    }
    recorded
}

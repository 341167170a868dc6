//! Parameters of queries of the ledger.

use aggregates::Position;
use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::Value;
use utoipa::IntoParams;

use crate::api::problem::Problem;
use crate::api::reads::params::parse_id;
use store::EventFilter;

const MAX_TYPE_BYTES: usize = 64;

/// Filters of events.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(in crate::api) struct EventParams {
    /// Only events after this position; from the first event by default.
    after: Option<u64>,
    /// Events on a page, 1 to 1000; 100 by default. An export has no pages.
    pub(super) limit: Option<u32>,
    /// Only events whose data this user owns.
    #[param(value_type = Option<uuid::Uuid>)]
    user: Option<String>,
    /// Only events of this conversation.
    #[param(value_type = Option<uuid::Uuid>)]
    conversation: Option<String>,
    /// Only events of this type, such as `QuestionAsked`.
    #[serde(rename = "type")]
    event_type: Option<String>,
    /// Only events recorded at this time or later.
    from: Option<DateTime<Utc>>,
    /// Only events recorded before this time.
    to: Option<DateTime<Utc>>,
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
            user: self.user.as_deref().map(|user| parse_id(user, "user")).transpose()?,
            conversation: self.conversation.as_deref().map(|id| parse_id(id, "conversation")).transpose()?,
            event_type: self.event_type.clone(),
            from: self.from,
            to: self.to,
        })
    }

    pub(super) fn after(&self) -> Result<Position, Problem> {
        parse_position(self.after.unwrap_or(0), "after")
    }
}

/// Checks that a position fits into a Postgres `bigint`.
pub(super) fn parse_position(number: u64, field: &'static str) -> Result<Position, Problem> {
    match i64::try_from(number) {
        Ok(_) => Ok(Position(number)),
        Err(_) => Err(Problem::invalid_field(field, "The value must be a position of the ledger.")),
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

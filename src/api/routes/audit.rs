//! `/v1/audit`: history for those who may see everybody's. Each look is recorded before anything is shown.

mod conversation;
mod events;
mod follow;
mod proof;

pub(crate) use conversation::{__path_conversation, conversation};
pub(crate) use events::{__path_events, events};
pub(crate) use follow::{__path_follow, follow};
pub(crate) use proof::{__path_checkpoint, __path_keys, checkpoint, keys};

use aggregates::audit_trail::Through;
use aggregates::{Actor, Position};
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::Value;
use utoipa::IntoParams;

use crate::api::Api;
use crate::api::caller;
use crate::api::identity::{Caller, Role};
use crate::api::middleware::layers::Trace;
use crate::api::problem::Problem;
use crate::api::reads::query::path_id;
use crate::audit::{Access, record_access};
use store::EventFilter;

/// Characters of an event's name.
const LONGEST_TYPE: usize = 64;

/// A caller who may see everybody's history.
pub(crate) struct Auditor {
    caller: Caller,
    trace: Option<Trace>,
}

impl FromRequestParts<Api> for Auditor {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Problem> {
        let caller = Caller::from_request_parts(parts, api).await?;
        match caller.role {
            Role::Auditor | Role::Admin => Ok(Self { caller, trace: parts.extensions.get().cloned() }),
            Role::User => Err(Problem::not_an_auditor()),
        }
    }
}

impl Auditor {
    /// Records a look. Whatever is shown is shown after this.
    async fn record_access(&self, api: &Api, what: &'static str, filter: Value) -> Result<(), Problem> {
        let user = self.caller.user;
        let mut metadata = caller::metadata(user, self.trace.as_ref());
        metadata.actor = Actor::Auditor(user);
        let access = Access { what, filter, through: Through::Api };
        Ok(record_access(&api.store, &api.wake, access, &metadata).await?)
    }
}

/// Which events.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct EventParams {
    /// Only after this position; from the first when not given.
    after: Option<u64>,
    /// Events on a page, 1 to 1000; 100 when not given. An export has no pages.
    limit: Option<u32>,
    /// Only those of what this user owns.
    #[param(value_type = Option<uuid::Uuid>)]
    user: Option<String>,
    /// Only those of this conversation.
    #[param(value_type = Option<uuid::Uuid>)]
    conversation: Option<String>,
    /// Only those of this name, such as `QuestionAsked`.
    #[serde(rename = "type")]
    event_type: Option<String>,
    /// Only those recorded at this time or later.
    from: Option<DateTime<Utc>>,
    /// Only those recorded before this time.
    to: Option<DateTime<Utc>>,
}

impl EventParams {
    fn filter(&self) -> Result<EventFilter, Problem> {
        if let Some(name) = &self.event_type
            && (name.is_empty()
                || name.len() > LONGEST_TYPE
                || !name.chars().all(|c| c.is_ascii_alphabetic()))
        {
            return Err(Problem::invalid_field("type", "It must be an event's name, such as QuestionAsked."));
        }
        Ok(EventFilter {
            user: self.user.as_deref().map(|user| path_id(user, "user")).transpose()?,
            conversation: self.conversation.as_deref().map(|id| path_id(id, "conversation")).transpose()?,
            event_type: self.event_type.clone(),
            from: self.from,
            to: self.to,
        })
    }

    fn after(&self) -> Result<Position, Problem> {
        position(self.after.unwrap_or(0), "after")
    }
}

/// A position that Postgres can count to.
fn position(number: u64, field: &'static str) -> Result<Position, Problem> {
    match i64::try_from(number) {
        Ok(_) => Ok(Position(number)),
        Err(_) => Err(Problem::invalid_field(field, "It must be a position.")),
    }
}

/// What a look at events is recorded with.
fn recorded(filter: &EventFilter, after: Position, limit: Option<u32>) -> Value {
    let mut recorded = filter.to_json();
    if let Some(fields) = recorded.as_object_mut() {
        fields.insert("after".to_owned(), after.0.into());
        if let Some(limit) = limit {
            fields.insert("limit".to_owned(), limit.into());
        }
    }
    recorded
}

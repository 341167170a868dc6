//! Instructions to the language model and its temperature: of the caller's account, and of a conversation.

use std::sync::Arc;

use aggregates::account::AccountEvent;
use aggregates::conversation::ConversationEvent;
use aggregates::{AggregateType, ConversationId, Event, Instructed, Private, RecordedEvent, Temperature};
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::accounts::AccountChanged;
use super::commands::{Instruct, parse_fields, parse_object};
use crate::api::accounts::Accounts;
use crate::api::identity::Caller;
use crate::api::limits::Limits;
use crate::api::middleware::trace::Trace;
use crate::api::problem::Problem;
use crate::api::reads::params::parse_id;
use store::Store;

/// How answers are to be written.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(in crate::api) struct CurrentInstructions {
    /// What the language model is told beside the rules of the service; `null` where nothing is.
    #[schema(required)]
    instructions: Option<String>,
    /// Temperature of the language model; `null` where none was chosen.
    #[schema(required)]
    temperature: Option<f64>,
}

/// A command to the caller's own account.
// The schema alone: the body is parsed so that a problem names the field that is not valid.
#[derive(Debug, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
#[expect(dead_code, reason = "it describes the body")]
pub(in crate::api) enum OwnAccountCommand {
    /// Replaces the instructions and the temperature for all answers.
    Instruct(Instruct),
}

impl CurrentInstructions {
    fn new(temperature: Option<Temperature>, private: &Private<Instructed>) -> Self {
        let text = private.open().and_then(|instructed| instructed.instructions.as_ref());
        let instructions = text.map(|text| text.as_str().to_owned());
        Self { instructions, temperature: temperature.map(f64::from) }
    }

    /// The instructions of an event. Those of the default where there is no event.
    fn of(recorded: Option<&RecordedEvent>) -> Self {
        match recorded.map(|recorded| &recorded.event) {
            Some(
                Event::Account(AccountEvent::AccountInstructed { temperature, private })
                | Event::Conversation(ConversationEvent::ConversationInstructed { temperature, private }),
            ) => Self::new(*temperature, private),
            _ => Self::default(),
        }
    }
}

/// Get the caller's instructions
///
/// They hold for all answers of a language model to the caller.
#[utoipa::path(get, path = "/v1/me/instructions", operation_id = "get_instructions", tag = "Account",
    responses((status = 200, body = CurrentInstructions)), security(("bearer" = [])))]
pub(in crate::api) async fn of_account(
    State(store): State<Store>,
    caller: Caller,
) -> Result<Json<CurrentInstructions>, Problem> {
    let recorded = store.account_instructed(caller.user).await?;
    Ok(Json(CurrentInstructions::of(recorded.as_ref())))
}

/// Get the instructions of a conversation
///
/// They hold beside those of the account, and precede them.
#[utoipa::path(get, path = "/v1/conversations/{conversation_id}/instructions",
    operation_id = "get_conversation_instructions", tag = "Queries",
    params(("conversation_id" = uuid::Uuid, Path)),
    responses((status = 200, body = CurrentInstructions), (status = 404)), security(("bearer" = [])))]
pub(in crate::api) async fn of_conversation(
    State(store): State<Store>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<CurrentInstructions>, Problem> {
    let id: ConversationId = parse_id(&id, "conversation_id")?;
    let conversation = store.conversations().latest(id.uuid()).await?;
    if conversation.owner() != Some(caller.user) || conversation.is_deleted() {
        return Err(Problem::not_found());
    }
    let Some(sequence) = conversation.instructed_at() else {
        return Ok(Json(CurrentInstructions::default()));
    };
    let mut events = store.events_at(AggregateType::Conversation, id.uuid(), &[sequence]).await?;
    store.decrypt_events(&mut events).await?;
    Ok(Json(CurrentInstructions::of(events.first())))
}

/// Send a command to the caller's account
#[utoipa::path(post, path = "/v1/me/commands", operation_id = "change_me", tag = "Account",
    request_body = OwnAccountCommand,
    responses((status = 202, body = AccountChanged), (status = 409), (status = 413), (status = 422), (status = 503)),
    security(("bearer" = [])))]
pub(in crate::api) async fn command(
    State(accounts): State<Arc<Accounts>>,
    State(limits): State<Arc<Limits>>,
    trace: Trace,
    caller: Caller,
    body: Bytes,
) -> Result<(StatusCode, Json<AccountChanged>), Problem> {
    limits.commands.count(&caller.user)?;
    let Instruct { instructions, temperature } = parse(&body)?;
    accounts.instruct(caller.user, instructions, temperature, &trace).await?;
    let changed = AccountChanged { user_id: caller.user.uuid(), events: vec!["AccountInstructed"] };
    Ok((StatusCode::ACCEPTED, Json(changed)))
}

fn parse(body: &[u8]) -> Result<Instruct, Problem> {
    let mut fields = parse_object(body)?;
    match fields.remove("type").as_ref().and_then(Value::as_str) {
        Some("instruct") => parse_fields(fields),
        _ => Err(Problem::invalid_field("type", "The value is not the name of a command.")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::snapshots::assert_json;

    #[test]
    fn the_response_matches_its_snapshot() {
        let instructions = Some("Answer in verse.".to_owned());
        assert_json("instructions", &CurrentInstructions { instructions, temperature: Some(0.7) });
    }

    #[test]
    fn a_problem_names_the_field_that_is_not_valid() {
        for (body, field) in [
            ("{}", "type"),
            ("{\"type\":\"ban\"}", "type"),
            ("{\"type\":\"instruct\",\"instructions\":\" \"}", "instructions"),
            ("{\"type\":\"instruct\",\"temperature\":-0.1}", "temperature"),
        ] {
            assert_eq!(parse(body.as_bytes()).unwrap_err().field(), Some(field), "{body}");
        }
        assert!(parse(b"{\"type\":\"instruct\",\"instructions\":null}").is_ok());
    }
}

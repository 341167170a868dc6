//! `POST /v1/conversations/{id}/commands`: one command, carried out durably before it is answered.

mod body;
pub(crate) mod execute;

use aggregates::conversation::{ConversationCommand, Intent};
use aggregates::{Actor, ConversationId, Version};
use axum::Extension;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, State};
use axum::http::header::{CONTENT_TYPE, ETAG, IF_MATCH};
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::{IntoResponse as _, Response};
use chrono::Utc;
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::caller::metadata;
use crate::api::identity::Caller;
use crate::api::middleware::layers::Trace;
use crate::api::problem::Problem;
use crate::api::reads::query::path_id;
use crate::api::routes::commands::execute::{NotDone, carry_out};
use crate::api::{Api, BODY_LIMIT};
pub(crate) use body::Command;
use store::IdempotencyKey;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// The longest Idempotency-Key, in bytes.
const LONGEST_KEY: usize = 255;

/// What the sender of a command is told once its events are durable.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Accepted {
    /// The conversation.
    #[schema(value_type = uuid::Uuid)]
    conversation_id: ConversationId,
    /// Its version after the command.
    version: u64,
    /// The names of the command's events; none when nothing had to change.
    events: Vec<String>,
}

/// Carry out a command.
#[utoipa::path(post, path = "/v1/conversations/{conversation_id}/commands",
    operation_id = "send_command", tag = "Commands",
    params(("conversation_id" = uuid::Uuid, Path, description = "Made by the client, as UUIDv7"),
           ("If-Match" = Option<String>, Header, description = "The version the conversation has to be at"),
           ("Idempotency-Key" = Option<String>, Header, description = "Makes a command without an id of its own repeatable")),
    request_body = Command,
    responses((status = 202, body = Accepted, headers(("ETag" = String))), (status = 409), (status = 413),
              (status = 422), (status = 429), (status = 503)),
    security(("bearer" = [])))]
pub(crate) async fn command(
    State(api): State<Api>,
    Extension(trace): Extension<Trace>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let conversation_id: ConversationId = path_id(&id, "conversation_id")?;
    api.rates.take(caller.user)?;
    let body = body.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Problem::too_large(BODY_LIMIT),
        _ => Problem::malformed("The body broke off."),
    })?;
    check_json(&headers)?;
    let expected = expected_version(&headers)?;
    let mut intent = body::parse(&body)?;
    if let Intent::Stop { answer_id, so_far } = &mut intent {
        *so_far = api.live.so_far(*answer_id);
    }
    let idempotency = idempotency_key(&api, &headers, conversation_id, &body)?;
    let command = ConversationCommand { by: Actor::User(caller.user), at: Utc::now(), expected, intent };
    let metadata = metadata(caller.user, Some(&trace));
    let done =
        carry_out(&api.store, &api.wake, conversation_id, command, &metadata, idempotency.as_ref()).await?;
    let accepted = Accepted { conversation_id, version: done.version.0, events: done.events };
    let etag = [(ETAG, format!("\"{}\"", done.version))];
    Ok((StatusCode::ACCEPTED, etag, axum::Json(accepted)).into_response())
}

impl From<NotDone> for Problem {
    fn from(not_done: NotDone) -> Self {
        match not_done {
            NotDone::Failed(error) => error.into(),
            NotDone::KeyReused => Self::idempotency_key_reused(),
        }
    }
}

fn check_json(headers: &HeaderMap) -> Result<(), Problem> {
    let media_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = media_type.split(';').next().unwrap_or_default().trim();
    let is_json = essence.eq_ignore_ascii_case("application/json")
        || (essence.starts_with("application/") && essence.ends_with("+json"));
    if is_json { Ok(()) } else { Err(Problem::unsupported_media_type()) }
}

/// The version of `If-Match: "<version>"`; `*` is any.
fn expected_version(headers: &HeaderMap) -> Result<Option<Version>, Problem> {
    let Some(value) = headers.get(IF_MATCH) else { return Ok(None) };
    let value = value.to_str().unwrap_or_default().trim();
    if value == "*" {
        return Ok(None);
    }
    let version =
        value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).and_then(|text| text.parse().ok());
    match version {
        Some(version) => Ok(Some(Version(version))),
        None => {
            Err(Problem::malformed("If-Match has to be a version in quotation marks, as the ETag says it."))
        }
    }
}

fn idempotency_key(
    api: &Api,
    headers: &HeaderMap,
    conversation: ConversationId,
    body: &[u8],
) -> Result<Option<IdempotencyKey>, Problem> {
    let Some(value) = headers.get(IDEMPOTENCY_KEY) else { return Ok(None) };
    let value = value.to_str().unwrap_or_default().trim();
    if value.is_empty() || value.len() > LONGEST_KEY {
        return Err(Problem::malformed("Idempotency-Key has to be 1 to 255 printable ASCII characters."));
    }
    let command = [conversation.uuid().as_bytes(), body].concat();
    Ok(Some(IdempotencyKey::new(api.store.keyring().master(), value, &command)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn if_match(value: &str) -> Result<Option<Version>, ()> {
        expected_version(&HeaderMap::from_iter([(IF_MATCH, value.parse().unwrap())])).map_err(|_| ())
    }

    #[test]
    fn a_condition_is_a_version_in_quotation_marks() {
        assert_eq!(if_match("\"3\""), Ok(Some(Version(3))));
        assert_eq!(if_match("*"), Ok(None));
        assert_eq!(if_match("3"), Err(()));
        assert_eq!(if_match("W/\"3\""), Err(()));
    }
}

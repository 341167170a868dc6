//! Server-Sent Events: `GET /v1/stream` and `GET /v1/conversations/{id}/stream`.
//!
//! A stream is a [`session`] in a task of its own ([`task`]). The ids of its events hold all that is needed
//! to resume it ([`resume`]).

mod answers;
mod document_row;
mod event;
mod messages;
mod resume;
mod session;
mod task;

use std::sync::Arc;

use aggregates::{AggregateType, ConversationId, Position, RecordedEvent, UserId, Version};
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use measures::catalogue::STREAM_RESUMES;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::api::identity::Caller;
use crate::api::limits::{Limits, Permit};
use crate::api::live::Listener;
use crate::api::problem::Problem;
use crate::api::reads::params::{QueryParams, parse_id};
use crate::api::reads::quarantined::{OF_CONVERSATIONS, check};
pub(in crate::api) use event::{ClientEvent, EncodedEvent};
use resume::Received;
use session::{Session, Start};
use store::{Store, StoreError};
pub(in crate::api) use task::{EventSender, EventStream, StreamError, Streams};

/// The most events of the ledger that a stream repeats for a client that resumes.
const MAX_MISSED_EVENTS: u32 = 10_000;

/// Position from which a stream resumes.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(in crate::api) struct StreamParams {
    /// Id of the last event received. The header `Last-Event-ID` takes precedence.
    pub(in crate::api) last_event_id: Option<String>,
}

/// Follow all conversations and documents of the caller
///
/// Changes of rows, and answers as they are written. Resumes after `Last-Event-ID`.
#[utoipa::path(get, path = "/v1/stream", operation_id = "follow_user", tag = "Streams", params(StreamParams),
    responses((status = 200, content_type = "text/event-stream", body = ClientEvent)), security(("bearer" = [])))]
pub(in crate::api) async fn user(
    State(streams): State<Arc<Streams>>,
    State(limits): State<Arc<Limits>>,
    caller: Caller,
    headers: HeaderMap,
    QueryParams(params): QueryParams<StreamParams>,
) -> Result<EventStream, Problem> {
    let received = last_received(&headers, params)?;
    let permit = limits.streams.take(caller.user)?;
    let listener = streams.listen(caller.user).await?;
    let start = streams.known(received, &listener).await?.map_or(Start::Now, Start::Resume);
    streams.check_missed(caller.user, &start, &listener).await?;
    Ok(streams.start_session(&caller, permit, None, start, listener))
}

/// Follow a conversation
///
/// Begins with the state of the newest answer, or resumes after `Last-Event-ID`.
#[utoipa::path(get, path = "/v1/conversations/{conversation_id}/stream",
    operation_id = "follow_conversation", tag = "Streams",
    params(("conversation_id" = uuid::Uuid, Path), StreamParams),
    responses((status = 200, content_type = "text/event-stream", body = ClientEvent), (status = 404)),
    security(("bearer" = [])))]
pub(in crate::api) async fn conversation(
    State(streams): State<Arc<Streams>>,
    State(limits): State<Arc<Limits>>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
    QueryParams(params): QueryParams<StreamParams>,
) -> Result<EventStream, Problem> {
    let id: ConversationId = parse_id(&id, "conversation_id")?;
    let received = last_received(&headers, params)?;
    let permit = limits.streams.take(caller.user)?;
    // Listens before it reads, so that no event is missed in between.
    let listener = streams.listen(caller.user).await?;
    check(&streams.store, caller.user, id.uuid(), OF_CONVERSATIONS).await?;
    let newest = newest_answer(&streams.store, caller.user, id).await?;
    let (version, ended) = newest.ok_or_else(Problem::not_found)?;
    let received = streams.known(received, &listener).await?;
    let start = received.map_or(Start::Conversation { version, ended }, Start::Resume);
    streams.check_missed(caller.user, &start, &listener).await?;
    Ok(streams.start_session(&caller, permit, Some(id), start, listener))
}

/// The id that a client resumes after.
pub(in crate::api) fn last_event_id(headers: &HeaderMap, params: StreamParams) -> Option<String> {
    // A header that is not ASCII cannot be an id.
    let header = headers.get("last-event-id").map(|id| id.to_str().unwrap_or("?").to_owned());
    header.or(params.last_event_id).filter(|id| !id.is_empty())
}

/// Whether a text is the id of an event.
#[cfg(any(test, feature = "fuzzing"))]
pub(in crate::api) fn is_event_id(text: &str) -> bool {
    text.parse::<Received>().is_ok()
}

fn last_received(headers: &HeaderMap, params: StreamParams) -> Result<Option<Received>, Problem> {
    let received = last_event_id(headers, params).map(|id| id.parse()).transpose();
    received.map_err(|resume::InvalidEventId| {
        Problem::invalid_field("Last-Event-ID", "The value must be the id of an event of this stream.")
    })
}

/// The version of a conversation, and the event that ended its newest answer, if it has ended. Read from the
/// events, so that it does not depend on the read models: those that this process does not know, and the one
/// that ended the answer. `None` if the conversation does not exist.
async fn newest_answer(
    store: &Store,
    owner: UserId,
    id: ConversationId,
) -> Result<Option<(Version, Option<Box<RecordedEvent>>)>, StoreError> {
    let conversation = store.conversations().latest(id.uuid()).await?;
    if conversation.owner() != Some(owner) || conversation.is_deleted() {
        return Ok(None);
    }
    let newest = conversation.newest_answer().and_then(|newest| conversation.answer(newest));
    let ended = match newest.filter(|answer| answer.status.has_ended()) {
        None => None,
        Some(answer) => {
            let ended = [answer.changed_at];
            let mut event = store.events_at(AggregateType::Conversation, id.uuid(), &ended).await?;
            store.decrypt_events(&mut event).await?;
            event.pop().map(Box::new)
        }
    };
    Ok(Some((conversation.version(), ended)))
}

impl Streams {
    async fn listen(&self, owner: UserId) -> Result<Listener, Problem> {
        let listener = self.live.listen(owner).await;
        listener.ok_or_else(|| Problem::unavailable("The store cannot be reached."))
    }

    /// What a client has received, unless it is ahead of the ledger: then the id is of a history that the
    /// ledger has lost, and the stream begins anew. Another process may be ahead of this one, so
    /// the ledger decides.
    async fn known(
        &self,
        received: Option<Received>,
        listener: &Listener,
    ) -> Result<Option<Received>, StoreError> {
        let Some(received) = received else { return Ok(None) };
        let furthest = received.events.max(received.rows);
        let is_known = furthest <= listener.position || furthest <= self.store.ledger_head().await?.0;
        Ok(is_known.then_some(received))
    }

    /// A position, or the head of the ledger if the position is ahead of it.
    pub(in crate::api) async fn up_to_head(&self, position: Position) -> Result<Position, StoreError> {
        let (head, _) = self.store.ledger_head().await?;
        Ok(position.min(head))
    }

    /// Refuses to resume after an event that is too long ago: the client reads the lists instead.
    async fn check_missed(&self, owner: UserId, start: &Start, listener: &Listener) -> Result<(), Problem> {
        let Start::Resume(received) = start else { return Ok(()) };
        let after = received.events.min(received.rows);
        if self.store.has_more_events(owner, after, listener.position, MAX_MISSED_EVENTS).await? {
            return Err(Problem::resumes_too_late());
        }
        Ok(())
    }

    fn start_session(
        &self,
        caller: &Caller,
        permit: Permit,
        only: Option<ConversationId>,
        start: Start,
        listener: Listener,
    ) -> EventStream {
        let (store, owner) = (self.store.clone(), caller.user);
        if matches!(start, Start::Resume(_)) {
            STREAM_RESUMES.increment(&[]);
        }
        let kind = if only.is_some() { "conversation" } else { "user" };
        self.start(caller, permit, kind, |sender| {
            Session::new(store, owner, only, sender).run(start, listener)
        })
    }
}

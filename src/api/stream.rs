//! Server-Sent Events: `GET /v1/stream` and `GET /v1/conversations/{id}/stream`.
//!
//! A stream is told by a task of its own ([`session`]); its events' ids hold all it takes to resume ([`resume`]).

mod documents;
mod finished;
mod resume;
mod session;

use std::convert::Infallible;
use std::time::Duration;

use aggregates::conversation::Conversation;
use aggregates::{AggregateType, ConversationId, RecordedEvent, UserId, Version};
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Sse;
use axum::response::sse::{Event, KeepAlive};
use futures::Stream;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::ReceiverStream;
use utoipa::IntoParams;

use crate::api::Api;
use crate::api::identity::{Caller, seconds_now};
use crate::api::live::{Listener, ended_answer};
use crate::api::problem::Problem;
use crate::api::reads::query::{Params, path_id};
use resume::Received;
use session::{Beginning, Ended, Session};
use store::{Store, StoreError};

/// How often a silent stream says that it is there.
pub(crate) const HEARTBEAT: Duration = Duration::from_secs(15);
/// When a client whose stream ended comes back.
pub(crate) const COME_BACK_AFTER: Duration = Duration::from_secs(1);
/// Events told but not yet sent.
const UNSENT: usize = 64;

/// Where to go on.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct StreamParams {
    /// The id of the last event received; the header `Last-Event-ID` says the same.
    last_event_id: Option<String>,
}

type Told = Sse<
    axum::response::sse::KeepAliveStream<
        std::pin::Pin<Box<dyn Stream<Item = Result<Event, Infallible>> + Send>>,
    >,
>;

/// Everything of the caller: changes of conversations, and answers as they are written.
#[utoipa::path(get, path = "/v1/stream", operation_id = "follow_user", tag = "Streams", params(StreamParams),
    responses((status = 200, content_type = "text/event-stream")), security(("bearer" = [])))]
pub(crate) async fn user(
    State(api): State<Api>,
    caller: Caller,
    headers: HeaderMap,
    Params(params): Params<StreamParams>,
) -> Result<Told, Problem> {
    let beginning = last_received(&headers, params)?.map_or(Beginning::Now, Beginning::Resumed);
    let listening = listen(&api, caller.user).await?;
    Ok(tell(&api, caller, None, beginning, listening))
}

/// One conversation. Begins with the state of its newest answer, or goes on where the client left.
#[utoipa::path(get, path = "/v1/conversations/{conversation_id}/stream",
    operation_id = "follow_conversation", tag = "Streams",
    params(("conversation_id" = uuid::Uuid, Path), StreamParams),
    responses((status = 200, content_type = "text/event-stream"), (status = 404)), security(("bearer" = [])))]
pub(crate) async fn conversation(
    State(api): State<Api>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
    Params(params): Params<StreamParams>,
) -> Result<Told, Problem> {
    let id: ConversationId = path_id(&id, "conversation_id")?;
    let received = last_received(&headers, params)?;
    // Before the conversation is read, so that nothing falls in between.
    let listening = listen(&api, caller.user).await?;
    let (version, ended) =
        newest_answer(&api.store, caller.user, id).await?.ok_or_else(Problem::not_found)?;
    let beginning = received.map_or(Beginning::Conversation { version, ended }, Beginning::Resumed);
    Ok(tell(&api, caller, Some(id), beginning, listening))
}

async fn listen(api: &Api, owner: UserId) -> Result<Listener, Problem> {
    let listening = api.live.listen(owner).await;
    listening.ok_or_else(|| Problem::unavailable("The store cannot be reached."))
}

fn last_received(headers: &HeaderMap, params: StreamParams) -> Result<Option<Received>, Problem> {
    let header = headers.get("last-event-id").map(|id| id.to_str().unwrap_or("?").to_owned());
    match header.or(params.last_event_id).filter(|id| !id.is_empty()) {
        None => Ok(None),
        Some(id) => match id.parse() {
            Ok(received) => Ok(Some(received)),
            Err(resume::InvalidEventId) => Err(Problem::malformed("Last-Event-ID is none of this stream's.")),
        },
    }
}

/// A conversation's version, and the event that ended its newest answer, if it has ended. Read from the events themselves,
/// however far the read models are; `None` if there is no such conversation.
async fn newest_answer(
    store: &Store,
    owner: UserId,
    id: ConversationId,
) -> Result<Option<(Version, Option<Box<RecordedEvent>>)>, StoreError> {
    let mut events = store.aggregate_events(AggregateType::Conversation, id.uuid()).await?;
    let conversation = Conversation::from_events(events.iter());
    if conversation.owner() != Some(owner) || conversation.is_deleted() {
        return Ok(None);
    }
    let newest = conversation.newest_answer();
    let ended =
        events.iter().position(|event| ended_answer(event).is_some() && ended_answer(event) == newest);
    let ended = match ended {
        None => None,
        Some(index) => {
            let mut event = [events.swap_remove(index)];
            store.open(&mut event).await?;
            let [event] = event;
            Some(Box::new(event))
        }
    };
    Ok(Some((conversation.version(), ended)))
}

fn tell(
    api: &Api,
    caller: Caller,
    only: Option<ConversationId>,
    beginning: Beginning,
    listening: Listener,
) -> Told {
    let (out, told) = mpsc::channel(UNSENT);
    let session = Session {
        store: api.store.clone(),
        owner: caller.user,
        only,
        received: Received::default(),
        told: Version(0),
        out,
    };
    let erased = api.erased(caller.user);
    // A stream lasts no longer than the token that opened it.
    let lasts = Duration::from_secs(caller.until.saturating_sub(seconds_now()).max(60));
    api.short_lived.spawn(async move {
        let ended = tokio::select! {
            ended = session.run(beginning, listening) => ended,
            () = tokio::time::sleep(lasts) => Ok(()),
            () = erased => Ok(()),
        };
        match ended {
            Ok(()) | Err(Ended::Gone) => {}
            Err(error) => tracing::warn!(%error, "a stream broke off"),
        }
    });
    let first = tokio_stream::once(Event::default().retry(COME_BACK_AFTER));
    let events: std::pin::Pin<Box<dyn Stream<Item = Result<Event, Infallible>> + Send>> =
        Box::pin(first.chain(ReceiverStream::new(told)).map(Ok));
    Sse::new(events).keep_alive(KeepAlive::new().interval(HEARTBEAT))
}

/// How a conversation's row looks now; that it is gone, if it is.
async fn conversation_row(store: &Store, owner: UserId, id: ConversationId) -> Result<Value, StoreError> {
    let row = crate::api::routes::conversations::row(store, owner, id).await?;
    Ok(row
        .and_then(|row| serde_json::to_value(row).ok())
        .unwrap_or_else(|| json!({"id": id, "deleted": true})))
}

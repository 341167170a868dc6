//! `GET /v1/audit/events/stream`: history as it happens.

use std::convert::Infallible;
use std::time::Duration;

use aggregates::Position;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Sse;
use axum::response::sse::{Event, KeepAlive};
use futures::{Stream, StreamExt as _};
use serde::Deserialize;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use utoipa::IntoParams;

use super::{Auditor, EventParams, position, recorded};
use crate::api::Api;
use crate::api::identity::seconds_now;
use crate::api::problem::Problem;
use crate::api::reads::query::Params;
use crate::api::stream::{COME_BACK_AFTER, HEARTBEAT};
use crate::audit::Following;
use store::StoreError;

/// Events told but not yet sent.
const UNSENT: usize = 64;

/// Where to go on.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ResumeParams {
    /// The id of the last event received, a position; the header `Last-Event-ID` says the same. Stronger than `after`.
    last_event_id: Option<String>,
}

/// Why a stream ends.
#[derive(Debug, thiserror::Error)]
enum Ended {
    #[error("reach the client")]
    Gone,
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("write an event: {0}")]
    Unwritable(#[from] axum::Error),
}

/// All events after a position - from the first when not given -, and then the new ones as they come. Every event's id is
/// its position; a client that comes back with it misses nothing.
#[utoipa::path(get, path = "/v1/audit/events/stream", operation_id = "follow_audit_events", tag = "Audit",
    params(EventParams, ResumeParams),
    responses((status = 200, content_type = "text/event-stream"), (status = 403)), security(("bearer" = [])))]
pub(crate) async fn follow(
    State(api): State<Api>,
    auditor: Auditor,
    headers: HeaderMap,
    Params(params): Params<EventParams>,
    Params(resume): Params<ResumeParams>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    let (filter, after) =
        (params.filter()?, resume_after(&headers, resume)?.map_or_else(|| params.after(), Ok)?);
    auditor.record_access(&api, "stream", recorded(&filter, after, None)).await?;
    let (store, nats, subjects) = (api.store.clone(), api.nats.clone(), api.live.subjects().clone());
    let following = Following::new(store, nats, subjects, filter, after);
    let (out, told) = mpsc::channel(UNSENT);
    let erased = api.erased(auditor.caller.user);
    // A stream lasts no longer than the token that opened it.
    let lasts = Duration::from_secs(auditor.caller.until.saturating_sub(seconds_now()).max(60));
    api.short_lived.spawn(async move {
        let ended = tokio::select! {
            ended = tell(following, &out) => ended,
            () = out.closed() => Ok(()),
            () = tokio::time::sleep(lasts) => Ok(()),
            () = erased => Ok(()),
        };
        match ended {
            Ok(()) | Err(Ended::Gone) => {}
            Err(error) => tracing::warn!(%error, "an auditor's stream broke off"),
        }
    });
    let first = futures::stream::iter([Event::default().retry(COME_BACK_AFTER)]);
    let events = first.chain(ReceiverStream::new(told)).map(Ok);
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(HEARTBEAT)))
}

fn resume_after(headers: &HeaderMap, params: ResumeParams) -> Result<Option<Position>, Problem> {
    let header = headers.get("last-event-id").map(|id| id.to_str().unwrap_or("?").to_owned());
    match header.or(params.last_event_id).filter(|id| !id.is_empty()) {
        None => Ok(None),
        Some(id) => match id.parse() {
            Ok(number) => position(number, "Last-Event-ID").map(Some),
            Err(_) => {
                Err(Problem::malformed("Last-Event-ID is none of this stream's: it must be a position."))
            }
        },
    }
}

async fn tell(mut following: Following, out: &mpsc::Sender<Event>) -> Result<(), Ended> {
    loop {
        let page = following.next().await?;
        for event in page.events() {
            let told = Event::default().event("event").id(event.position.to_string()).json_data(&event)?;
            out.send(told).await.map_err(|_| Ended::Gone)?;
        }
    }
}

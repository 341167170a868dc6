//! `GET /v1/audit/events/stream`: the ledger, then new events as they are appended.

use std::sync::Arc;

use aggregates::Position;
use axum::extract::State;
use axum::http::HeaderMap;

use super::params::{EventParams, recorded};
use super::{AccessLog, Auditor};
use crate::api::limits::Limits;
use crate::api::problem::Problem;
use crate::api::reads::params::{Counter, QueryParams};
use crate::api::stream::{
    EncodedEvent, EventSender, EventStream, StreamError, StreamParams, Streams, last_event_id,
};
use crate::audit::{AuditEvent, Following};

/// Follow the ledger
///
/// All events after a position, then new events as they are appended. The id of an event is its position;
/// `Last-Event-ID` takes precedence over `after`; one ahead of the ledger stands for its end. The field
/// `event:` is `event`.
#[utoipa::path(get, path = "/v1/audit/events/stream", operation_id = "follow_audit_events", tag = "Audit",
    params(EventParams, StreamParams),
    responses((status = 200, content_type = "text/event-stream", body = AuditEvent<'static>), (status = 403)),
    security(("bearer" = [])))]
pub(in crate::api) async fn follow(
    State(access_log): State<AccessLog>,
    State(streams): State<Arc<Streams>>,
    State(limits): State<Arc<Limits>>,
    auditor: Auditor,
    headers: HeaderMap,
    QueryParams(params): QueryParams<EventParams>,
    QueryParams(resume): QueryParams<StreamParams>,
) -> Result<EventStream, Problem> {
    let filter = params.filter()?;
    let after = match resume_after(&headers, resume)? {
        Some(position) => streams.up_to_head(position).await?,
        None => params.after(),
    };
    let permit = limits.streams.take(auditor.caller.user)?;
    access_log.record(&auditor, "stream", recorded(&filter, after, None)).await?;
    let following = streams.follow_ledger(filter, after);
    Ok(streams.start(&auditor.caller, permit, "ledger", |sender| send_events(following, sender)))
}

fn resume_after(headers: &HeaderMap, params: StreamParams) -> Result<Option<Position>, Problem> {
    let position = last_event_id(headers, params).map(|id| id.parse::<Counter>()).transpose();
    position
        .map(|position| position.map(Counter::position))
        .map_err(|_| Problem::invalid_field("Last-Event-ID", "The value must be a position of the ledger."))
}

async fn send_events(mut following: Following, sender: EventSender) -> Result<(), StreamError> {
    loop {
        let page = following.next().await?;
        for event in page.events() {
            let encoded = EncodedEvent::new("event", event.position.to_string(), &event)?;
            sender.send(encoded).await?;
        }
    }
}

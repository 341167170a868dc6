//! `GET /v1/audit/events`: one page, or an export of the whole ledger.

use std::sync::Arc;
use std::time::Duration;

use aggregates::Position;
use axum::body::Body;
use axum::extract::State;
use axum::http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, VARY};
use axum::http::{HeaderMap, HeaderValue, Response};
use futures::StreamExt as _;
use serde::Serialize;
use serde_json::value::RawValue;
use tokio::time::Instant;
use utoipa::ToSchema;

use super::params::{EventParams, recorded};
use super::{AccessLog, Auditor};
use crate::api::identity::Identity;
use crate::api::problem::{Problem, with_causes};
use crate::api::reads::params::{Count, QueryParams};
use crate::audit::CheckpointSigner;
use crate::audit::{AuditEvent, ExportFailed, export, open_page};
use store::{EventFilter, Store, StoreError};

const NDJSON: &str = "application/x-ndjson";
const DEFAULT_PAGE_SIZE: u32 = 100;
const MAX_PAGE_SIZE: u32 = 1_000;
/// Longest search for the events of a page. A page that is not full by then is returned as it is.
const MAX_SEARCH_TIME: Duration = Duration::from_secs(5);

/// A page of events.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct EventPage {
    /// The events, in the order of the ledger.
    #[schema(value_type = Vec<AuditEvent>)]
    items: Vec<Box<RawValue>>,
    /// Value of `after` for the next page, which can follow a page with few events or none; `null` at the end
    /// of the ledger.
    #[schema(required)]
    next_after: Option<u64>,
}

/// List the events of the ledger
///
/// In the order of the ledger. With `Accept: application/x-ndjson` the response is an export: all events, one
/// line of JSON each. The last line is a signed checkpoint. `colloquy audit verify` checks an export.
#[utoipa::path(get, path = "/v1/audit/events", operation_id = "audit_events", tag = "Audit", params(EventParams),
    responses((status = 200, content((EventPage = "application/json"), (String = "application/x-ndjson")))), security(("bearer" = [])))]
pub(in crate::api) async fn events(
    State(store): State<Store>,
    State(signer): State<CheckpointSigner>,
    State(access_log): State<AccessLog>,
    State(identity): State<Arc<Identity>>,
    auditor: Auditor,
    headers: HeaderMap,
    QueryParams(params): QueryParams<EventParams>,
) -> Result<Response<Body>, Problem> {
    let (filter, after) = (params.filter()?, params.after());
    let mut response = if accepts_ndjson(&headers) {
        access_log.record(&auditor, "export", recorded(&filter, after, None)).await?;
        let revoked = Box::pin(identity.revocations().ended(auditor.caller));
        export_lines(&store, &signer, filter, after, revoked).await?
    } else {
        let limit = page_size(params.limit)?;
        access_log.record(&auditor, "events", recorded(&filter, after, Some(limit))).await?;
        page(&store, &filter, after, limit).await?
    };
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    response.headers_mut().insert(VARY, HeaderValue::from_static("accept"));
    Ok(response)
}

fn accepts_ndjson(headers: &HeaderMap) -> bool {
    headers.get_all(ACCEPT).iter().any(|accept| accept.to_str().is_ok_and(|accept| accept.contains(NDJSON)))
}

fn page_size(limit: Option<Count>) -> Result<u32, Problem> {
    match limit {
        None => Ok(DEFAULT_PAGE_SIZE),
        Some(Count(limit @ 1..=MAX_PAGE_SIZE)) => Ok(limit),
        Some(_) => Err(Problem::invalid_field("limit", "The value must be 1 to 1000.")),
    }
}

/// An export that breaks off when the auditor's session or role ends has no checkpoint in its last line.
async fn export_lines(
    store: &Store,
    signer: &CheckpointSigner,
    filter: EventFilter,
    after: Position,
    revoked: impl Future<Output = ()> + Send + 'static,
) -> Result<Response<Body>, Problem> {
    let lines = export(store, signer, filter, after).await.map_err(|error| match error {
        ExportFailed::Store(error) => error.into(),
        error @ (ExportFailed::Unwritable(_) | ExportFailed::Aborted(_)) => {
            tracing::error!(error = with_causes(error), "export did not start");
            Problem::internal()
        }
    })?;
    let mut response = Response::new(Body::from_stream(lines.take_until(revoked)));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(NDJSON));
    Ok(response)
}

async fn page(
    store: &Store,
    filter: &EventFilter,
    after: Position,
    limit: u32,
) -> Result<Response<Body>, Problem> {
    let started = Instant::now();
    let (head, _) = store.ledger_head().await?;
    let (mut after, mut entries) = (after, Vec::new());
    while after < head && entries.len() < limit as usize && started.elapsed() < MAX_SEARCH_TIME {
        let wanted = limit - u32::try_from(entries.len()).unwrap_or(limit);
        let part = store.filtered_ledger(filter, after, head, wanted).await?;
        entries.extend(part.entries);
        after = part.searched_to;
    }
    let page = open_page(store, entries).await?;
    let items = page.events().map(|event| serde_json::value::to_raw_value(&event)).collect::<Result<_, _>>();
    let items = items.map_err(StoreError::UnserializableEvent)?;
    let body = EventPage { items, next_after: (after < head).then_some(after.0) };
    let body = serde_json::to_vec(&body).map_err(|_| Problem::internal())?;
    let mut response = Response::new(Body::from(body));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}

#[cfg(test)]
mod tests {
    use aggregates::AggregateType;

    use super::*;
    use crate::api::snapshots::{assert_json, id, time};
    use crate::audit::ActorName;

    fn raw(text: &str) -> Box<RawValue> {
        RawValue::from_string(text.to_owned()).unwrap()
    }

    #[test]
    fn a_page_of_events_matches_its_snapshot() {
        let (payload, metadata) = (raw(r#"{"rating":"up"}"#), raw(r#"{"actor":"user:5"}"#));
        let (actor_id, correlation_id) = (id(5).to_string(), id(7).to_string());
        let event = AuditEvent {
            position: 12,
            event_id: id(8),
            aggregate: AggregateType::Conversation.name(),
            aggregate_id: id(1),
            sequence: 4,
            event_type: "AnswerRated",
            event_version: "1",
            owner: id(5),
            actor: ActorName { kind: "user", id: Some(&actor_id) },
            recorded_at: time(),
            correlation_id: Some(&correlation_id),
            causation_id: None,
            payload: &payload,
            private: Some(raw(r#"{"comment":"clear"}"#)),
            erased: false,
            metadata: &metadata,
            sealed: Some("Y2lwaGVydGV4dA==".to_owned()),
            previous: "ab".repeat(32),
            hash: "cd".repeat(32),
        };
        let items = vec![serde_json::value::to_raw_value(&event).unwrap()];
        assert_json("audit_events", &EventPage { items, next_after: Some(12) });
    }
}

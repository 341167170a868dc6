//! `GET /v1/audit/events`: pages, or a whole export.

use std::time::Duration;

use aggregates::Position;
use axum::body::Body;
use axum::extract::State;
use axum::http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, VARY};
use axum::http::{HeaderMap, HeaderValue, Response};
use serde::Serialize;
use serde_json::value::RawValue;
use tokio::time::Instant;
use utoipa::ToSchema;

use super::{Auditor, EventParams, recorded};
use crate::api::Api;
use crate::api::problem::Problem;
use crate::api::reads::query::Params;
use crate::audit::{AuditEvent, ExportFailed, export, open_page};
use store::{EventFilter, StoreError};

const NDJSON: &str = "application/x-ndjson";
const DEFAULT_LIMIT: u32 = 100;
const LARGEST_LIMIT: u32 = 1_000;
/// How long a page is looked for where hardly anything fits the filter; then the client goes on from there.
const PATIENCE: Duration = Duration::from_secs(5);

/// A page of history.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EventPage {
    /// The events, in the ledger's order.
    #[schema(value_type = Vec<AuditEvent>)]
    items: Vec<Box<RawValue>>,
    /// Where to go on, even after a page with few events or none; `null` at the ledger's end.
    next_after: Option<u64>,
}

/// History in the ledger's order. With `Accept: application/x-ndjson` all of it that fits, as lines of JSON; the last line
/// is a signed checkpoint, and `colloquy audit verify` checks it all.
#[utoipa::path(get, path = "/v1/audit/events", operation_id = "audit_events", tag = "Audit", params(EventParams),
    responses((status = 200, body = EventPage), (status = 403)), security(("bearer" = [])))]
pub(crate) async fn events(
    State(api): State<Api>,
    auditor: Auditor,
    headers: HeaderMap,
    Params(params): Params<EventParams>,
) -> Result<Response<Body>, Problem> {
    let (filter, after) = (params.filter()?, params.after()?);
    let mut response = if accepts_lines(&headers) {
        auditor.record_access(&api, "export", recorded(&filter, after, None)).await?;
        lines(&api, filter, after).await?
    } else {
        let limit = limit(params.limit)?;
        auditor.record_access(&api, "events", recorded(&filter, after, Some(limit))).await?;
        page(&api, &filter, after, limit).await?
    };
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    response.headers_mut().insert(VARY, HeaderValue::from_static("accept"));
    Ok(response)
}

fn accepts_lines(headers: &HeaderMap) -> bool {
    headers.get_all(ACCEPT).iter().any(|accept| accept.to_str().is_ok_and(|accept| accept.contains(NDJSON)))
}

fn limit(limit: Option<u32>) -> Result<u32, Problem> {
    match limit {
        None => Ok(DEFAULT_LIMIT),
        Some(limit @ 1..=LARGEST_LIMIT) => Ok(limit),
        Some(_) => Err(Problem::invalid_field("limit", "It must be 1 to 1000.")),
    }
}

async fn lines(api: &Api, filter: EventFilter, after: Position) -> Result<Response<Body>, Problem> {
    let lines = export(&api.store, &api.signer, filter, after).await.map_err(|error| match error {
        ExportFailed::Store(error) => error.into(),
        ExportFailed::Unwritable(_) | ExportFailed::Aborted(_) => Problem::internal(),
    })?;
    let mut response = Response::new(Body::from_stream(lines));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(NDJSON));
    Ok(response)
}

async fn page(
    api: &Api,
    filter: &EventFilter,
    after: Position,
    limit: u32,
) -> Result<Response<Body>, Problem> {
    let began = Instant::now();
    let (head, _) = api.store.ledger_head().await?;
    let (mut after, mut entries) = (after, Vec::new());
    while after < head && entries.len() < limit as usize && began.elapsed() < PATIENCE {
        let wanted = limit - u32::try_from(entries.len()).unwrap_or(limit);
        let part = api.store.audited(filter, after, head, wanted).await?;
        entries.extend(part.entries);
        after = part.looked_up_to;
    }
    let page = open_page(&api.store, entries).await?;
    let items = page.events().map(|event| serde_json::value::to_raw_value(&event)).collect::<Result<_, _>>();
    let items = items.map_err(|error| StoreError::Corrupt(error.to_string()))?;
    let body = EventPage { items, next_after: (after < head).then_some(after.0) };
    let body = serde_json::to_vec(&body).map_err(|_| Problem::internal())?;
    let mut response = Response::new(Body::from(body));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}

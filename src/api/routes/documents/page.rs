//! `GET /v1/documents/{id}/pages/{n}.png`: a page of a PDF document as a picture, with a passage marked.

use std::sync::Arc;
use std::time::Duration;

use aggregates::DocumentId;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode};
use rag::extract::MediaType;
use rag::vocabulary::{ContentVersion, PassageId};
use sealing::Subject;
use serde::Deserialize;
use utoipa::IntoParams;

use super::original::unreadable;
use super::passage::open;
use super::readable;
use crate::api::caller::Reader;
use crate::api::limits::Limits;
use crate::api::problem::{Problem, with_causes};
use crate::api::reads::params::{Count, InvalidValue, QueryParams, parse_id};
use crate::api::state::Knowledge;
use crate::knowledge::extraction::{Input, PageView};
use projections::documents::SealedDocument;
use store::{Store, StoreError};

/// The widths of pictures, in pixels.
const WIDTHS: std::ops::RangeInclusive<u32> = 100..=2_400;
const DEFAULT_WIDTH: u32 = 1_000;
/// Time limit of a picture.
const LIMIT: Duration = Duration::from_secs(10);

/// Size of a page picture.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(in crate::api) struct PageParams {
    /// Number of the passage that is marked.
    #[param(value_type = Option<u32>)]
    passage: Option<Count>,
    /// Width in pixels; 1,000 by default.
    #[param(value_type = Option<u32>, minimum = 100, maximum = 2400)]
    width: Option<Count>,
}

/// Get a picture of a page
///
/// Of a PDF document, as PNG. Pages count from 1.
#[utoipa::path(get, path = "/v1/documents/{document_id}/pages/{page}", operation_id = "get_page", tag = "Documents",
    params(("document_id" = uuid::Uuid, Path), ("page" = String, Path, description = "Number of the page and `.png`.", pattern = "^[1-9][0-9]*\\.png$"), PageParams),
    responses((status = 200, content_type = "image/png"), (status = 304), (status = 404)), security(("bearer" = [])))]
pub(in crate::api) async fn page(
    State(store): State<Store>,
    State(knowledge): State<Knowledge>,
    State(limits): State<Arc<Limits>>,
    Reader(caller): Reader,
    Path((id, page)): Path<(String, String)>,
    headers: HeaderMap,
    QueryParams(params): QueryParams<PageParams>,
) -> Result<Response<Body>, Problem> {
    let id: DocumentId = parse_id(&id, "document_id")?;
    let number = page.strip_suffix(".png").ok_or_else(Problem::not_found)?;
    let Count(number) = number
        .parse()
        .map_err(|invalid: InvalidValue| Problem::invalid_field("page", invalid.to_string()))?;
    let width = params.width.map_or(DEFAULT_WIDTH, |Count(width)| width);
    if !WIDTHS.contains(&width) {
        return Err(Problem::invalid_field("width", "The value must be 100 to 2400."));
    }
    let row = readable(&store, &caller, id).await?;
    if row.media_type() != MediaType::Pdf.name() {
        return Err(Problem::not_found());
    }
    let marked = params.passage.map(|Count(passage)| passage);
    // Passages have other texts in another version of the same file.
    let (sha256, version, passage) = (row.sha256(), row.version(), marked.map_or(-1, i64::from));
    let etag = format!("\"{sha256}-{version}-{number}-{width}-{passage}\"");
    let is_known = headers
        .get(IF_NONE_MATCH)
        .and_then(|tags| tags.to_str().ok())
        .is_some_and(|tags| tags.contains(&etag));
    let mut response = Response::new(Body::empty());
    if is_known {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    } else {
        let _permit = limits.page_pictures.take(caller.user)?;
        let marked = match marked {
            Some(passage) => text(&store, &knowledge, &row, passage).await?,
            None => String::new(),
        };
        let view = PageView { number, width, marked };
        *response.body_mut() = Body::from(picture(&store, &knowledge, &row, view).await?);
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("image/png"));
    }
    let etag = HeaderValue::from_str(&etag).map_err(|_| Problem::internal())?;
    response.headers_mut().insert(ETAG, etag);
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    Ok(response)
}

async fn picture(
    store: &Store,
    knowledge: &Knowledge,
    row: &SealedDocument,
    view: PageView,
) -> Result<Vec<u8>, Problem> {
    let key = store.keyring().user(row.owner).await?.ok_or(StoreError::KeyDestroyed)?;
    let file =
        knowledge.files.open(row.owner, &key, row.id.uuid(), row.sha256()).await.map_err(unreadable)?;
    let making = knowledge.extractor.page(view, Input::Stored(Box::new(file)));
    let made = tokio::time::timeout(LIMIT, making).await;
    let made = made.map_err(|_| Problem::unavailable("The page could not be drawn in time."))?;
    match made {
        Ok(Ok(picture)) => picture.ok_or_else(Problem::not_found),
        // A file that cannot be read has no pages.
        Ok(Err(_)) => Err(Problem::not_found()),
        Err(error) => {
            tracing::warn!(error = with_causes(error), "a page was not drawn");
            Err(Problem::unavailable("The page could not be drawn."))
        }
    }
}

/// The text of a passage; empty if there is none.
async fn text(
    store: &Store,
    knowledge: &Knowledge,
    row: &SealedDocument,
    ordinal: u32,
) -> Result<String, Problem> {
    let versions = store.current_versions(&[row.id]).await?;
    let Some(version) = versions.get(&row.id) else { return Ok(String::new()) };
    let ids = [PassageId { document_id: row.id.uuid().into(), ordinal }];
    let found = knowledge.index.passages(&ids, ContentVersion(version.content_version.0)).await;
    let found = found.map_err(|error| {
        tracing::warn!(error = with_causes(error), "passage was not read");
        Problem::unavailable("The passages cannot be reached.")
    })?;
    let key = store.keyring().content(row.owner, Subject::Document(row.id.uuid())).await?;
    let texts =
        found.into_iter().filter_map(|(place, body)| open(body, key.as_ref(), row.id.uuid(), place.ordinal));
    Ok(texts.map(|passage| passage.text).collect::<Vec<_>>().join("\n"))
}

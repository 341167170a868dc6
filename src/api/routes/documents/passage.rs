//! `GET /v1/documents/{id}/passages/{n}`: what a citation opens, with what stands before and after it.

use aggregates::DocumentId;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Response};
use rag::error_chain::ErrorChain;
use rag::vocabulary::{ContentVersion, PassageBody, PassageId, PassageText};
use sealing::{AssociatedData, Subject};
use serde::Serialize;
use utoipa::ToSchema;

use super::readable;
use crate::api::Api;
use crate::api::identity::Caller;
use crate::api::problem::Problem;
use crate::api::reads::query::{keepable, path_id, respond};

/// Passages shown on each side.
const AROUND: u32 = 2;

/// A passage with its neighbours.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PassageShown {
    /// The document.
    #[schema(value_type = uuid::Uuid)]
    document_id: DocumentId,
    /// What it is called.
    title: String,
    /// The passage's place in the document, from 0.
    number: u32,
    /// The headings above it, outermost first.
    heading: Vec<String>,
    /// What it says, Markdown.
    text: String,
    /// Up to two passages before it.
    before: Vec<Neighbour>,
    /// Up to two passages after it.
    after: Vec<Neighbour>,
}

/// A passage beside the one asked for.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Neighbour {
    /// Its place in the document.
    number: u32,
    /// What it says, Markdown.
    text: String,
}

/// A passage of a document, one's own or everybody's.
#[utoipa::path(get, path = "/v1/documents/{document_id}/passages/{number}", operation_id = "get_passage", tag = "Documents",
    params(("document_id" = uuid::Uuid, Path), ("number" = u32, Path)),
    responses((status = 200, body = PassageShown), (status = 404)), security(("bearer" = [])))]
pub(crate) async fn passage(
    State(api): State<Api>,
    caller: Caller,
    Path((id, number)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response<Body>, Problem> {
    let id: DocumentId = path_id(&id, "document_id")?;
    let number: u32 = number.parse().map_err(|_| Problem::not_found())?;
    let row = readable(&api, &caller, id).await?.ok_or_else(Problem::not_found)?;
    let ids: Vec<PassageId> = (number.saturating_sub(AROUND)..=number.saturating_add(AROUND))
        .map(|ordinal| PassageId { document_id: id.uuid().into(), ordinal })
        .collect();
    let counting = api.store.counting_versions(&[id]).await?;
    let version = counting.get(&id).ok_or_else(Problem::not_found)?;
    let found =
        api.knowledge.index.passages(&ids, ContentVersion(version.brought.0)).await.map_err(|error| {
            tracing::warn!(error = %ErrorChain(&error), "a passage could not be read");
            Problem::unavailable("The passages cannot be reached.")
        })?;
    let key = api.store.keyring().content(row.owner, Subject::Document(id.uuid())).await?;
    let (mut shown, mut before, mut after) = (None, Vec::new(), Vec::new());
    for (place, body) in found {
        let text = match body {
            PassageBody::Open(text) => Some(text),
            PassageBody::Sealed(sealed) => key.as_ref().and_then(|key| {
                let aad = AssociatedData::Passage { document_id: id.uuid(), ordinal: place.ordinal };
                PassageText::from_bytes(&key.open(&aad, &sealed).ok()?).ok()
            }),
        };
        let Some(text) = text else { continue };
        match place.ordinal.cmp(&number) {
            std::cmp::Ordering::Less => before.push(Neighbour { number: place.ordinal, text: text.text }),
            std::cmp::Ordering::Equal => shown = Some(text),
            std::cmp::Ordering::Greater => after.push(Neighbour { number: place.ordinal, text: text.text }),
        }
    }
    let PassageText { title, heading, text } = shown.ok_or_else(Problem::not_found)?;
    let shown = PassageShown { document_id: id, title, number, heading, text, before, after };
    respond(&headers, keepable(&shown)?)
}

//! `GET /v1/documents/{id}/passages/{n}`: the passage that a citation names, with its neighbours.

use std::cmp::Ordering;
use std::sync::Arc;

use aggregates::DocumentId;
use aggregates::conversation::Place;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Response};
use rag::vocabulary::{ContentVersion, PassageBody, PassageId, PassageText};
use sealing::{AssociatedData, ContentKey, Subject};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::readable;
use crate::api::caller::Reader;
use crate::api::problem::{Problem, with_causes};
use crate::api::reads::ReadModels;
use crate::api::reads::params::{Count, InvalidValue, parse_id};
use crate::api::reads::representation::Representation;
use crate::api::state::Knowledge;
use crate::knowledge::place::place_in_file;
use store::Store;

/// Neighbours on each side.
const NEIGHBOURS: u32 = 2;

/// A passage with its neighbours.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct PassageShown {
    /// Id of the document.
    #[schema(value_type = uuid::Uuid)]
    document_id: DocumentId,
    /// Title of the document.
    title: String,
    /// Number of the passage in the document, from 0.
    number: u32,
    /// Headings above the passage, outermost first.
    heading: Vec<String>,
    /// Text in Markdown. A passage of a table begins with the header of the table.
    text: String,
    /// Place in the file, where its format has pages, slides or rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<Place>,
    /// Up to two passages before this one.
    before: Vec<Neighbour>,
    /// Up to two passages after this one.
    after: Vec<Neighbour>,
}

/// A passage before or after the requested one.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct Neighbour {
    /// Number of the passage in the document, from 0.
    number: u32,
    /// Text in Markdown.
    text: String,
}

/// Get a passage of a document
#[utoipa::path(get, path = "/v1/documents/{document_id}/passages/{number}", operation_id = "get_passage", tag = "Documents",
    params(("document_id" = uuid::Uuid, Path), ("number" = u32, Path)),
    responses((status = 200, body = PassageShown), (status = 304)), security(("bearer" = [])))]
pub(in crate::api) async fn passage(
    State(store): State<Store>,
    State(reads): State<Arc<ReadModels>>,
    State(knowledge): State<Knowledge>,
    Reader(caller): Reader,
    Path((id, number)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response<Body>, Problem> {
    let id: DocumentId = parse_id(&id, "document_id")?;
    let Count(number) = number
        .parse()
        .map_err(|invalid: InvalidValue| Problem::invalid_field("number", invalid.to_string()))?;
    let row = readable(&store, &caller, id).await?;
    if row.owner == caller.user {
        reads.note_read(row.owner, id.uuid());
    }
    let ids: Vec<PassageId> = (number.saturating_sub(NEIGHBOURS)..=number.saturating_add(NEIGHBOURS))
        .map(|ordinal| PassageId { document_id: id.uuid().into(), ordinal })
        .collect();
    let versions = store.current_versions(&[id]).await?;
    let version = versions.get(&id).ok_or_else(Problem::not_found)?;
    let passages =
        knowledge.index.passages(&ids, ContentVersion(version.content_version.0)).await.map_err(|error| {
            tracing::warn!(error = with_causes(error), "passage was not read");
            Problem::unavailable("The passages cannot be reached.")
        })?;
    let key = store.keyring().content(row.owner, Subject::Document(id.uuid())).await?;
    let (mut shown, mut before, mut after) = (None, Vec::new(), Vec::new());
    for (place, body) in passages {
        let Some(text) = open(body, key.as_ref(), id.uuid(), place.ordinal) else { continue };
        match place.ordinal.cmp(&number) {
            Ordering::Less => before.push(Neighbour { number: place.ordinal, text: text.text }),
            Ordering::Equal => shown = Some(text),
            Ordering::Greater => after.push(Neighbour { number: place.ordinal, text: text.text }),
        }
    }
    let PassageText { title, heading, text, place, .. } = shown.ok_or_else(Problem::not_found)?;
    let shown = PassageShown {
        document_id: id,
        title,
        number,
        heading,
        text,
        place: place.map(place_in_file),
        before,
        after,
    };
    Representation::encode(&shown)?.respond(&headers)
}

/// Decrypts a passage; `None` if its key is destroyed.
pub(super) fn open(
    body: PassageBody,
    key: Option<&ContentKey>,
    document_id: Uuid,
    ordinal: u32,
) -> Option<PassageText> {
    match body {
        PassageBody::Open(text) => Some(text),
        PassageBody::Sealed(sealed) => {
            let opened = key?.open(&AssociatedData::Passage { document_id, ordinal }, &sealed).ok()?;
            PassageText::from_bytes(&opened).ok()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::snapshots::{assert_json, id};

    #[test]
    fn the_response_matches_its_snapshot() {
        let neighbour = |number| vec![Neighbour { number, text: "Fog.".to_owned() }];
        let shown = PassageShown {
            document_id: DocumentId::new(id(9)),
            title: "Kerguelen".to_owned(),
            number: 3,
            heading: vec!["Lighthouses".to_owned(), "Lamps".to_owned()],
            text: "The keeper lights the lamp at dusk.".to_owned(),
            place: Some(Place::Pages { first: 4, last: 4 }),
            before: neighbour(2),
            after: neighbour(4),
        };
        assert_json("passage", &shown);
    }
}

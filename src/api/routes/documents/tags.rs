//! `GET /v1/documents/tags`: the tags of the documents that the caller can read.

use std::collections::BTreeMap;
use std::sync::Arc;

use aggregates::UserId;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::caller::Reader;
use crate::api::problem::Problem;
use crate::api::reads::ReadModels;
use crate::api::reads::representation::Representation;

/// The largest number of tags that are listed.
const MAX_TAGS: usize = 1_000;

/// Tags of documents.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct DocumentTagList {
    /// The tags in alphabetical order, each once in any case of letters.
    items: Vec<String>,
    /// Whether there are more than 1,000 tags, of which the first ones are listed.
    truncated: bool,
}

/// List the tags of documents
///
/// Those of the caller's documents and of shared documents, by which a question can choose documents. Of more
/// than 10,000 documents, the tags of the newest are listed.
#[utoipa::path(get, path = "/v1/documents/tags", operation_id = "list_document_tags", tag = "Documents",
    responses((status = 200, body = DocumentTagList), (status = 304)), security(("bearer" = [])))]
pub(in crate::api) async fn tags(
    State(reads): State<Arc<ReadModels>>,
    Reader(caller): Reader,
    headers: HeaderMap,
) -> Result<Response<Body>, Problem> {
    let own = reads.all_documents(caller.user).await?;
    let shared = reads.all_documents(UserId::SHARED).await?;
    let listing = tokio::task::spawn_blocking(move || {
        listed(own.iter().chain(shared.iter()).flat_map(|row| &row.tags))
    });
    let tags = listing.await.map_err(|_| Problem::internal())?;
    Representation::encode(&tags)?.respond(&headers)
}

fn listed<'a>(tags: impl Iterator<Item = &'a String>) -> DocumentTagList {
    let mut by_name = BTreeMap::new();
    for tag in tags {
        by_name.entry(tag.to_lowercase()).or_insert(tag);
    }
    let truncated = by_name.len() > MAX_TAGS;
    let items = by_name.into_values().take(MAX_TAGS).cloned().collect();
    DocumentTagList { items, truncated }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_tag_is_listed_once_in_alphabetical_order_up_to_a_bound() {
        let tags = ["b", "A", "a", "C"].map(str::to_owned);
        let list = listed(tags.iter());
        assert_eq!((list.items, list.truncated), (["A", "b", "C"].map(str::to_owned).to_vec(), false));
        let many: Vec<String> = (0..=MAX_TAGS).map(|number| format!("{number:05}")).collect();
        let list = listed(many.iter());
        assert_eq!((list.items.len(), list.truncated), (MAX_TAGS, true));
    }
}

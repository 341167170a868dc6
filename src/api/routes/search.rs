//! `GET /v1/search`: full-text search in the caller's messages and titles.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, Response};
use projections::search::{self as index, SearchHit, SearchQuery};
use sealing::Subject;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::api::caller::Reader;
use crate::api::cursor::Cursors;
use crate::api::limits::Limits;
use crate::api::problem::Problem;
use crate::api::reads::ReadModels;
use crate::api::reads::params::{FilterParams, PageOf, QueryParams};
use crate::api::reads::representation::Representation;
use store::StoreError;

const MAX_QUERY_CHARACTERS: usize = 1_000;

/// The words of a search.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(in crate::api) struct SearchParams {
    /// Words, `"quoted phrases"` and prefixes (`prefix*`; the last word is always a prefix).
    #[param(
        required = true,
        max_length = 1000,
        pattern = r"^[^\u0000]*[^\u0000-\u0020\u007f-\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000][^\u0000]*$"
    )]
    q: Option<String>,
}

/// Search messages and titles
///
/// Stemmed and ranked, with snippets that mark the words found.
#[utoipa::path(get, path = "/v1/search", tag = "Queries", params(SearchParams, FilterParams),
    responses((status = 200, body = PageOf<SearchHit>), (status = 304)), security(("bearer" = [])))]
pub(in crate::api) async fn search(
    State(reads): State<Arc<ReadModels>>,
    State(cursors): State<Arc<Cursors>>,
    State(limits): State<Arc<Limits>>,
    Reader(caller): Reader,
    headers: HeaderMap,
    QueryParams(SearchParams { q }): QueryParams<SearchParams>,
    QueryParams(params): QueryParams<FilterParams>,
) -> Result<Response<Body>, Problem> {
    let store = reads.store();
    let (owner, text) = (caller.user, checked(q)?);
    limits.search.count(&owner)?;
    reads.wait_for_position(caller.user, params.min_position).await?;
    let Some(search) = SearchQuery::parse(&text) else {
        let empty = PageOf::<SearchHit> { items: vec![], next_cursor: None };
        return Representation::encode(&empty)?.respond(&headers);
    };
    let query = params.normalize()?;
    let filter = query.filter(store.keyring(), owner).await?;
    let name = format!("search {owner} {text} {filter:?}");
    let after = query.cursor.as_deref().map(|cursor| cursors.decode(&name, cursor)).transpose()?;
    let user_key = store.keyring().user(owner).await?.ok_or(StoreError::KeyDestroyed)?;
    let blind = user_key.blind_key();
    let turn = limits.search_turns.take(owner).await;
    let page = index::find(store.read_models(), owner, &blind, &search, &filter, after, query.limit).await?;
    drop(turn);
    let next_cursor = page.next.map(|place| cursors.encode(&name, &place)).transpose()?;
    let mut hits = Vec::with_capacity(page.items.len());
    for found in page.items {
        let subject = Subject::Conversation(found.conversation.id.uuid());
        let wrapped = found.conversation.wrapped_key.clone();
        let key = store.keyring().unwrap_for(owner, subject, wrapped.as_deref()).await?;
        hits.push((found, key));
    }
    let items = reads.open_hits(search, hits).await?;
    Representation::encode(&PageOf { items, next_cursor })?.respond(&headers)
}

fn checked(q: Option<String>) -> Result<String, Problem> {
    let text = q.unwrap_or_default();
    if text.chars().all(|c| c.is_whitespace() || c.is_control()) {
        return Err(Problem::invalid_field("q", "The value must not be empty."));
    }
    if text.chars().count() > MAX_QUERY_CHARACTERS || text.contains('\0') {
        return Err(Problem::invalid_field(
            "q",
            "The value must be at most 1,000 characters, without the NUL character.",
        ));
    }
    Ok(text)
}

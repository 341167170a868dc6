//! `GET /v1/search`: the caller's own messages and titles.

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, Response};
use projections::search::{self as index, SearchHit, SearchQuery};
use sealing::Subject;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::api::Api;
use crate::api::identity::Caller;
use crate::api::problem::Problem;
use crate::api::reads::query::{FilterParams, PageOf, Params, keepable, limit, respond};
use crate::api::reads::waiting;
use store::StoreError;

/// The longest search, in bytes.
const LONGEST: usize = 1_000;

/// What to search for.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct SearchParams {
    /// Words, `"quoted phrases"`, and beginnings of words (`begin*`, and always the last one).
    q: Option<String>,
}

/// Full-text search: stemmed, ranked, with snippets that say where the words are.
#[utoipa::path(get, path = "/v1/search", tag = "Queries", params(SearchParams, FilterParams),
    responses((status = 200, body = PageOf<SearchHit>), (status = 422)), security(("bearer" = [])))]
pub(crate) async fn search(
    State(api): State<Api>,
    caller: Caller,
    headers: HeaderMap,
    Params(SearchParams { q }): Params<SearchParams>,
    Params(params): Params<FilterParams>,
) -> Result<Response<Body>, Problem> {
    let typed = q.unwrap_or_default();
    if typed.trim().is_empty() {
        return Err(Problem::invalid_field("q", "It must not be empty."));
    }
    if typed.len() > LONGEST || typed.contains('\0') {
        return Err(Problem::invalid_field(
            "q",
            "It must be at most 1,000 bytes, without the NUL character.",
        ));
    }
    waiting::for_position(&api, params.min_position).await?;
    let Some(wanted) = SearchQuery::parse(&typed) else {
        return respond(&headers, keepable(&PageOf::<SearchHit> { items: vec![], next_cursor: None })?);
    };
    let filter = params.filter(&api, caller.user).await?;
    let query = format!("search {} {typed} {filter:?}", caller.user);
    let after = params.cursor.as_deref().map(|cursor| api.cursors.read(&query, cursor)).transpose()?;
    let user_key = api.store.keyring().user(caller.user).await?.ok_or(StoreError::KeyDestroyed)?;
    let (blind, limit) = (user_key.blind_key(), limit(params.limit)?);
    let page = index::find(api.store.pool(), caller.user, &blind, &wanted, &filter, after, limit).await?;
    let next_cursor = page.next.map(|place| api.cursors.write(&query, &place)).transpose()?;
    let mut items = Vec::with_capacity(page.items.len());
    for found in page.items {
        let subject = Subject::Conversation(found.conversation.id.uuid());
        let wrapped = found.conversation.wrapped_key.clone();
        let key = api.store.keyring().unwrap_for(caller.user, subject, wrapped.as_deref()).await?;
        items.push(found.open(&wanted, key.as_ref()));
    }
    respond(&headers, keepable(&PageOf { items, next_cursor })?)
}

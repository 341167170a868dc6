//! `GET /v1/documents`: the list of documents, newest first, or arranged by the caller.

use std::sync::Arc;

use aggregates::document::DocumentScope;
use aggregates::{DocumentId, UserId};
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, Response};
use projections::documents::{self, DocumentRow};
use serde::Deserialize;
use utoipa::IntoParams;

use super::arrange::{Arrangement, Order, arrange, plain};
use super::parse_scope;
use crate::api::caller::Reader;
use crate::api::cursor::Cursors;
use crate::api::problem::Problem;
use crate::api::reads::params::{Count, Counter, PageOf, QueryParams, bounded_cursor, page_size};
use crate::api::reads::representation::Representation;
use crate::api::reads::{ReadModels, opened};
use store::Store;

/// The longest text to search titles for, and the longest tag, in characters.
const MAX_WORDS_CHARACTERS: usize = 200;
const MAX_TAG_CHARACTERS: usize = 50;

/// A page of documents.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(in crate::api) struct ListParams {
    /// `user` (default): documents of the caller; `shared`: shared documents.
    #[param(value_type = Option<DocumentScope>, inline)]
    scope: Option<String>,
    /// Documents whose title and tags contain all of these words, in any case of letters and with
    /// or without accents.
    #[param(max_length = 200)]
    q: Option<String>,
    /// Documents with this tag, in any case of letters.
    #[param(max_length = 50)]
    tag: Option<String>,
    /// `newest` (default), `oldest`, `title`, or `size` with the largest first.
    #[param(value_type = Option<Order>, inline)]
    sort: Option<String>,
    /// Documents on a page; 20 by default.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100)]
    limit: Option<Count>,
    /// The `next_cursor` of the previous page.
    cursor: Option<String>,
    /// Waits up to 2 s until the read models have reached this position of the ledger. Not far
    /// beyond its end.
    #[param(value_type = Option<u64>, maximum = 9_223_372_036_854_775_807_i64)]
    min_position: Option<Counter>,
}

impl ListParams {
    fn arrangement(&mut self) -> Result<Arrangement, Problem> {
        let bounded = |field: &'static str, text: Option<String>, max: usize| match text {
            Some(text) if text.chars().count() > max => {
                Err(Problem::invalid_field(field, format!("The value must be at most {max} characters.")))
            }
            text => Ok(text.unwrap_or_default().trim().to_owned()),
        };
        let order = match self.sort.as_deref() {
            None => Order::Newest,
            Some(name) => Order::named(name).ok_or_else(|| {
                Problem::invalid_field("sort", "The value must be newest, oldest, title or size.")
            })?,
        };
        let words = plain(&bounded("q", self.q.take(), MAX_WORDS_CHARACTERS)?);
        let tag = bounded("tag", self.tag.take(), MAX_TAG_CHARACTERS)?.to_lowercase();
        Ok(Arrangement { words, tag, order })
    }
}

/// List documents
///
/// Newest document first, unless `sort` says otherwise. Of more than 10,000 documents, the newest are
/// searched and sorted.
#[utoipa::path(get, path = "/v1/documents", operation_id = "list_documents", tag = "Documents", params(ListParams),
    responses((status = 200, body = PageOf<DocumentRow>), (status = 304)), security(("bearer" = [])))]
pub(in crate::api) async fn list(
    State(store): State<Store>,
    State(reads): State<Arc<ReadModels>>,
    State(cursors): State<Arc<Cursors>>,
    Reader(caller): Reader,
    headers: HeaderMap,
    QueryParams(mut params): QueryParams<ListParams>,
) -> Result<Response<Body>, Problem> {
    reads.wait_for_position(caller.user, params.min_position).await?;
    let owner = match params.scope.as_deref().map_or(Ok(DocumentScope::User), parse_scope)? {
        DocumentScope::User => caller.user,
        DocumentScope::Shared => UserId::SHARED,
    };
    let arrangement = params.arrangement()?;
    let limit = page_size(params.limit)?;
    let cursor = bounded_cursor(params.cursor)?;
    let pool = reads.store().read_models();
    if arrangement == Arrangement::default() {
        let name = format!("documents {} {owner}", caller.user);
        let after = cursor.as_deref().map(|cursor| cursors.decode(&name, cursor)).transpose()?;
        let page = documents::list(pool, owner, after, limit).await?;
        let next_cursor = page.next.map(|place| cursors.encode(&name, &place)).transpose()?;
        let items = opened(&store, owner, page.items).await?;
        return Representation::encode(&PageOf { items, next_cursor })?.respond(&headers);
    }
    let name = format!("documents {} {owner} {arrangement:?}", caller.user);
    let after = cursor.as_deref().map(|cursor| cursors.decode(&name, cursor)).transpose()?;
    let all = reads.all_documents(owner).await?;
    let arranging = move || arrange(&all, &arrangement, after.as_ref(), limit);
    let (items, next) = tokio::task::spawn_blocking(arranging).await.map_err(|_| Problem::internal())?;
    let next_cursor = next.map(|place| cursors.encode(&name, &place)).transpose()?;
    Representation::encode(&PageOf { items, next_cursor })?.respond(&headers)
}

/// The documents of an owner that have one of these tags, in any case of letters.
pub(in crate::api) async fn tagged(
    reads: &ReadModels,
    owner: UserId,
    tags: &[String],
) -> Result<Vec<DocumentId>, Problem> {
    let all = reads.all_documents(owner).await?;
    let tags: Vec<String> = tags.iter().map(|tag| tag.to_lowercase()).collect();
    let has_tag = move |row: &&DocumentRow| row.tags.iter().any(|tag| tags.contains(&tag.to_lowercase()));
    let finding = tokio::task::spawn_blocking(move || all.iter().filter(has_tag).map(|row| row.id).collect());
    finding.await.map_err(|_| Problem::internal())
}

//! `GET /v1/conversations/{id}/messages`: the branch that is shown.

use std::sync::Arc;

use aggregates::ConversationId;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Response};
use projections::messages::{self, Branch, Message, PageRequest};
use sealing::Subject;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::api::caller::Reader;
use crate::api::cursor::Cursors;
use crate::api::problem::Problem;
use crate::api::reads::ReadModels;
use crate::api::reads::cache::{ReadKey, ReadQuery};
use crate::api::reads::params::{
    Count, Counter, Id, PageOf, QueryParams, bounded_cursor, page_size, parse_id,
};
use crate::api::reads::quarantined::{OF_CONVERSATIONS, absent, check};
use crate::api::reads::representation::Representation;
use store::Store;

/// A page of messages.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(in crate::api) struct MessagesParams {
    /// Messages on a page; 20 by default.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100)]
    limit: Option<Count>,
    /// The `next_cursor` of the previous page.
    cursor: Option<String>,
    /// A message: its newest branch is shown in place of the newest branch of all.
    #[param(value_type = Option<Uuid>)]
    branch: Option<Id>,
    /// Waits up to 2 s until the read model has this version.
    #[param(value_type = Option<u64>, maximum = 9_223_372_036_854_775_807_i64)]
    min_version: Option<Counter>,
    /// Waits up to 2 s until the read models have reached this position of the ledger. Not far
    /// beyond its end.
    #[param(value_type = Option<u64>, maximum = 9_223_372_036_854_775_807_i64)]
    min_position: Option<Counter>,
}

impl MessagesParams {
    const fn waits(&self) -> bool {
        self.min_version.is_some() || self.min_position.is_some()
    }
}

/// List the messages of a conversation
///
/// One branch, oldest message first.
#[utoipa::path(get, path = "/v1/conversations/{conversation_id}/messages",
    operation_id = "list_messages", tag = "Queries",
    params(("conversation_id" = Uuid, Path), MessagesParams),
    responses((status = 200, body = PageOf<Message>), (status = 304), (status = 404)), security(("bearer" = [])))]
pub(in crate::api) async fn list(
    State(store): State<Store>,
    State(reads): State<Arc<ReadModels>>,
    State(cursors): State<Arc<Cursors>>,
    Reader(caller): Reader,
    Path(id): Path<String>,
    headers: HeaderMap,
    QueryParams(params): QueryParams<MessagesParams>,
) -> Result<Response<Body>, Problem> {
    let (owner, limit) = (caller.user, page_size(params.limit)?);
    let id: ConversationId = parse_id(&id, "conversation_id")?;
    let (branch, cursor) = (params.branch.map(|id| id.0), bounded_cursor(params.cursor.clone())?);
    let query = ReadQuery::Messages { conversation: id, branch, limit, cursor };
    let key = ReadKey { owner, query };
    if !params.waits()
        && let Some(cached) = reads.cached(&key)
    {
        reads.note_read(owner, id.uuid());
        return cached.respond(&headers);
    }
    reads.wait_for_position(caller.user, params.min_position).await?;
    reads.wait_for_conversation(owner, id, params.min_version).await?;
    let begun = reads.generation(owner);
    let name = format!("messages {owner} {id} {branch:?}");
    let after = params.cursor.as_deref().map(|cursor| cursors.decode(&name, cursor)).transpose()?;
    let subject = Subject::Conversation(id.uuid());
    let cached_key = store.keyring().known(owner, subject);
    let request = PageRequest { owner, conversation: id, after, limit, with_key: cached_key.is_none() };
    let Some(found) = reads.messages(request).await? else {
        return Err(absent(&store, owner, id.uuid(), OF_CONVERSATIONS).await);
    };
    reads.note_read(owner, id.uuid());
    let page = if found.branched {
        let branch = branch.map_or(Branch::Newest, Branch::Through);
        messages::branch_page(reads.store().read_models(), &request, branch).await?
    } else {
        found.page
    };
    if page.items.is_empty() {
        check(&store, owner, id.uuid(), OF_CONVERSATIONS).await?;
    }
    let next_cursor = page.next.map(|place| cursors.encode(&name, &place)).transpose()?;
    let content_key = match cached_key {
        Some(key) => Some(key),
        None => store.keyring().unwrap_for(owner, subject, found.wrapped_key.as_deref()).await?,
    };
    let items = messages::open_all(page.items, content_key.as_ref());
    let response = Representation::encode(&PageOf { items, next_cursor })?;
    reads.cache(key, begun, &response);
    response.respond(&headers)
}

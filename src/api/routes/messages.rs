//! `GET /v1/conversations/{id}/messages`: the branch that is shown.

use aggregates::ConversationId;
use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, Response};
use projections::messages::{self, Branch, Message, PageRequest};
use sealing::Subject;
use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

use crate::api::Api;
use crate::api::identity::Caller;
use crate::api::problem::Problem;
use crate::api::reads::cache::ReadKey;
use crate::api::reads::query::{PageOf, Params, keep, keepable, kept, limit, path_id, respond};
use crate::api::reads::waiting;

/// Which messages.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct MessagesParams {
    /// Messages on a page, 1 to 100.
    limit: Option<u32>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
    /// A message: the newest branch through it is shown, in place of the newest of all.
    branch: Option<Uuid>,
    /// Wait until the read model shows this version.
    min_version: Option<u64>,
    /// Wait until the read model has come to this position of the ledger.
    min_position: Option<u64>,
}

/// A conversation's messages on the branch that is shown, oldest first.
#[utoipa::path(get, path = "/v1/conversations/{conversation_id}/messages",
    operation_id = "list_messages", tag = "Queries",
    params(("conversation_id" = Uuid, Path), MessagesParams),
    responses((status = 200, body = PageOf<Message>), (status = 304), (status = 404)), security(("bearer" = [])))]
pub(crate) async fn list(
    State(api): State<Api>,
    caller: Caller,
    Path(id): Path<String>,
    RawQuery(raw): RawQuery,
    headers: HeaderMap,
    Params(params): Params<MessagesParams>,
) -> Result<Response<Body>, Problem> {
    let id: ConversationId = path_id(&id, "conversation_id")?;
    let key = ReadKey {
        owner: caller.user,
        query: format!("messages {id}?{}", raw.unwrap_or_default()).into_boxed_str(),
    };
    if params.min_version.is_none()
        && params.min_position.is_none()
        && let Some(read) = kept(&api, &key)
    {
        return respond(&headers, read);
    }
    waiting::for_position(&api, params.min_position).await?;
    waiting::for_version(&api, caller.user, id, params.min_version).await?;
    let begun = api.live.reads().generation(caller.user);
    let query = format!("messages {} {id} {:?}", caller.user, params.branch);
    let after = params.cursor.as_deref().map(|cursor| api.cursors.read(&query, cursor)).transpose()?;
    let subject = Subject::Conversation(id.uuid());
    let content_key = api.store.keyring().known(subject);
    let limit = limit(params.limit)?;
    let wanted =
        PageRequest { owner: caller.user, conversation: id, after, limit, with_key: content_key.is_none() };
    let found = api.pages.ask(wanted).await?.ok_or_else(Problem::not_found)?;
    let page = if found.branched {
        let branch = params.branch.map_or(Branch::Newest, Branch::Through);
        messages::branch_page(api.store.pool(), &wanted, branch).await?
    } else {
        found.page
    };
    let next_cursor = page.next.map(|place| api.cursors.write(&query, &place)).transpose()?;
    let content_key = match content_key {
        Some(key) => Some(key),
        None => api.store.keyring().unwrap_for(caller.user, subject, found.wrapped_key.as_deref()).await?,
    };
    let items = messages::open_all(page.items, content_key.as_ref());
    let read = keepable(&PageOf { items, next_cursor })?;
    keep(&api, key, begun, &read);
    respond(&headers, read)
}

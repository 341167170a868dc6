//! `GET /v1/conversations` and `GET /v1/conversations/{id}`.

use aggregates::{ConversationId, UserId};
use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, Response};
use projections::conversations::{self, ConversationRow, ListRequest, SealedConversation};
use sealing::Subject;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::api::Api;
use crate::api::identity::Caller;
use crate::api::problem::Problem;
use crate::api::reads::cache::ReadKey;
use crate::api::reads::query::{FilterParams, PageOf, Params, keep, keepable, kept, limit, path_id, respond};
use crate::api::reads::waiting;
use store::{Store, StoreError};

/// Reading one's own write.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct OneParams {
    /// Wait until the read model shows this version.
    pub(crate) min_version: Option<u64>,
    /// Wait until the read model has come to this position of the ledger.
    pub(crate) min_position: Option<u64>,
}

/// The caller's conversations: pinned ones first, then the newest activity.
#[utoipa::path(get, path = "/v1/conversations", operation_id = "list_conversations", tag = "Queries",
    params(FilterParams),
    responses((status = 200, body = PageOf<ConversationRow>), (status = 304)), security(("bearer" = [])))]
pub(crate) async fn list(
    State(api): State<Api>,
    caller: Caller,
    RawQuery(raw): RawQuery,
    headers: HeaderMap,
    Params(params): Params<FilterParams>,
) -> Result<Response<Body>, Problem> {
    let raw = raw.unwrap_or_default();
    let key = ReadKey { owner: caller.user, query: format!("conversations?{raw}").into_boxed_str() };
    if params.min_position.is_none()
        && let Some(read) = kept(&api, &key)
    {
        return respond(&headers, read);
    }
    waiting::for_position(&api, params.min_position).await?;
    let begun = api.live.reads().generation(caller.user);
    let filter = params.filter(&api, caller.user).await?;
    let query = format!("conversations {} {filter:?}", caller.user);
    let after = params.cursor.as_deref().map(|cursor| api.cursors.read(&query, cursor)).transpose()?;
    // Whose list was opened before, most of their keys are at hand.
    let with_keys = !api.listed.came(&caller.user);
    let limit = limit(params.limit)?;
    let page = api.lists.ask(ListRequest { owner: caller.user, filter, after, limit, with_keys }).await?;
    let next_cursor = page.next.map(|place| api.cursors.write(&query, &place)).transpose()?;
    let items = open_all(&api.store, caller.user, page.items).await?;
    let read = keepable(&PageOf { items, next_cursor })?;
    keep(&api, key, begun, &read);
    respond(&headers, read)
}

/// One conversation's row.
#[utoipa::path(get, path = "/v1/conversations/{conversation_id}", operation_id = "get_conversation", tag = "Queries",
    params(("conversation_id" = uuid::Uuid, Path), OneParams),
    responses((status = 200, body = ConversationRow), (status = 404)), security(("bearer" = [])))]
pub(crate) async fn one(
    State(api): State<Api>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
    Params(params): Params<OneParams>,
) -> Result<Response<Body>, Problem> {
    let id: ConversationId = path_id(&id, "conversation_id")?;
    waiting::for_position(&api, params.min_position).await?;
    waiting::for_version(&api, caller.user, id, params.min_version).await?;
    let row = row(&api.store, caller.user, id).await?.ok_or_else(Problem::not_found)?;
    respond(&headers, keepable(&row)?)
}

/// A conversation's row, open; `None` if there is none.
pub(crate) async fn row(
    store: &Store,
    owner: UserId,
    id: ConversationId,
) -> Result<Option<ConversationRow>, StoreError> {
    match conversations::get(store.pool(), owner, id).await? {
        None => Ok(None),
        Some(row) => open(store, owner, row).await.map(Some),
    }
}

async fn open(store: &Store, owner: UserId, row: SealedConversation) -> Result<ConversationRow, StoreError> {
    take_owner_key(store, owner, &row)?;
    let key = store
        .keyring()
        .unwrap_for(owner, Subject::Conversation(row.id.uuid()), row.wrapped_key.as_deref())
        .await?;
    Ok(row.open(key.as_ref()))
}

/// Remembers the owner's key where it came with a row.
fn take_owner_key(store: &Store, owner: UserId, row: &SealedConversation) -> Result<(), StoreError> {
    let Some(key) = &row.owner_key else { return Ok(()) };
    store.keyring().unwrap_user(owner, &key.wrapped_by, &key.wrapped)
}

/// Opens a page. Keys that neither came with it nor are at hand are fetched together.
async fn open_all(
    store: &Store,
    owner: UserId,
    rows: Vec<SealedConversation>,
) -> Result<Vec<ConversationRow>, StoreError> {
    if let Some(row) = rows.first() {
        take_owner_key(store, owner, row)?;
    }
    for row in rows.iter().filter(|row| row.wrapped_key.is_some()) {
        store
            .keyring()
            .unwrap_for(owner, Subject::Conversation(row.id.uuid()), row.wrapped_key.as_deref())
            .await?;
    }
    let subjects: Vec<_> = rows.iter().map(|row| (owner, Subject::Conversation(row.id.uuid()))).collect();
    let keys = store.keyring().content_keys(&subjects).await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let key = keys.get(&Subject::Conversation(row.id.uuid()));
            row.open(key)
        })
        .collect())
}

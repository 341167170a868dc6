//! `GET /v1/conversations` and `GET /v1/conversations/{id}`.

use std::sync::Arc;

use aggregates::{ConversationId, UserId};
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Response};
use projections::ReadModel;
use projections::conversations::{self, ConversationRow, SealedConversation};
use sealing::Subject;

use crate::api::caller::Reader;
use crate::api::cursor::Cursors;
use crate::api::problem::Problem;
use crate::api::reads::ReadModels;
use crate::api::reads::cache::{ReadKey, ReadQuery};
use crate::api::reads::params::{ConsistencyParams, FilterParams, PageOf, QueryParams, parse_id};
use crate::api::reads::quarantined::absent;
use crate::api::reads::representation::Representation;
use store::{Store, StoreError};

/// List conversations
///
/// Pinned conversations first, then by newest activity.
#[utoipa::path(get, path = "/v1/conversations", operation_id = "list_conversations", tag = "Queries",
    params(FilterParams),
    responses((status = 200, body = PageOf<ConversationRow>), (status = 304)), security(("bearer" = [])))]
pub(in crate::api) async fn list(
    State(store): State<Store>,
    State(reads): State<Arc<ReadModels>>,
    State(cursors): State<Arc<Cursors>>,
    Reader(caller): Reader,
    headers: HeaderMap,
    QueryParams(params): QueryParams<FilterParams>,
) -> Result<Response<Body>, Problem> {
    let (owner, min_position) = (caller.user, params.min_position);
    let query = params.normalize()?;
    let key = ReadKey { owner, query: ReadQuery::Conversations(query.clone()) };
    if min_position.is_none()
        && let Some(cached) = reads.cached(&key)
    {
        return cached.respond(&headers);
    }
    reads.wait_for_position(owner, min_position).await?;
    let begun = reads.generation(owner);
    let filter = query.filter(store.keyring(), owner).await?;
    let name = format!("conversations {owner} {filter:?}");
    let after = query.cursor.as_deref().map(|cursor| cursors.decode(&name, cursor)).transpose()?;
    let page = reads.conversations(owner, filter, after, query.limit).await?;
    let next_cursor = page.next.map(|place| cursors.encode(&name, &place)).transpose()?;
    let items = open_all(&store, owner, page.items).await?;
    let response = Representation::encode(&PageOf { items, next_cursor })?;
    reads.cache(key, begun, &response);
    response.respond(&headers)
}

/// Get a conversation
#[utoipa::path(get, path = "/v1/conversations/{conversation_id}", operation_id = "get_conversation", tag = "Queries",
    params(("conversation_id" = uuid::Uuid, Path), ConsistencyParams),
    responses((status = 200, body = ConversationRow), (status = 304)), security(("bearer" = [])))]
pub(in crate::api) async fn one(
    State(store): State<Store>,
    State(reads): State<Arc<ReadModels>>,
    Reader(caller): Reader,
    Path(id): Path<String>,
    headers: HeaderMap,
    QueryParams(params): QueryParams<ConsistencyParams>,
) -> Result<Response<Body>, Problem> {
    let id: ConversationId = parse_id(&id, "conversation_id")?;
    reads.wait_for_position(caller.user, params.min_position).await?;
    reads.wait_for_conversation(caller.user, id, params.min_version).await?;
    let Some(row) = row(&store, caller.user, id).await? else {
        return Err(absent(&store, caller.user, id.uuid(), &[ReadModel::Conversations]).await);
    };
    Representation::encode(&row)?.respond(&headers)
}

/// The decrypted row of a conversation; `None` if the conversation does not exist.
pub(in crate::api) async fn row(
    store: &Store,
    owner: UserId,
    id: ConversationId,
) -> Result<Option<ConversationRow>, StoreError> {
    match conversations::get(store.read_models(), owner, id).await.map_err(StoreError::from_query)? {
        None => Ok(None),
        Some(row) => open(store, owner, row).await.map(Some),
    }
}

/// The decrypted rows of those conversations that exist. Takes one round trip, or two where keys
/// are not cached.
pub(in crate::api) async fn rows(
    store: &Store,
    owner: UserId,
    ids: &[ConversationId],
) -> Result<Vec<ConversationRow>, StoreError> {
    let rows = conversations::rows(store.read_models(), owner, ids).await.map_err(StoreError::from_query)?;
    open_all(store, owner, rows).await
}

async fn open(store: &Store, owner: UserId, row: SealedConversation) -> Result<ConversationRow, StoreError> {
    unwrap_owner_key(store, owner, &row)?;
    let key = store
        .keyring()
        .unwrap_for(owner, Subject::Conversation(row.id.uuid()), row.wrapped_key.as_deref())
        .await?;
    Ok(row.open(key.as_ref()))
}

/// Unwraps the owner's key if the row came with it.
fn unwrap_owner_key(store: &Store, owner: UserId, row: &SealedConversation) -> Result<(), StoreError> {
    let Some(key) = &row.owner_key else { return Ok(()) };
    store.keyring().unwrap_user(owner, &key.wrapped_by, &key.wrapped)
}

/// Decrypts a page. Keys that are neither cached nor in the rows are fetched in one round trip.
async fn open_all(
    store: &Store,
    owner: UserId,
    rows: Vec<SealedConversation>,
) -> Result<Vec<ConversationRow>, StoreError> {
    if let Some(row) = rows.first() {
        unwrap_owner_key(store, owner, row)?;
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
            let key = keys.get(&(owner, Subject::Conversation(row.id.uuid())));
            row.open(key)
        })
        .collect())
}

//! `/v1/documents`: what somebody is answered from, and what everybody is.

mod add;
pub(crate) mod live;
mod passage;

use aggregates::document::DocumentCommand;
use aggregates::{Actor, DocumentId, Metadata, UserId};
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::header::ETAG;
use axum::http::{HeaderMap, Response, StatusCode};
use axum::response::IntoResponse as _;
use axum::{Extension, Json};
use projections::documents::{self, DocumentRow, SealedDocument};
use sealing::Subject;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::api::Api;
use crate::api::caller::metadata;
use crate::api::identity::{Caller, Role};
use crate::api::middleware::layers::Trace;
use crate::api::problem::Problem;
use crate::api::reads::query::{PageOf, Params, keepable, limit, path_id, respond};
use crate::api::reads::waiting;
use crate::api::routes::conversations::OneParams;
pub(crate) use add::{__path_add, BODY_LIMIT, add};
pub(crate) use passage::{__path_passage, passage};
use store::{ExecuteError, Store, StoreError};

/// What the sender of a document is told once its events are durable.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DocumentAccepted {
    /// The document.
    #[schema(value_type = uuid::Uuid)]
    document_id: DocumentId,
    /// Its version after the command.
    version: u64,
    /// The names of the command's events; none when nothing had to change.
    events: Vec<String>,
}

/// Which documents.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListParams {
    /// `user` (default): one's own; `shared`: everybody's.
    scope: Option<String>,
    /// Items on a page, 1 to 100.
    limit: Option<u32>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
    /// Wait until the read model has come to this position of the ledger.
    min_position: Option<u64>,
}

/// The caller's documents, or everybody's, newest first.
#[utoipa::path(get, path = "/v1/documents", operation_id = "list_documents", tag = "Documents", params(ListParams),
    responses((status = 200, body = PageOf<DocumentRow>), (status = 304)), security(("bearer" = [])))]
pub(crate) async fn list(
    State(api): State<Api>,
    caller: Caller,
    headers: HeaderMap,
    Params(params): Params<ListParams>,
) -> Result<Response<Body>, Problem> {
    waiting::for_position(&api, params.min_position).await?;
    let owner = match params.scope.as_deref() {
        None | Some("user") => caller.user,
        Some("shared") => UserId::SHARED,
        Some(_) => return Err(Problem::invalid_field("scope", "It must be user or shared.")),
    };
    let query = format!("documents {} {owner}", caller.user);
    let after = params.cursor.as_deref().map(|cursor| api.cursors.read(&query, cursor)).transpose()?;
    let page = documents::list(api.store.pool(), owner, after, limit(params.limit)?).await?;
    let next_cursor = page.next.map(|place| api.cursors.write(&query, &place)).transpose()?;
    let wanted: Vec<_> = page.items.iter().map(|row| (owner, Subject::Document(row.id.uuid()))).collect();
    let keys = api.store.keyring().content_keys(&wanted).await?;
    let items = page
        .items
        .into_iter()
        .map(|row| {
            let key = keys.get(&Subject::Document(row.id.uuid()));
            row.open(key)
        })
        .collect();
    respond(&headers, keepable(&PageOf { items, next_cursor })?)
}

/// One document's row.
#[utoipa::path(get, path = "/v1/documents/{document_id}", operation_id = "get_document", tag = "Documents",
    params(("document_id" = uuid::Uuid, Path), OneParams),
    responses((status = 200, body = DocumentRow), (status = 404)), security(("bearer" = [])))]
pub(crate) async fn one(
    State(api): State<Api>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
    Params(params): Params<OneParams>,
) -> Result<Response<Body>, Problem> {
    let id: DocumentId = path_id(&id, "document_id")?;
    waiting::for_position(&api, params.min_position).await?;
    waiting::for_document(&api, caller.user, id, params.min_version).await?;
    let row = readable(&api, &caller, id).await?.ok_or_else(Problem::not_found)?;
    respond(&headers, keepable(&open(&api.store, row).await?)?)
}

/// Take a document away: its passages are not found any more, its file is deleted.
#[utoipa::path(delete, path = "/v1/documents/{document_id}", operation_id = "remove_document", tag = "Documents",
    params(("document_id" = uuid::Uuid, Path)),
    responses((status = 202, body = DocumentAccepted), (status = 403), (status = 404)), security(("bearer" = [])))]
pub(crate) async fn remove(
    State(api): State<Api>,
    Extension(trace): Extension<Trace>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<axum::response::Response, Problem> {
    let id: DocumentId = path_id(&id, "document_id")?;
    api.rates.take(caller.user)?;
    let owner = match api.store.documents().current(id.uuid()).await?.owner() {
        Some(owner) if owner == caller.user => owner,
        Some(UserId::SHARED) if caller.role == Role::Admin => UserId::SHARED,
        Some(UserId::SHARED) => return Err(Problem::admins_only()),
        _ => return Err(Problem::not_found()),
    };
    command(&api, &trace, caller.user, owner, id, DocumentCommand::Remove).await
}

/// Carries a command out and answers it.
async fn command(
    api: &Api,
    trace: &Trace,
    by: UserId,
    owner: UserId,
    id: DocumentId,
    command: DocumentCommand,
) -> Result<axum::response::Response, Problem> {
    let metadata = Metadata { owner, actor: Actor::User(by), ..metadata(owner, Some(trace)) };
    let done = api.store.documents().execute(id.uuid(), command, &metadata, None).await;
    let done = done.map_err(|error: ExecuteError<_>| Problem::from(error))?;
    api.wake.notify();
    let events = done.events.iter().map(|event| event.name().to_owned()).collect();
    Ok(accepted(id, done.aggregate.version().0, events))
}

fn accepted(document_id: DocumentId, version: u64, events: Vec<String>) -> axum::response::Response {
    let etag = [(ETAG, format!("\"{version}\""))];
    (StatusCode::ACCEPTED, etag, Json(DocumentAccepted { document_id, version, events })).into_response()
}

/// A document the caller may read, their own or everybody's.
async fn readable(api: &Api, caller: &Caller, id: DocumentId) -> Result<Option<SealedDocument>, Problem> {
    for owner in [caller.user, UserId::SHARED] {
        let found = documents::get(api.store.pool(), owner, id).await?;
        if let Some(row) = found.filter(|row| !row.is_removed()) {
            return Ok(Some(row));
        }
    }
    Ok(None)
}

async fn open(store: &Store, row: SealedDocument) -> Result<DocumentRow, StoreError> {
    let key = store.keyring().content(row.owner, Subject::Document(row.id.uuid())).await?;
    Ok(row.open(key.as_ref()))
}

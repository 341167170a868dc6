//! `/v1/documents`: documents of the caller, and shared documents.

mod add;
mod arrange;
mod change;
mod execute;
mod form;
mod list;
mod original;
mod page;
mod passage;
mod tags;

use std::sync::Arc;

use aggregates::document::{DocumentCommand, DocumentScope};
use aggregates::{DocumentId, UserId};
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Response};
use projections::ReadModel;
use projections::documents::{self, DocumentRow, SealedDocument};
use sealing::Subject;

use crate::api::caller::Reader;
use crate::api::identity::{Caller, Role};
use crate::api::limits::Limits;
use crate::api::middleware::trace::Trace;
use crate::api::problem::Problem;
use crate::api::reads::ReadModels;
use crate::api::reads::params::{ConsistencyParams, QueryParams, parse_id};
use crate::api::reads::quarantined::check;
use crate::api::reads::representation::Representation;
pub(in crate::api) use add::{__path_add, add};
pub(in crate::api) use change::{__path_change, change};
use execute::{DocumentAccepted, DocumentCommands};
pub(in crate::api) use form::BODY_LIMIT_BYTES;
#[cfg(any(test, feature = "fuzzing"))]
pub(in crate::api) use form::read_fields;
pub(in crate::api) use list::{__path_list, list, tagged};
pub(in crate::api) use original::{__path_original, original};
pub(in crate::api) use page::{__path_page, page};
pub(in crate::api) use passage::{__path_passage, passage};
use store::{Store, StoreError};
pub(in crate::api) use tags::{__path_tags, tags};

/// Get a document
#[utoipa::path(get, path = "/v1/documents/{document_id}", operation_id = "get_document", tag = "Documents",
    params(("document_id" = uuid::Uuid, Path), ConsistencyParams),
    responses((status = 200, body = DocumentRow), (status = 304)), security(("bearer" = [])))]
pub(in crate::api) async fn one(
    State(store): State<Store>,
    State(reads): State<Arc<ReadModels>>,
    Reader(caller): Reader,
    Path(id): Path<String>,
    headers: HeaderMap,
    QueryParams(params): QueryParams<ConsistencyParams>,
) -> Result<Response<Body>, Problem> {
    let id: DocumentId = parse_id(&id, "document_id")?;
    reads.wait_for_position(caller.user, params.min_position).await?;
    reads.wait_for_document(caller.user, id, params.min_version).await?;
    let row = readable(&store, &caller, id).await?;
    Representation::encode(&open(&store, row).await?)?.respond(&headers)
}

/// Remove a document
///
/// Deletes its passages and its file.
#[utoipa::path(delete, path = "/v1/documents/{document_id}", operation_id = "remove_document", tag = "Documents",
    params(("document_id" = uuid::Uuid, Path)),
    responses((status = 202, body = DocumentAccepted), (status = 403), (status = 404), (status = 409)), security(("bearer" = [])))]
pub(in crate::api) async fn remove(
    State(commands): State<DocumentCommands>,
    State(limits): State<Arc<Limits>>,
    trace: Trace,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<axum::response::Response, Problem> {
    let id: DocumentId = parse_id(&id, "document_id")?;
    limits.commands.count(&caller.user)?;
    let owner = changeable(&commands, &caller, id).await?;
    Ok(commands.execute(&trace, caller.user, owner, id, DocumentCommand::Remove).await?)
}

/// The owner of a document that the caller may change: the caller, or all for an administrator.
async fn changeable(commands: &DocumentCommands, caller: &Caller, id: DocumentId) -> Result<UserId, Problem> {
    match commands.current(id).await?.owner() {
        Some(owner) if owner == caller.user => Ok(owner),
        Some(UserId::SHARED) if caller.role == Role::Admin => Ok(UserId::SHARED),
        Some(UserId::SHARED) => Err(Problem::admins_only()),
        _ => Err(Problem::not_found()),
    }
}

fn parse_scope(name: &str) -> Result<DocumentScope, Problem> {
    name.parse().map_err(|_| Problem::invalid_field("scope", "The value must be user or shared."))
}

/// The row of a document of the caller or of a shared document.
async fn readable(store: &Store, caller: &Caller, id: DocumentId) -> Result<SealedDocument, Problem> {
    let owners = [caller.user, UserId::SHARED];
    for owner in owners {
        let row = documents::get(store.read_models(), owner, id).await?;
        if let Some(row) = row.filter(|row| !row.is_removed()) {
            return Ok(row);
        }
    }
    for owner in owners {
        check(store, owner, id.uuid(), &[ReadModel::Documents]).await?;
    }
    Err(Problem::not_found())
}

/// Decrypts a row.
pub(in crate::api) async fn open(store: &Store, row: SealedDocument) -> Result<DocumentRow, StoreError> {
    let key = store.keyring().content(row.owner, Subject::Document(row.id.uuid())).await?;
    Ok(row.open(key.as_ref()))
}

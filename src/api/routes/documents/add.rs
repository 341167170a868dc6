//! `POST /v1/documents`: stores a file and adds it as a document.

use std::sync::Arc;

use aggregates::document::{DocumentCommand, DocumentScope};
use aggregates::{DocumentId, UserId};
use axum::extract::multipart::MultipartRejection;
use axum::extract::{Multipart, State};
use axum::response::Response;
use projections::documents;
use rag::extract::MediaType;
use uuid::Uuid;

use super::execute::{DocumentAccepted, DocumentCommands};
use super::form::{DocumentForm, ReceivedForm};
use crate::api::identity::Caller;
use crate::api::limits::Limits;
use crate::api::middleware::trace::Trace;
use crate::api::problem::Problem;
use crate::api::state::Knowledge;
use crate::knowledge::files::Kept;
use store::StoreError;

/// Add a document
///
/// Adds a document or a new version of it. A file with the content of an existing document has no effect.
#[utoipa::path(post, path = "/v1/documents", operation_id = "add_document", tag = "Documents",
    request_body(content = DocumentForm, content_type = "multipart/form-data"),
    responses((status = 202, body = DocumentAccepted), (status = 403), (status = 413), (status = 415), (status = 422),
              (status = 404), (status = 409)),
    security(("bearer" = [])))]
pub(in crate::api) async fn add(
    State(commands): State<DocumentCommands>,
    State(knowledge): State<Knowledge>,
    State(limits): State<Arc<Limits>>,
    trace: Trace,
    caller: Caller,
    form: Result<Multipart, MultipartRejection>,
) -> Result<Response, Problem> {
    limits.commands.count(&caller.user)?;
    let _permit = limits.uploads.take(caller.user)?;
    let mut multipart = form
        .map_err(|_| Problem::malformed("The body must be multipart/form-data with a field named file."))?;
    let mut form = ReceivedForm::new();
    let read = form.read(&knowledge.files, &caller, &mut multipart).await;
    let Some((file, media_type)) = form.file.take() else {
        read?;
        return Err(Problem::invalid_field("file", "The form must have a file."));
    };
    let added = match read {
        Ok(()) => add_file(&commands, &trace, caller.user, &form, &file, media_type).await,
        Err(problem) => Err(problem),
    };
    file.discard().await;
    added
}

async fn add_file(
    commands: &DocumentCommands,
    trace: &Trace,
    caller: UserId,
    form: &ReceivedForm,
    file: &Kept,
    media_type: MediaType,
) -> Result<Response, Problem> {
    let store = &commands.store;
    let title = form.title()?;
    let owner = match form.scope {
        DocumentScope::User => caller,
        DocumentScope::Shared => {
            commands.open_shared_account(trace, caller).await?;
            UserId::SHARED
        }
    };
    if let Some((id, version)) = documents::find_by_sha256(store.read_models(), owner, &file.sha256).await? {
        let is_new = match form.document_id {
            Some(wanted) => wanted != id && commands.current(wanted).await?.status().is_some(),
            None => false,
        };
        if !is_new {
            return Ok(DocumentAccepted::unchanged(id, version.0));
        }
    }
    let id = form.document_id.unwrap_or_else(|| DocumentId::new(Uuid::now_v7()));
    let current = commands.current(id).await?;
    if current.owner().is_some_and(|other| other != owner) {
        return Err(Problem::not_found());
    }
    let key = store.keyring().user(owner).await?.ok_or(StoreError::KeyDestroyed)?;
    if current.sha256() != Some(file.sha256.as_str()) {
        file.become_document(owner, &key, id.uuid()).await?;
    }
    let add = DocumentCommand::Add {
        owner,
        scope: form.scope,
        media_type: media_type.name().to_owned(),
        size: file.size,
        sha256: file.sha256.clone(),
        title,
    };
    commands.execute(trace, caller, owner, id, add).await
}

//! `POST /v1/documents`: stores a file and adds it as a document.

use std::sync::Arc;
use std::time::Duration;

use aggregates::document::{Document, DocumentCommand, DocumentScope, DocumentStatus};
use aggregates::{DocumentId, UserId};
use axum::extract::multipart::MultipartRejection;
use axum::extract::{Multipart, State};
use axum::response::Response;
use projections::documents;
use rag::error_chain::ErrorChain;
use rag::extract::MediaType;
use uuid::Uuid;

use super::execute::{DocumentAccepted, DocumentCommands};
use super::form::{DocumentForm, ReceivedForm, invalid_document_id};
use crate::api::identity::Caller;
use crate::api::limits::Limits;
use crate::api::middleware::trace::Trace;
use crate::api::problem::Problem;
use crate::api::state::Knowledge;
use crate::knowledge::files::{FileVersion, Files, Kept};
use store::{ExecuteError, Lease, StoreError};

/// Ids that follow from the same content of an owner. Each costs one query while its document is removed.
const MAX_DERIVED_IDS: usize = 8;
/// Time that the addition of a document takes at most.
const LEASE: Duration = Duration::from_secs(30);
/// Interval between attempts to add a document that another request adds.
const HELD: Duration = Duration::from_millis(50);

/// Add a document
///
/// Adds a document or a new version of it. A file with the content of an existing document has no effect, but
/// for its tags.
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
    let stored = documents::stored(commands.store.read_models(), caller.user).await?;
    limits.queued_documents.check(stored.queued, 1)?;
    limits.document_bytes.check(stored.bytes, 1)?;
    let mut form = ReceivedForm::new();
    let read = form.read(&knowledge.files, &caller, &mut multipart).await;
    let Some((mut file, media_type)) = form.file.take() else {
        read?;
        return Err(Problem::invalid_field("file", "The form must have a file."));
    };
    let added = match read {
        Ok(()) => {
            let adding =
                Adding { commands: &commands, files: &knowledge.files, limits: &limits, trace: &trace };
            adding.add_file(caller.user, &form, &mut file, media_type).await
        }
        Err(problem) => Err(problem),
    };
    file.discard().await;
    added
}

/// State for adding a received file.
struct Adding<'a> {
    commands: &'a DocumentCommands,
    files: &'a Files,
    limits: &'a Limits,
    trace: &'a Trace,
}

impl Adding<'_> {
    async fn add_file(
        &self,
        caller: UserId,
        form: &ReceivedForm,
        file: &mut Kept,
        media_type: MediaType,
    ) -> Result<Response, Problem> {
        let Self { commands, trace, .. } = *self;
        form.title()?;
        let owner = match form.scope {
            DocumentScope::User => caller,
            DocumentScope::Shared => {
                commands.open_shared_account(trace, caller).await?;
                UserId::SHARED
            }
        };
        if let Some((same, version)) = self.same_content(owner, form, &file.sha256).await? {
            if form.tags.as_slice().is_empty() {
                return Ok(DocumentAccepted::unchanged(same, version));
            }
            let tag = DocumentCommand::Tag(form.tags.clone());
            return Ok(commands.execute(trace, caller, owner, same, tag).await?);
        }
        let (id, current) = self.place(owner, form, &file.sha256).await?;
        if current.sha256() == Some(file.sha256.as_str()) {
            return self.add_version(caller, owner, form, (id, current), file, media_type).await;
        }
        if current.status().is_none() && form.document_id.is_some_and(|id| id.uuid().get_version_num() != 7) {
            return Err(invalid_document_id());
        }
        // Two requests that store the same content of a document would mix its body and its key.
        let lease = self.lease(id, &file.sha256).await?;
        let added = match commands.stored(id).await {
            Ok(now) => self.add_version(caller, owner, form, (id, now), file, media_type).await,
            Err(error) => Err(error.into()),
        };
        if let Some(lease) = lease
            && let Err(error) = commands.store.end_lease(&lease).await
        {
            tracing::debug!(error = %ErrorChain(&error), "a document could not be released");
        }
        added
    }

    async fn add_version(
        &self,
        caller: UserId,
        owner: UserId,
        form: &ReceivedForm,
        (id, current): (DocumentId, Document),
        file: &mut Kept,
        media_type: MediaType,
    ) -> Result<Response, Problem> {
        let Self { commands, trace, .. } = *self;
        let (store, title) = (&commands.store, form.title()?);
        if current.owner().is_some_and(|other| other != owner) {
            return Err(Problem::not_found());
        }
        self.check_limits(owner, current.status().is_none(), file.size).await?;
        let key = store.keyring().user(owner).await?.ok_or(StoreError::KeyDestroyed)?;
        let is_stored = current.sha256() != Some(file.sha256.as_str());
        if is_stored {
            file.become_document(owner, &key, id.uuid()).await?;
        }
        let add = DocumentCommand::Add {
            owner,
            scope: form.scope,
            media_type: media_type.name().to_owned(),
            size: file.size,
            sha256: file.sha256.clone(),
            title,
            tags: form.tags.clone(),
        };
        match commands.execute(trace, caller, owner, id, add).await {
            Err(ExecuteError::Refused(refused)) => {
                if is_stored {
                    self.discard_version(FileVersion {
                        owner,
                        document: id.uuid(),
                        sha256: file.sha256.clone(),
                    })
                    .await;
                }
                Err(refused.into())
            }
            executed => Ok(executed?),
        }
    }

    /// Waits until no other request adds this content to the document; `None` if one has added it. The lease
    /// has an id of its own: the document's own lease belongs to its indexing.
    async fn lease(&self, id: DocumentId, sha256: &str) -> Result<Option<Lease>, Problem> {
        let content = DocumentId::new(Uuid::new_v5(&id.uuid(), sha256.as_bytes()));
        let waiting = async {
            loop {
                let lease = self.commands.store.lease_document(content, LEASE).await?;
                if lease.is_some() || self.commands.stored(id).await?.sha256() == Some(sha256) {
                    return Ok::<_, StoreError>(lease);
                }
                tokio::time::sleep(HELD).await;
            }
        };
        let lease = tokio::time::timeout(LEASE, waiting).await;
        Ok(lease
            .map_err(|_| Problem::unavailable("The same document is being added. Nothing was written."))??)
    }

    /// The id of the document, and its state. Without an id of the client it follows from the owner and the
    /// content, so that the same file sent twice at once is one document. A removed document is followed by a
    /// new id, which follows from nothing after [`MAX_DERIVED_IDS`].
    async fn place(
        &self,
        owner: UserId,
        form: &ReceivedForm,
        sha256: &str,
    ) -> Result<(DocumentId, Document), StoreError> {
        if let Some(id) = form.document_id {
            return Ok((id, self.commands.current(id).await?));
        }
        let mut name = format!("{sha256}\0");
        for _ in 0..MAX_DERIVED_IDS {
            let id = DocumentId::new(Uuid::new_v5(&owner.uuid(), name.as_bytes()));
            let current = self.commands.current(id).await?;
            let is_other = current.sha256().is_some_and(|current| current != sha256);
            if current.status() != Some(DocumentStatus::Removed) && !is_other {
                return Ok((id, current));
            }
            name.push('\0');
        }
        Ok((DocumentId::new(Uuid::now_v7()), Document::default()))
    }

    /// The document with the same content, and its version.
    async fn same_content(
        &self,
        owner: UserId,
        form: &ReceivedForm,
        sha256: &str,
    ) -> Result<Option<(DocumentId, u64)>, Problem> {
        let read_models = self.commands.store.read_models();
        let Some((id, version)) = documents::find_by_sha256(read_models, owner, sha256).await? else {
            return Ok(None);
        };
        let is_new = match form.document_id {
            Some(wanted) => wanted != id && self.commands.current(wanted).await?.status().is_some(),
            None => false,
        };
        Ok((!is_new).then_some((id, version.0)))
    }

    /// Shared documents, which administrators add, have no limits.
    async fn check_limits(&self, owner: UserId, is_new: bool, size: u64) -> Result<(), Problem> {
        if owner == UserId::SHARED {
            return Ok(());
        }
        let stored = documents::stored(self.commands.store.read_models(), owner).await?;
        self.limits.documents.check(stored.documents, u64::from(is_new))?;
        self.limits.document_bytes.check(stored.bytes, size)?;
        Ok(())
    }

    /// Deletes the stored file of a refused command. After a failure the daily sweep deletes it.
    async fn discard_version(&self, version: FileVersion) {
        if let Err(error) = self.files.delete_version(&version).await {
            tracing::warn!(error = %ErrorChain(&error), "the file of a refused document could not be deleted");
        }
    }
}

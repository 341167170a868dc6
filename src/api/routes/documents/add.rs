//! `POST /v1/documents`: takes a file in, piece by piece, and makes it a document.

use aggregates::account::AccountCommand;
use aggregates::document::{DocumentCommand, DocumentScope};
use aggregates::{Actor, DocumentId, Metadata, UserId};
use axum::Extension;
use axum::extract::multipart::{Field, MultipartError, MultipartRejection};
use axum::extract::{Multipart, State};
use axum::http::StatusCode;
use axum::response::Response;
use projections::documents;
use rag::extract::{MediaType, Sniffer};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{DocumentAccepted, accepted, command};
use crate::api::Api;
use crate::api::caller::metadata;
use crate::api::identity::{Caller, Role};
use crate::api::middleware::layers::Trace;
use crate::api::problem::Problem;
use crate::knowledge::files::Kept;
use store::StoreError;

/// The largest file.
const FILE_LIMIT: u64 = 50 << 20;
/// The largest form: the file and the fields around it.
pub(crate) const BODY_LIMIT: usize = (50 << 20) + (64 << 10);
/// The longest title, in characters, and the largest field besides the file, in bytes.
const TITLE_LIMIT: usize = 200;
const FIELD_LIMIT: usize = 4_096;

/// The form.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it describes the form; the form is read field by field")]
pub(crate) struct DocumentForm {
    /// Markdown, plain text, HTML, PDF or Word, up to 50 MiB.
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
    /// What it is called; by default as its file.
    title: Option<String>,
    /// `user` (default) or, for admins, `shared`.
    scope: Option<String>,
    /// Made by the client, as `UUIDv7`; a document that is there already gets a new version.
    document_id: Option<Uuid>,
}

/// The fields as they came.
#[derive(Default)]
struct Form {
    file: Option<(Kept, MediaType)>,
    name: String,
    title: Option<String>,
    shared: bool,
    document_id: Option<DocumentId>,
}

/// Add a document, or a new version of one.
#[utoipa::path(post, path = "/v1/documents", operation_id = "add_document", tag = "Documents",
    request_body(content = DocumentForm, content_type = "multipart/form-data"),
    responses((status = 202, body = DocumentAccepted), (status = 403), (status = 413), (status = 415), (status = 422)),
    security(("bearer" = [])))]
pub(crate) async fn add(
    State(api): State<Api>,
    Extension(trace): Extension<Trace>,
    caller: Caller,
    form: Result<Multipart, MultipartRejection>,
) -> Result<Response, Problem> {
    api.rates.take(caller.user)?;
    let mut multipart =
        form.map_err(|_| Problem::malformed("Send multipart/form-data with a field file."))?;
    let mut form = Form::default();
    let read = read(&api, &caller, &mut multipart, &mut form).await;
    let Some((kept, media_type)) = form.file.take() else {
        read?;
        return Err(Problem::invalid_field("file", "Send a file."));
    };
    let added = match read {
        Ok(()) => keep(&api, &trace, &caller, &form, &kept, media_type).await,
        Err(problem) => Err(problem),
    };
    kept.discard().await;
    added
}

async fn read(api: &Api, caller: &Caller, multipart: &mut Multipart, form: &mut Form) -> Result<(), Problem> {
    while let Some(field) = multipart.next_field().await.map_err(|error| broken(&error))? {
        match field.name().unwrap_or_default() {
            "file" if form.file.is_some() => {
                return Err(Problem::invalid_field("file", "Send one file at a time."));
            }
            "file" => {
                field.file_name().unwrap_or_default().clone_into(&mut form.name);
                form.file = Some(take_in(api, caller, field, &form.name).await?);
            }
            "title" => form.title = Some(text(field, "title").await?),
            "scope" => match text(field, "scope").await?.as_str() {
                "" | "user" => form.shared = false,
                "shared" if caller.role == Role::Admin => form.shared = true,
                "shared" => return Err(Problem::admins_only()),
                _ => return Err(Problem::invalid_field("scope", "It must be user or shared.")),
            },
            "document_id" => {
                let id: Uuid = text(field, "document_id").await?.parse().map_err(|_| not_a_v7())?;
                if id.get_version_num() != 7 {
                    return Err(not_a_v7());
                }
                form.document_id = Some(DocumentId::new(id));
            }
            _ => {}
        }
    }
    Ok(())
}

fn not_a_v7() -> Problem {
    Problem::invalid_field("document_id", "It must be a UUIDv7.")
}

async fn take_in(
    api: &Api,
    caller: &Caller,
    mut field: Field<'_>,
    name: &str,
) -> Result<(Kept, MediaType), Problem> {
    let mut upload = api.knowledge.files.begin(caller.user)?;
    let mut sniffer = Sniffer::default();
    while let Some(bytes) = field.chunk().await.map_err(|error| broken(&error))? {
        if upload.size() + bytes.len() as u64 > FILE_LIMIT {
            return Err(too_large());
        }
        sniffer.update(&bytes);
        upload.write(&bytes).await?;
    }
    if upload.size() == 0 {
        return Err(Problem::invalid_field("file", "The file is empty."));
    }
    let Some(media_type) = sniffer.media_type(name) else {
        return Err(Problem::unsupported_file());
    };
    Ok((upload.finish().await?, media_type))
}

async fn text(mut field: Field<'_>, name: &'static str) -> Result<String, Problem> {
    let mut bytes = Vec::new();
    while let Some(chunk) = field.chunk().await.map_err(|error| broken(&error))? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > FIELD_LIMIT {
            return Err(Problem::invalid_field(name, "It is too long."));
        }
    }
    let text = String::from_utf8(bytes).map_err(|_| Problem::invalid_field(name, "It must be UTF-8."))?;
    Ok(text.trim().to_owned())
}

fn too_large() -> Problem {
    Problem::too_large(usize::try_from(FILE_LIMIT).unwrap_or(usize::MAX))
}

fn broken(error: &MultipartError) -> Problem {
    match error.status() {
        StatusCode::PAYLOAD_TOO_LARGE => too_large(),
        _ => Problem::malformed("The form broke off."),
    }
}

async fn keep(
    api: &Api,
    trace: &Trace,
    caller: &Caller,
    form: &Form,
    kept: &Kept,
    media_type: MediaType,
) -> Result<Response, Problem> {
    let owner = if form.shared { UserId::SHARED } else { caller.user };
    let title = title(form)?;
    if form.shared {
        open_shared_account(api, trace, caller.user).await?;
    }
    let same = documents::find_by_sha256(api.store.pool(), owner, &kept.sha256).await?;
    if let Some((id, version)) = same.filter(|(id, _)| form.document_id.is_none_or(|wanted| wanted == *id)) {
        return Ok(accepted(id, version.0, Vec::new()));
    }
    if let Some((id, version)) = same
        && let Some(wanted) = form.document_id
        && api.store.documents().current(wanted.uuid()).await?.status().is_none()
    {
        return Ok(accepted(id, version.0, Vec::new()));
    }
    let id = form.document_id.unwrap_or_else(|| DocumentId::new(Uuid::now_v7()));
    let known = api.store.documents().current(id.uuid()).await?;
    if known.owner().is_some_and(|other| other != owner) {
        return Err(Problem::not_found());
    }
    let key = api.store.keyring().user(owner).await?.ok_or(StoreError::KeyDestroyed)?;
    if known.sha256() != Some(kept.sha256.as_str()) {
        kept.become_document(owner, &key, id.uuid()).await?;
    }
    let add = DocumentCommand::Add {
        owner,
        scope: if form.shared { DocumentScope::Shared } else { DocumentScope::User },
        media_type: media_type.name().to_owned(),
        size: kept.size,
        sha256: kept.sha256.clone(),
        title,
    };
    command(api, trace, caller.user, owner, id, add).await
}

/// The title given, or else the file's name without its ending.
fn title(form: &Form) -> Result<String, Problem> {
    match &form.title {
        Some(title) if title.chars().count() > TITLE_LIMIT => {
            Err(Problem::invalid_field("title", "It must be 1 to 200 characters."))
        }
        Some(title) if !title.is_empty() => Ok(title.clone()),
        _ => {
            let name = form.name.rsplit(['/', '\\']).next().unwrap_or_default();
            let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem).trim();
            let stem: String = stem.chars().take(TITLE_LIMIT).collect();
            Ok(if stem.is_empty() { "Document".to_owned() } else { stem })
        }
    }
}

/// Shared documents have keys, and those a key above them, like anybody's.
async fn open_shared_account(api: &Api, trace: &Trace, by: UserId) -> Result<(), Problem> {
    if api.store.keyring().user(UserId::SHARED).await?.is_none() {
        let metadata = Metadata { actor: Actor::User(by), ..metadata(UserId::SHARED, Some(trace)) };
        let open = (UserId::SHARED, AccountCommand::Open);
        let opened = api.store.accounts().execute(UserId::SHARED.uuid(), open, &metadata, None).await;
        opened.map_err(|_| Problem::unavailable("The store cannot be reached. Nothing was written."))?;
    }
    Ok(())
}

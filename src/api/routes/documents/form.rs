//! The form of a document: read field by field, the file in chunks.

use aggregates::document::DocumentScope;
use aggregates::{DocumentId, Tags};
use axum::extract::Multipart;
use axum::extract::multipart::{Field, MultipartError};
use axum::http::StatusCode;
use rag::extract::{MediaType, Sniffer};
use utoipa::ToSchema;
use uuid::Uuid;

use super::parse_scope;
use crate::api::identity::{Caller, Role};
use crate::api::problem::Problem;
use crate::knowledge::files::{Files, Kept};

const MAX_FILE_BYTES: u64 = 50 << 20;
/// Largest form: the file and the other fields.
pub(in crate::api) const BODY_LIMIT_BYTES: usize = (50 << 20) + (64 << 10);
const MAX_TITLE_CHARACTERS: usize = 200;
/// Largest field beside the file.
const MAX_FIELD_BYTES: usize = 4_096;
/// Title of a document whose file has no name.
const DEFAULT_TITLE: &str = "Document";

/// Form of `POST /v1/documents`.
#[derive(ToSchema)]
#[expect(dead_code, reason = "schema of the form, whose file is never in memory as a whole")]
pub(in crate::api) struct DocumentForm {
    /// PDF, Word, Excel, PowerPoint, OpenDocument, RTF, HTML, Markdown, text, CSV, JSON, EPUB, mail (EML,
    /// MSG), ZIP archives of these, or a picture of text, up to 50 MiB.
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
    /// Title; by default the name of the file without its extension.
    #[schema(max_length = 200)]
    title: Option<String>,
    /// Up to 20 tags of up to 50 characters each, separated by commas. They replace those of
    /// an existing document.
    tags: Option<String>,
    /// `user` (default), or `shared` with the role admin.
    scope: Option<DocumentScope>,
    /// Made by the client, as `UUIDv7`. An existing document gets a new version.
    #[schema(pattern = "^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-7[0-9a-fA-F]{3}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$")]
    document_id: Option<Uuid>,
}

/// The fields received so far.
pub(super) struct ReceivedForm {
    pub(super) file: Option<(Kept, MediaType)>,
    pub(super) scope: DocumentScope,
    pub(super) document_id: Option<DocumentId>,
    pub(super) tags: Tags,
    file_name: String,
    title: Option<String>,
}

impl ReceivedForm {
    pub(super) fn new() -> Self {
        Self {
            file: None,
            scope: DocumentScope::User,
            document_id: None,
            tags: Tags::default(),
            file_name: String::new(),
            title: None,
        }
    }

    /// Reads all fields. After a problem the fields before it are still there.
    pub(super) async fn read(
        &mut self,
        files: &Files,
        caller: &Caller,
        multipart: &mut Multipart,
    ) -> Result<(), Problem> {
        while let Some(field) = multipart.next_field().await.map_err(|error| incomplete(&error))? {
            match field.name().unwrap_or_default() {
                "file" if self.file.is_some() => {
                    return Err(Problem::invalid_field("file", "The form must have one file."));
                }
                "file" => {
                    field.file_name().unwrap_or_default().clone_into(&mut self.file_name);
                    self.file = Some(receive_file(files, caller, field, &self.file_name).await?);
                }
                "title" => self.title = Some(text(field, "title").await?),
                "tags" => self.tags = tags(&text(field, "tags").await?)?,
                "scope" => match text(field, "scope").await?.as_str() {
                    "" => self.scope = DocumentScope::User,
                    name => self.scope = permitted_scope(name, caller.role)?,
                },
                "document_id" => self.document_id = Some(document_id(&text(field, "document_id").await?)?),
                _ => {}
            }
        }
        Ok(())
    }

    /// The title, or else the name of the file without its extension.
    pub(super) fn title(&self) -> Result<String, Problem> {
        match &self.title {
            Some(title) if title.chars().count() > MAX_TITLE_CHARACTERS => {
                Err(Problem::invalid_field("title", "The value must be 1 to 200 characters."))
            }
            Some(title) if !title.is_empty() => Ok(title.clone()),
            _ => {
                let name = self.file_name.rsplit(['/', '\\']).next().unwrap_or_default();
                let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem).trim();
                let stem: String = stem.chars().take(MAX_TITLE_CHARACTERS).collect();
                Ok(if stem.is_empty() { DEFAULT_TITLE.to_owned() } else { stem })
            }
        }
    }
}

fn permitted_scope(name: &str, role: Role) -> Result<DocumentScope, Problem> {
    match (parse_scope(name)?, role) {
        (DocumentScope::Shared, Role::User | Role::Auditor) => Err(Problem::admins_only()),
        (scope, _) => Ok(scope),
    }
}

fn tags(text: &str) -> Result<Tags, Problem> {
    let tags: Vec<&str> = text.split(',').map(str::trim).filter(|tag| !tag.is_empty()).collect();
    Tags::parse(&tags).map_err(|_| {
        Problem::invalid_field("tags", "The value must be up to 20 tags of up to 50 characters each.")
    })
}

/// Clients make ids of version 7; the service derives those of version 5 from the content.
fn document_id(text: &str) -> Result<DocumentId, Problem> {
    let id = text.parse().ok().filter(|id: &Uuid| matches!(id.get_version_num(), 5 | 7));
    id.map(DocumentId::new).ok_or_else(invalid_document_id)
}

/// The id of the form cannot be that of a new document.
pub(super) fn invalid_document_id() -> Problem {
    Problem::invalid_field("document_id", "The value must be a UUIDv7.")
}

async fn receive_file(
    files: &Files,
    caller: &Caller,
    mut field: Field<'_>,
    name: &str,
) -> Result<(Kept, MediaType), Problem> {
    let mut upload = files.begin(caller.user).await?;
    let mut sniffer = Sniffer::default();
    while let Some(bytes) = field.chunk().await.map_err(|error| incomplete(&error))? {
        if upload.size() + bytes.len() as u64 > MAX_FILE_BYTES {
            return Err(file_too_large());
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
    while let Some(chunk) = field.chunk().await.map_err(|error| incomplete(&error))? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > MAX_FIELD_BYTES {
            return Err(Problem::invalid_field(name, "The value must be at most 4,096 bytes."));
        }
    }
    let text = String::from_utf8(bytes)
        .map_err(|_| Problem::invalid_field(name, "The value must be valid UTF-8."))?;
    Ok(text.trim().to_owned())
}

fn file_too_large() -> Problem {
    Problem::too_large(usize::try_from(MAX_FILE_BYTES).unwrap_or(usize::MAX))
}

fn incomplete(error: &MultipartError) -> Problem {
    match error.status() {
        StatusCode::PAYLOAD_TOO_LARGE => file_too_large(),
        _ => Problem::malformed("The form is not complete."),
    }
}

/// Reads all fields as an upload does, without storing the file.
#[cfg(any(test, feature = "fuzzing"))]
pub(in crate::api) async fn read_fields(mut multipart: Multipart) {
    let mut form = ReceivedForm::new();
    while let Ok(Some(mut field)) = multipart.next_field().await {
        match field.name().unwrap_or_default() {
            "file" => {
                field.file_name().unwrap_or_default().clone_into(&mut form.file_name);
                let mut sniffer = Sniffer::default();
                while let Ok(Some(bytes)) = field.chunk().await {
                    sniffer.update(&bytes);
                }
                let _ = sniffer.media_type(&form.file_name);
            }
            "title" => form.title = text(field, "title").await.ok(),
            "tags" => {
                form.tags = text(field, "tags").await.and_then(|text| tags(&text)).unwrap_or_default();
            }
            "scope" => {
                let scope = text(field, "scope").await.and_then(|name| permitted_scope(&name, Role::User));
                form.scope = scope.unwrap_or(DocumentScope::User);
            }
            _ => form.document_id = text(field, "document_id").await.and_then(|id| document_id(&id)).ok(),
        }
    }
    let _ = form.title();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn title(file_name: &str, title: Option<&str>) -> Option<String> {
        let form = ReceivedForm {
            file_name: file_name.to_owned(),
            title: title.map(str::to_owned),
            ..ReceivedForm::new()
        };
        form.title().ok()
    }

    #[test]
    fn a_document_without_a_title_has_the_name_of_its_file() {
        assert_eq!(title("C:\\papers\\On lamps.v2.pdf", None).unwrap(), "On lamps.v2");
        assert_eq!(title("", Some("")).unwrap(), DEFAULT_TITLE);
        assert_eq!(title("a.md", Some("Lamps")).unwrap(), "Lamps");
        assert_eq!(title("a.md", Some(&"x".repeat(201))), None);
    }

    #[test]
    fn tags_are_separated_by_commas() {
        assert_eq!(tags(" Work, , tax 2026,Work").unwrap().as_slice(), ["Work", "tax 2026"]);
        assert!(tags(",").unwrap().as_slice().is_empty());
        assert!(tags(&"x".repeat(51)).is_err());
    }

    #[test]
    fn only_admins_add_shared_documents() {
        assert_eq!(permitted_scope("shared", Role::Admin).unwrap(), DocumentScope::Shared);
        assert!(permitted_scope("shared", Role::Auditor).is_err());
        assert_eq!(permitted_scope("user", Role::User).unwrap(), DocumentScope::User);
        assert!(permitted_scope("everybody", Role::Admin).is_err());
    }
}

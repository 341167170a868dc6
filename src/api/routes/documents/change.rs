//! `POST /v1/documents/{id}/commands`: tags a document, or has it indexed again.

use std::sync::Arc;

use aggregates::document::DocumentCommand;
use aggregates::{DocumentId, Tags};
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::response::Response;
use projections::documents;
use serde::Deserialize;
use utoipa::ToSchema;

use super::execute::{DocumentAccepted, DocumentCommands};
use super::{changeable, open};
use crate::api::caller::Reader;
use crate::api::limits::Limits;
use crate::api::middleware::trace::Trace;
use crate::api::problem::Problem;
use crate::api::reads::params::parse_id;
use crate::api::routes::commands::{parse_fields, parse_object};

/// A command on a document.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
#[schema(as = DocumentCommand)]
pub(in crate::api) enum DocumentChange {
    /// Replaces the tags.
    Tag {
        /// Up to 20 tags of up to 50 characters each.
        tags: Tags,
    },
    /// Reads and indexes the file again. Until then, answers use its passages as they are.
    Reindex,
}

/// The fields of `tag`.
#[derive(Deserialize)]
struct TagFields {
    tags: Tags,
}

impl DocumentChange {
    /// Parses a body. The problem names the field that is not valid.
    fn parse(body: &[u8]) -> Result<Self, Problem> {
        let mut fields = parse_object(body)?;
        match fields.remove("type").as_ref().and_then(|name| name.as_str()) {
            Some("tag") => parse_fields(fields).map(|TagFields { tags }| Self::Tag { tags }),
            Some("reindex") => Ok(Self::Reindex),
            _ => Err(Problem::invalid_field("type", "The value must be tag or reindex.")),
        }
    }
}

/// Change a document
///
/// Replaces its tags, or has its file read and indexed again. A document that waits for the index stays
/// as it is.
#[utoipa::path(post, path = "/v1/documents/{document_id}/commands", operation_id = "change_document", tag = "Documents",
    params(("document_id" = uuid::Uuid, Path)), request_body = DocumentChange,
    responses((status = 202, body = DocumentAccepted), (status = 403), (status = 404), (status = 409), (status = 413), (status = 422)),
    security(("bearer" = [])))]
pub(in crate::api) async fn change(
    State(commands): State<DocumentCommands>,
    State(limits): State<Arc<Limits>>,
    trace: Trace,
    Reader(caller): Reader,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<Response, Problem> {
    let id: DocumentId = parse_id(&id, "document_id")?;
    limits.commands.count(&caller.user)?;
    let change = DocumentChange::parse(&body)?;
    let owner = changeable(&commands, &caller, id).await?;
    let command = match change {
        DocumentChange::Tag { tags } => DocumentCommand::Tag(tags),
        DocumentChange::Reindex => {
            let stored = documents::stored(commands.store.read_models(), caller.user).await?;
            limits.queued_documents.check(stored.queued, u64::from(owner == caller.user))?;
            let row = documents::get(commands.store.read_models(), owner, id).await?;
            let row = row.filter(|row| !row.is_removed()).ok_or_else(Problem::not_found)?;
            let row = open(&commands.store, row).await?;
            let size = u64::try_from(row.size).unwrap_or(0);
            DocumentCommand::Reindex { scope: row.scope, media_type: row.media_type, size, title: row.title }
        }
    };
    Ok(commands.execute(&trace, caller.user, owner, id, command).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_known_by_its_type() {
        let parse = |body: &str| DocumentChange::parse(body.as_bytes()).ok();
        let tags = Tags::parse(&["ferries"]).unwrap();
        assert_eq!(parse(r#"{"type":"tag","tags":["ferries"]}"#), Some(DocumentChange::Tag { tags }));
        assert_eq!(parse(r#"{"type":"reindex"}"#), Some(DocumentChange::Reindex));
        for invalid in [r#"{"type":"tag"}"#, r#"{"type":"tag","tags":"a"}"#, "{}", "[]"] {
            assert_eq!(parse(invalid), None, "{invalid}");
        }
    }
}

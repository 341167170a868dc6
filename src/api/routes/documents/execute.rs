//! Execution of commands on documents, with a notification of the sequencer.

use aggregates::account::AccountCommand;
use aggregates::document::{Document, DocumentCommand, DocumentRefused};
use aggregates::{Actor, DocumentId, Metadata, UserId};
use axum::Json;
use axum::extract::FromRef;
use axum::http::StatusCode;
use axum::http::header::ETAG;
use axum::response::{IntoResponse as _, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::ApiState;
use crate::api::caller::command_metadata;
use crate::api::middleware::trace::Trace;
use crate::api::problem::Problem;
use crate::runtime::wake::SequencerWake;
use store::{ExecuteError, Store, StoreError};

/// The result of a command on a document, sent when its events are durable.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct DocumentAccepted {
    /// Id of the document.
    #[schema(value_type = uuid::Uuid)]
    pub(super) document_id: DocumentId,
    /// Version of the document after the command.
    pub(super) version: u64,
    /// Types of the command's events; empty if the command changed nothing.
    pub(super) events: Vec<String>,
}

impl DocumentAccepted {
    /// The response to a command that changed nothing.
    pub(super) fn unchanged(document_id: DocumentId, version: u64) -> Response {
        Self { document_id, version, events: Vec::new() }.respond()
    }

    fn respond(self) -> Response {
        let etag = [(ETAG, format!("\"{}\"", self.version))];
        (StatusCode::ACCEPTED, etag, Json(self)).into_response()
    }
}

/// Executes commands on documents.
#[derive(Debug, Clone)]
pub(in crate::api) struct DocumentCommands {
    pub(super) store: Store,
    wake: SequencerWake,
}

impl FromRef<ApiState> for DocumentCommands {
    fn from_ref(state: &ApiState) -> Self {
        Self { store: Store::from_ref(state), wake: SequencerWake::from_ref(state) }
    }
}

impl DocumentCommands {
    /// The current state of a document, read from its events.
    pub(super) async fn current(&self, id: DocumentId) -> Result<Document, StoreError> {
        self.store.documents().current(id.uuid()).await
    }

    /// The state of a document as stored, not as cached.
    pub(super) async fn stored(&self, id: DocumentId) -> Result<Document, StoreError> {
        self.store.documents().latest(id.uuid()).await
    }

    /// Executes a command of the user `by` on a document of `owner`.
    pub(super) async fn execute(
        &self,
        trace: &Trace,
        by: UserId,
        owner: UserId,
        id: DocumentId,
        command: DocumentCommand,
    ) -> Result<Response, ExecuteError<DocumentRefused>> {
        let metadata = metadata(trace, by, owner);
        let executed = self.store.documents().execute(id.uuid(), command, &metadata, None).await?;
        self.wake.notify();
        let events = executed.events.iter().map(|event| event.name().to_owned()).collect();
        let version = executed.aggregate.version().0;
        Ok(DocumentAccepted { document_id: id, version, events }.respond())
    }

    /// Opens the account that owns shared documents: their keys need the key of an owner.
    pub(super) async fn open_shared_account(&self, trace: &Trace, by: UserId) -> Result<(), Problem> {
        if self.store.keyring().user(UserId::SHARED).await?.is_none() {
            let metadata = metadata(trace, by, UserId::SHARED);
            let open = (UserId::SHARED, AccountCommand::Open);
            let opened = self.store.accounts().execute(UserId::SHARED.uuid(), open, &metadata, None).await;
            opened.map_err(|_| Problem::unavailable("The store cannot be reached. Nothing was written."))?;
        }
        Ok(())
    }
}

fn metadata(trace: &Trace, by: UserId, owner: UserId) -> Metadata {
    Metadata { actor: Actor::User(by), ..command_metadata(owner, trace) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::snapshots::{assert_json, id};

    #[test]
    fn the_response_matches_its_snapshot() {
        let events = vec!["DocumentAdded".to_owned()];
        let accepted = DocumentAccepted { document_id: DocumentId::new(id(9)), version: 1, events };
        assert_json("document_accepted", &accepted);
    }
}

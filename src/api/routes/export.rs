//! `GET /v1/me/export`: everything that is kept about the caller.

use axum::body::Body;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse as _, Response};
use tokio_stream::wrappers::ReceiverStream;

use crate::api::Api;
use crate::api::identity::Caller;
use crate::operations::personal_export::Exporter;

/// Everything that is kept about the caller, as a ZIP.
#[utoipa::path(get, path = "/v1/me/export", operation_id = "export_me", tag = "Privacy",
    responses((status = 200, content_type = "application/zip")), security(("bearer" = [])))]
pub(crate) async fn export(State(api): State<Api>, caller: Caller) -> Response {
    let exporter = Exporter {
        store: api.store.clone(),
        accounts: api.accounts.clone(),
        files: api.knowledge.files.clone(),
    };
    let bytes = ReceiverStream::new(exporter.begin(caller.user));
    let headers = [
        (CONTENT_TYPE, "application/zip"),
        (CONTENT_DISPOSITION, "attachment; filename=\"colloquy-export.zip\""),
        (CACHE_CONTROL, "no-store"),
    ];
    (headers, Body::from_stream(bytes)).into_response()
}

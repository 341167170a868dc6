//! `GET /v1/me/export`: all data of the caller.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse as _, Response};
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::ReceiverStream;

use crate::api::account_service::AccountService;
use crate::api::accounts::Accounts;
use crate::api::identity::Caller;
use crate::api::limits::Limits;
use crate::api::middleware::trace::Trace;
use crate::api::problem::Problem;
use crate::api::state::Knowledge;
use crate::operations::personal_export::Exporter;
use store::Store;

/// Export all data of the caller
///
/// A ZIP archive with all data of the user as JSON and as Markdown.
#[utoipa::path(get, path = "/v1/me/export", operation_id = "export_me", tag = "Privacy",
    responses((status = 200, content_type = "application/zip")), security(("bearer" = [])))]
pub(in crate::api) async fn export(
    State(store): State<Store>,
    State(account_service): State<Arc<AccountService>>,
    State(knowledge): State<Knowledge>,
    State(limits): State<Arc<Limits>>,
    State(accounts): State<Arc<Accounts>>,
    trace: Trace,
    caller: Caller,
) -> Result<Response, Problem> {
    let permit = limits.exports.take(caller.user)?;
    // Recorded before the first byte, like the access of an auditor.
    accounts.record_export(caller.user, &trace).await?;
    let exporter = Exporter { store, accounts: account_service.tables().clone(), files: knowledge.files };
    let bytes = ReceiverStream::new(exporter.begin(caller.user)).map(move |bytes| {
        let _permit = &permit;
        bytes
    });
    let headers = [
        (CONTENT_TYPE, "application/zip"),
        (CONTENT_DISPOSITION, "attachment; filename=\"colloquy-export.zip\""),
        (CACHE_CONTROL, "no-store"),
    ];
    Ok((headers, Body::from_stream(bytes)).into_response())
}

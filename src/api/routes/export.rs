//! `GET /v1/me/export`: all data of the caller.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse as _, Response};
use tokio::sync::Semaphore;
use tokio_stream::wrappers::ReceiverStream;

use crate::api::account_service::AccountService;
use crate::api::accounts::Accounts;
use crate::api::caller::Reader;
use crate::api::identity::Identity;
use crate::api::limits::Limits;
use crate::api::middleware::trace::Trace;
use crate::api::problem::Problem;
use crate::api::state::Knowledge;
use crate::api::stream::Streams;
use crate::operations::personal_export::Exporter;
use store::Store;

/// Exports that the process writes at the same time. Each has some megabytes in memory.
const AT_ONCE: usize = 8;
static WRITING: Semaphore = Semaphore::const_new(AT_ONCE);

/// The parts of the service that an export needs.
pub(in crate::api) struct Exports {
    exporter: Exporter,
    identity: Arc<Identity>,
    accounts: Arc<Accounts>,
    streams: Arc<Streams>,
}

impl axum::extract::FromRef<crate::api::ApiState> for Exports {
    fn from_ref(state: &crate::api::ApiState) -> Self {
        let account_service = Arc::<AccountService>::from_ref(state);
        let exporter = Exporter {
            store: Store::from_ref(state),
            accounts: account_service.tables().clone(),
            files: Knowledge::from_ref(state).files,
        };
        Self {
            exporter,
            identity: Arc::from_ref(state),
            accounts: Arc::from_ref(state),
            streams: Arc::from_ref(state),
        }
    }
}

/// Export all data of the caller
///
/// A ZIP archive with all data of the user as JSON and as Markdown. It breaks off when the session ends, when
/// the reader takes no data for 20 s, and after 30 minutes.
#[utoipa::path(get, path = "/v1/me/export", operation_id = "export_me", tag = "Privacy",
    responses((status = 200, content_type = "application/zip")), security(("bearer" = [])))]
pub(in crate::api) async fn export(
    State(exports): State<Exports>,
    State(limits): State<Arc<Limits>>,
    trace: Trace,
    Reader(caller): Reader,
) -> Result<Response, Problem> {
    let permit = limits.exports.take(caller.user)?;
    let Ok(slot) = WRITING.try_acquire() else {
        return Err(Problem::unavailable("Many exports are being written. Begin again later."));
    };
    let Exports { exporter, identity, accounts, streams } = exports;
    let prepared = exporter.prepare(caller.user).await?;
    // Recorded before the first byte, like the access of an auditor.
    accounts.record_export(caller.user, &trace).await?;
    let (erased, revoked) = (accounts.erased(caller.user), identity.revocations().ended(caller));
    let ended = async move {
        tokio::select! {
            () = revoked => {}
            () = erased => {}
        }
    };
    let (bytes, work) = prepared.begin(ended);
    streams.spawn(async move {
        work.await;
        drop((permit, slot));
    });
    let headers = [
        (CONTENT_TYPE, "application/zip"),
        (CONTENT_DISPOSITION, "attachment; filename=\"colloquy-export.zip\""),
        (CACHE_CONTROL, "no-store"),
    ];
    Ok((headers, Body::from_stream(ReceiverStream::new(bytes))).into_response())
}

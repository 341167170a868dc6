//! Notes the writes of users for as long as their requests run, so that their reads look for them.

use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Body;
use axum::extract::Request;
use axum::http::Response;
use axum::response::IntoResponse as _;

use super::wrap::Middleware;
use crate::api::problem::Problem;
use crate::api::reads::{ReadModels, Write};

/// Slot in which the extractor of the caller leaves the writes of a request.
#[derive(Debug, Clone, Default)]
pub(in crate::api) struct RequestWrites(Arc<Mutex<Vec<Write>>>);

impl RequestWrites {
    /// Keeps a write in progress until the response is made.
    pub(in crate::api) fn hold(&self, write: Write) {
        self.writes().push(write);
    }

    fn writes(&self) -> std::sync::MutexGuard<'_, Vec<Write>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Holds the writes of a request. A process that stood still for long is no longer known to others: it
/// registers again before it confirms a command.
#[derive(Debug, Clone)]
pub(in crate::api) struct HoldWrites(pub(in crate::api) Arc<ReadModels>);

impl Middleware for HoldWrites {
    type Kept = Option<RequestWrites>;

    fn before(&self, request: &mut Request) -> Result<Self::Kept, Problem> {
        if request.method().is_safe() {
            return Ok(None);
        }
        let writes = RequestWrites::default();
        request.extensions_mut().insert(writes.clone());
        Ok(Some(writes))
    }

    async fn after(self, writes: Self::Kept, response: Response<Body>) -> Response<Body> {
        let has_written = response.status().is_success()
            && writes.as_ref().is_some_and(|writes| !writes.writes().is_empty());
        if has_written && self.0.until_accepting().await.is_err() {
            return Problem::outcome_unknown().into_response();
        }
        response
    }
}

//! Problems of requests that cannot be answered now.

use axum::http::StatusCode;

use super::{Detail, Problem, RETRY_AFTER_SECONDS};

/// Seconds after which a client repeats a command that was refused under load.
const OVERLOADED_SECONDS: u32 = 5;

impl Problem {
    /// A part of the service does not answer. Nothing was written.
    pub(in crate::api) fn unavailable(detail: impl Into<Detail>) -> Self {
        let status = StatusCode::SERVICE_UNAVAILABLE;
        let problem = Self::new(status, "unavailable", "The service is temporarily unavailable", detail);
        Self { retry_after: Some(RETRY_AFTER_SECONDS), ..problem }
    }

    /// The service is far behind with earlier commands. Nothing was written.
    pub(in crate::api) fn overloaded() -> Self {
        let status = StatusCode::SERVICE_UNAVAILABLE;
        let detail =
            "The service is behind with earlier commands. Nothing was written. Send the command again later.";
        let problem = Self::new(status, "overloaded", "The service has too much to do", detail);
        Self { retry_after: Some(OVERLOADED_SECONDS), ..problem }
    }

    /// The answer to a command was lost on its way from the store.
    pub(in crate::api) fn outcome_unknown() -> Self {
        let status = StatusCode::SERVICE_UNAVAILABLE;
        let detail = "The store did not confirm the command in time: it is written, or will be, or never. Send it \
                      again with the same ids and the same Idempotency-Key.";
        let problem = Self::new(status, "outcome-unknown", "The outcome of the command is not known", detail);
        Self { retry_after: Some(RETRY_AFTER_SECONDS), ..problem }
    }

    /// The read model has not reached the version or position that the request waits for.
    pub(in crate::api) fn not_yet(current: u64) -> Self {
        let status = StatusCode::SERVICE_UNAVAILABLE;
        let detail = format!("The read model has reached {current}.");
        let problem = Self::new(status, "not-yet", "The read model is not up to date yet", detail);
        Self { retry_after: Some(RETRY_AFTER_SECONDS), current_version: Some(current), ..problem }
    }

    /// The language model is away, too slow, or wrote nothing that can be used.
    pub(in crate::api) fn model_unavailable() -> Self {
        let status = StatusCode::SERVICE_UNAVAILABLE;
        let detail = "The language model gave no suggestion. Try again later.";
        let problem = Self::new(status, "model-unavailable", "The language model is not available", detail);
        Self { retry_after: Some(OVERLOADED_SECONDS), ..problem }
    }

    /// The request exceeded its time limit.
    pub(in crate::api) fn timed_out() -> Self {
        Self::unavailable("The request exceeded its time limit.")
    }
}

//! Problems of resources with an event that this release cannot process.

use axum::http::StatusCode;

use super::{Problem, RETRY_AFTER_SECONDS};

/// Seconds after which a client repeats a request where an operator has to act first.
const QUARANTINED_RETRY_SECONDS: u32 = 60;

impl Problem {
    /// An event of the conversation or document cannot be shown, and its rows wait for an operator.
    pub(in crate::api) fn quarantined() -> Self {
        let status = StatusCode::SERVICE_UNAVAILABLE;
        let detail = "One of its events cannot be processed by this version. Nothing is lost: it is shown again once \
                      an operator has mended the cause. Everything else is available.";
        let problem = Self::new(status, "quarantined", "This item is temporarily set aside", detail);
        Self { retry_after: Some(QUARANTINED_RETRY_SECONDS), ..problem }
    }

    /// The resource has an event that this release does not know. Nothing was written.
    pub(super) fn unreadable() -> Self {
        let status = StatusCode::SERVICE_UNAVAILABLE;
        let detail = "An event of it was written by a newer release, which can read it, or is damaged. Nothing was \
                      written, and everything else works.";
        let problem = Self::new(status, "unreadable", "The resource cannot be read by this release", detail);
        Self { retry_after: Some(RETRY_AFTER_SECONDS), ..problem }
    }
}

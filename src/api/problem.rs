//! Errors as clients see them (RFC 9457): the only place that knows status codes.

mod causes;

use aggregates::Version;
use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, Response, StatusCode};
use axum::response::IntoResponse;
use serde::Serialize;
use utoipa::ToSchema;

/// What went wrong, for a client and for the person before it. Never holds what an inner error said.
#[derive(Debug, Clone)]
pub struct Problem {
    status: StatusCode,
    kind: &'static str,
    title: &'static str,
    detail: String,
    field: Option<&'static str>,
    current_version: Option<u64>,
    retry_after: Option<u32>,
}

/// An error (RFC 9457).
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub(crate) struct Document<'a> {
    /// What went wrong, as a stable name: `urn:colloquy:problem:…`.
    r#type: String,
    /// The same for a person.
    title: &'a str,
    /// The response's status.
    status: u16,
    /// What a person can do about it.
    detail: &'a str,
    /// The request, as the log names it.
    trace_id: &'a str,
    /// The field or header that is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<&'a str>,
    /// The version there is, where another was expected.
    #[serde(skip_serializing_if = "Option::is_none")]
    current_version: Option<u64>,
}

const ACCOUNT_ERASING: &str = "account-erasing";

impl Problem {
    fn new(status: StatusCode, kind: &'static str, title: &'static str, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        Self { status, kind, title, detail, field: None, current_version: None, retry_after: None }
    }

    /// The request cannot be read at all.
    pub(crate) fn malformed(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "malformed-request", "The request cannot be read", detail)
    }

    /// A cursor that is none of ours, or of another query.
    pub(crate) fn invalid_cursor() -> Self {
        let detail = "Use the cursor exactly as it was given, with the same filters.";
        Self::new(StatusCode::BAD_REQUEST, "invalid-cursor", "The cursor is not valid", detail)
    }

    /// One field is wrong.
    pub(crate) fn invalid_field(field: &'static str, detail: impl Into<String>) -> Self {
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        let problem = Self::new(status, "invalid-field", "A field is not valid", detail);
        Self { field: Some(field), ..problem }
    }

    /// There is no such thing, or it is somebody else's.
    pub(crate) fn not_found() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "not-found",
            "There is no such thing",
            "Nothing of yours is found here.",
        )
    }

    /// There is no such address.
    pub(crate) fn no_such_route() -> Self {
        let detail = "The API is described at /openapi.json.";
        Self::new(StatusCode::NOT_FOUND, "no-such-route", "There is no such address", detail)
    }

    /// The address does not take this method.
    pub(crate) fn method_not_allowed() -> Self {
        let detail = "The API is described at /openapi.json.";
        let status = StatusCode::METHOD_NOT_ALLOWED;
        Self::new(status, "method-not-allowed", "This address does not take this method", detail)
    }

    /// The body is not JSON by its own word.
    pub(crate) fn unsupported_media_type() -> Self {
        let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
        Self::new(
            status,
            "unsupported-media-type",
            "The body has to be JSON",
            "Send Content-Type: application/json.",
        )
    }

    /// The file is of no kind that can be read.
    pub(crate) fn unsupported_file() -> Self {
        let detail = "Send Markdown, plain text, HTML, PDF or a Word document (.docx).";
        let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
        Self::new(status, "unsupported-file", "Files of this kind cannot be read", detail)
    }

    /// Only an admin may do this.
    pub(crate) fn admins_only() -> Self {
        let detail = "Only an admin may change what everybody is answered from.";
        Self::new(StatusCode::FORBIDDEN, "forbidden", "You may not do this", detail)
    }

    /// The body is too large.
    pub(crate) fn too_large(limit: usize) -> Self {
        let detail = format!("At most {limit} bytes are taken.");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", "The request is too large", detail)
    }

    /// An Idempotency-Key came with another command before.
    pub(crate) fn idempotency_key_reused() -> Self {
        let detail = "This Idempotency-Key was used for another command. Use a new one.";
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        let problem =
            Self::new(status, "idempotency-key-reused", "The Idempotency-Key was used before", detail);
        Self { field: Some("Idempotency-Key"), ..problem }
    }

    /// Too many commands.
    pub(crate) fn too_many(retry_after: u32) -> Self {
        let detail = format!("Try again in {retry_after} s.");
        let status = StatusCode::TOO_MANY_REQUESTS;
        let problem = Self::new(status, "too-many-requests", "That was too fast", detail);
        Self { retry_after: Some(retry_after), ..problem }
    }

    /// The role does not reach here.
    pub(crate) fn not_an_auditor() -> Self {
        let detail = "Only an auditor sees everybody's history.";
        Self::new(StatusCode::FORBIDDEN, "not-an-auditor", "Your role does not reach here", detail)
    }

    /// There is no such conversation, anybody's.
    pub(crate) fn no_such_conversation() -> Self {
        let detail = "The ledger does not know it.";
        Self::new(StatusCode::NOT_FOUND, "not-found", "There is no such conversation", detail)
    }

    /// Whether the account is being erased.
    pub(crate) fn says_erasing(&self) -> bool {
        self.kind == ACCOUNT_ERASING
    }

    /// Nothing is taken from somebody who asked to be erased.
    pub(crate) fn account_is_being_erased() -> Self {
        let detail = "This account is being erased and takes nothing more.";
        Self::new(StatusCode::FORBIDDEN, ACCOUNT_ERASING, "The account is being erased", detail)
    }

    /// A part of the service is away; nothing was written.
    pub(crate) fn unavailable(detail: impl Into<String>) -> Self {
        let status = StatusCode::SERVICE_UNAVAILABLE;
        let problem = Self::new(status, "unavailable", "The service is away for a moment", detail);
        Self { retry_after: Some(1), ..problem }
    }

    /// The read model has not come as far as was asked for.
    pub(crate) fn not_yet(current: u64) -> Self {
        let detail = format!("The read model has come to {current} so far.");
        let status = StatusCode::SERVICE_UNAVAILABLE;
        let problem = Self::new(status, "not-yet", "What you wrote does not show yet", detail);
        Self { retry_after: Some(1), current_version: Some(current), ..problem }
    }

    /// The request took too long.
    pub(crate) fn timed_out() -> Self {
        Self::unavailable("The request took too long.")
    }

    /// Something that should not happen did.
    pub(crate) fn internal() -> Self {
        let detail = "The error is in our log under the trace id.";
        let status = StatusCode::INTERNAL_SERVER_ERROR;
        Self::new(status, "internal", "Something went wrong on our side", detail)
    }

    fn invalid_token(title: &'static str, detail: &'static str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "invalid-token", title, detail)
    }

    fn conflict(kind: &'static str, title: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, kind, title, detail)
    }

    fn version_mismatch(current: Version) -> Self {
        let detail = format!("The conversation is at version {current} now.");
        let problem = Self::conflict("version-mismatch", "Another change came first", detail);
        Self { current_version: Some(current.0), ..problem }
    }

    /// The response, once the request's trace id is known.
    pub(crate) fn render(&self, trace_id: &str) -> Response<Body> {
        let document = Document {
            r#type: format!("urn:colloquy:problem:{}", self.kind),
            title: self.title,
            status: self.status.as_u16(),
            detail: &self.detail,
            trace_id,
            field: self.field,
            current_version: self.current_version,
        };
        let body = serde_json::to_vec(&document).unwrap_or_default();
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = self.retry_after {
            headers.insert(RETRY_AFTER, seconds.into());
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer error=\"invalid_token\""));
        }
        response
    }
}

impl IntoResponse for Problem {
    /// Leaves itself for the outermost layer, which knows the trace id and renders it.
    fn into_response(self) -> Response<Body> {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = self.status;
        response.extensions_mut().insert(self);
        response
    }
}

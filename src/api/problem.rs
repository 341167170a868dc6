//! Errors as clients see them (RFC 9457). This module alone knows the status codes of errors.

mod causes;
#[cfg(test)]
mod tests;
mod unavailable;
mod withheld;

use std::borrow::Cow;

use aggregates::Version;
use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, Response, StatusCode};
use axum::response::IntoResponse;
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::limits::{Exhausted, Limit};

pub(in crate::api) use causes::with_causes;

/// An error for a client. Never contains the message of an inner error.
#[derive(Debug, Clone)]
pub(in crate::api) struct Problem {
    status: StatusCode,
    kind: &'static str,
    title: &'static str,
    detail: Cow<'static, str>,
    field: Option<Cow<'static, str>>,
    current_version: Option<u64>,
    retry_after: Option<u32>,
    limit: Option<Limit>,
}

/// An error (RFC 9457).
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub(in crate::api) struct ProblemDocument<'a> {
    /// Stable name of the kind of error: `urn:colloquy:problem:…`.
    r#type: String,
    /// Summary of the kind of error.
    title: &'a str,
    /// HTTP status.
    status: u16,
    /// Explanation of this occurrence.
    detail: &'a str,
    /// Trace id of the request, as in the log.
    trace_id: &'a str,
    /// The field or header that is not valid.
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<&'a str>,
    /// The current version or position, if another one was expected.
    #[serde(skip_serializing_if = "Option::is_none")]
    current_version: Option<u64>,
    /// The limit that is exhausted, with status 429.
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<Limit>,
}

const ACCOUNT_ERASING: &str = "account-erasing";
const NOT_FOUND: &str = "not-found";
const SEE_OPENAPI: &str = "The document at /openapi.json describes all routes.";
/// Seconds after which a client repeats a request that an unavailable part of the service refused.
const RETRY_AFTER_SECONDS: u32 = 1;

type Detail = Cow<'static, str>;

impl Problem {
    fn new(status: StatusCode, kind: &'static str, title: &'static str, detail: impl Into<Detail>) -> Self {
        let detail = detail.into();
        Self {
            status,
            kind,
            title,
            detail,
            field: None,
            current_version: None,
            retry_after: None,
            limit: None,
        }
    }

    /// The request cannot be parsed.
    pub(in crate::api) fn malformed(detail: impl Into<Detail>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "malformed-request", "The request is malformed", detail)
    }

    /// A client resumes a stream after an event that is too long ago.
    pub(in crate::api) fn resumes_too_late() -> Self {
        let detail =
            "Too much has happened since. Read the lists, and open the stream without Last-Event-ID.";
        Self::new(StatusCode::BAD_REQUEST, "resumes-too-late", "The stream cannot be resumed", detail)
    }

    /// The cursor was changed, or belongs to another query.
    pub(in crate::api) fn invalid_cursor() -> Self {
        let detail = "Send a cursor unchanged and with the filters of the query that returned it.";
        Self::new(StatusCode::BAD_REQUEST, "invalid-cursor", "The cursor is not valid", detail)
    }

    /// A field of the request is not valid.
    pub(in crate::api) fn invalid_field(field: impl Into<Detail>, detail: impl Into<Detail>) -> Self {
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        let problem = Self::new(status, "invalid-field", "A field is not valid", detail);
        Self { field: Some(field.into()), ..problem }
    }

    /// The resource does not exist, or belongs to another user.
    pub(in crate::api) fn not_found() -> Self {
        let detail = "The account has no such resource.";
        Self::new(StatusCode::NOT_FOUND, NOT_FOUND, "Resource not found", detail)
    }

    /// No user has such a conversation.
    pub(in crate::api) fn no_such_conversation() -> Self {
        let detail = "The ledger has no event of this conversation.";
        Self::new(StatusCode::NOT_FOUND, NOT_FOUND, "Conversation not found", detail)
    }

    /// No route has the path.
    pub(in crate::api) fn no_such_route() -> Self {
        Self::new(StatusCode::NOT_FOUND, "no-such-route", "Route not found", SEE_OPENAPI)
    }

    /// The route does not support the method.
    pub(in crate::api) fn method_not_allowed() -> Self {
        let status = StatusCode::METHOD_NOT_ALLOWED;
        Self::new(status, "method-not-allowed", "The route does not support this method", SEE_OPENAPI)
    }

    /// The content type of a command is not JSON.
    pub(in crate::api) fn unsupported_media_type() -> Self {
        let (status, detail) =
            (StatusCode::UNSUPPORTED_MEDIA_TYPE, "Send the header Content-Type: application/json.");
        Self::new(status, "unsupported-media-type", "The content type is not supported", detail)
    }

    /// No extractor reads files of this type.
    pub(in crate::api) fn unsupported_file() -> Self {
        let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
        let detail = "Supported are PDF, Word, Excel, PowerPoint, OpenDocument, RTF, HTML, Markdown, text, CSV, JSON, EPUB, mail (EML, MSG), ZIP archives of these, and pictures of text.";
        Self::new(status, "unsupported-file", "The file type is not supported", detail)
    }

    /// The role of the caller is not `admin`.
    pub(in crate::api) fn admins_only() -> Self {
        let detail = "Only the role admin can change shared documents and other accounts.";
        Self::new(StatusCode::FORBIDDEN, "forbidden", "The role does not permit this", detail)
    }

    /// An administrator commands the administrator's own account.
    pub(in crate::api) fn own_account() -> Self {
        let detail = "Another administrator can change the account.";
        Self::conflict("own-account", "Administrators cannot change their own account", detail)
    }

    /// The invited address has an account.
    pub(in crate::api) fn has_account() -> Self {
        let detail = "Nobody else can sign up with the address of an account.";
        Self::conflict("has-account", "An account has this e-mail address", detail)
    }

    /// The role of the caller is neither `auditor` nor `admin`.
    pub(in crate::api) fn not_an_auditor() -> Self {
        let detail = "Only the roles auditor and admin can read the ledger.";
        Self::new(StatusCode::FORBIDDEN, "not-an-auditor", "The role does not permit this", detail)
    }

    /// The account is being erased and accepts no requests.
    pub(in crate::api) fn account_is_being_erased() -> Self {
        let detail = "An account that is being erased accepts no requests.";
        Self::new(StatusCode::FORBIDDEN, ACCOUNT_ERASING, "The account is being erased", detail)
    }

    /// Whether this is [`Self::account_is_being_erased`].
    pub(in crate::api) fn is_account_being_erased(&self) -> bool {
        self.kind == ACCOUNT_ERASING
    }

    /// The body exceeds its limit.
    pub(in crate::api) fn too_large(limit_bytes: usize) -> Self {
        let detail = format!("The limit is {limit_bytes} bytes.");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", "The request is too large", detail)
    }

    /// The Idempotency-Key was sent with another command before.
    pub(in crate::api) fn idempotency_key_reused() -> Self {
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        let detail = "This Idempotency-Key belongs to another command. Send a new key.";
        let problem =
            Self::new(status, "idempotency-key-reused", "The Idempotency-Key was used before", detail);
        Self { field: Some("Idempotency-Key".into()), ..problem }
    }

    /// The limit that is exhausted.
    pub(in crate::api) const fn limit(&self) -> Option<Limit> {
        self.limit
    }

    /// A limit per person is exhausted.
    fn limit_exhausted(exhausted: Exhausted) -> Self {
        let status = StatusCode::TOO_MANY_REQUESTS;
        let problem =
            Self::new(status, "limit-exhausted", "A limit of the account is exhausted", exhausted.detail());
        Self { retry_after: Some(exhausted.retry_after), limit: Some(exhausted.limit), ..problem }
    }

    /// An error that no client can do anything about.
    pub(in crate::api) fn internal() -> Self {
        let detail = "The log has the error under this trace id.";
        let status = StatusCode::INTERNAL_SERVER_ERROR;
        Self::new(status, "internal", "Internal error", detail)
    }

    fn invalid_token(title: &'static str, detail: &'static str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "invalid-token", title, detail)
    }

    fn conflict(kind: &'static str, title: &'static str, detail: impl Into<Detail>) -> Self {
        Self::new(StatusCode::CONFLICT, kind, title, detail)
    }

    /// No language model is configured.
    pub(in crate::api) fn no_language_model() -> Self {
        let detail = "Answers are quotations here. GET /v1/models lists the language models.";
        Self::conflict("no-language-model", "There is no language model", detail)
    }

    /// An answer is pending, failed, or has no text.
    pub(in crate::api) fn answer_without_text() -> Self {
        let detail = "Only an answer that has ended with a text can be followed by suggestions.";
        Self::conflict("answer-without-text", "The answer has no text", detail)
    }

    /// The conversation has reached the limit of its size.
    fn conversation_full(detail: String) -> Self {
        Self::conflict("conversation-full", "The conversation is full", detail)
    }

    fn version_mismatch(current: Version) -> Self {
        let detail = format!("The conversation is at version {current}.");
        let problem = Self::conflict("version-mismatch", "The conversation has another version", detail);
        Self { current_version: Some(current.0), ..problem }
    }

    /// The field or header that is not valid.
    #[cfg(test)]
    pub(in crate::api) fn field(&self) -> Option<&str> {
        self.field.as_deref()
    }

    /// Explanation of the occurrence.
    #[cfg(test)]
    pub(in crate::api) fn detail(&self) -> &str {
        &self.detail
    }

    /// Renders the response with the trace id of the request.
    pub(in crate::api) fn render(&self, trace_id: &str) -> Response<Body> {
        let document = ProblemDocument {
            r#type: format!("urn:colloquy:problem:{}", self.kind),
            title: self.title,
            status: self.status.as_u16(),
            detail: &self.detail,
            trace_id,
            field: self.field.as_deref(),
            current_version: self.current_version,
            limit: self.limit,
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
    /// An empty response that carries the problem to the outermost layer, which knows the trace id.
    fn into_response(self) -> Response<Body> {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = self.status;
        response.extensions_mut().insert(self);
        response
    }
}

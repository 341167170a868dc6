//! Encoded responses with entity tags.

use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode};
use bytes::Bytes;
use serde::Serialize;

use crate::api::problem::Problem;

/// Capacity for the JSON of a usual page, so that it is not copied as it grows.
const USUAL_PAGE_BYTES: usize = 12 << 10;
/// Bytes of a hash that make up an entity tag.
const TAG_BYTES: usize = 16;

/// A response as JSON with its weak entity tag.
#[derive(Debug, Clone)]
pub struct Representation {
    /// The response as JSON.
    pub(super) body: Bytes,
    /// The entity tag, in its form as a header value.
    pub(super) etag: Box<str>,
}

impl Representation {
    /// Encodes a response.
    pub(in crate::api) fn encode<T: Serialize>(response: &T) -> Result<Self, Problem> {
        let mut body = Vec::with_capacity(USUAL_PAGE_BYTES);
        serde_json::to_writer(&mut body, response).map_err(|_| Problem::internal())?;
        let mut tag = [0; TAG_BYTES];
        blake3::Hasher::new().update(&body).finalize_xof().fill(&mut tag);
        let etag = format!("W/\"{:032x}\"", u128::from_be_bytes(tag));
        Ok(Self { body: Bytes::from(body), etag: etag.into_boxed_str() })
    }

    /// The response, or 304 if the client has the same representation.
    pub(in crate::api) fn respond(self, headers: &HeaderMap) -> Result<Response<Body>, Problem> {
        let etag = HeaderValue::from_str(&self.etag).map_err(|_| Problem::internal())?;
        let mut response = if self.matches(headers) {
            let mut response = Response::new(Body::empty());
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            response
        } else {
            let mut response = Response::new(Body::from(self.body));
            response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            response
        };
        response.headers_mut().insert(ETAG, etag);
        response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
        Ok(response)
    }

    /// Whether `If-None-Match` names this representation, by weak comparison (RFC 9110, 8.8.3.2).
    fn matches(&self, headers: &HeaderMap) -> bool {
        let values = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
        values
            .flat_map(|value| value.split(','))
            .map(str::trim)
            .any(|tag| tag == "*" || tag.trim_start_matches("W/") == self.etag.trim_start_matches("W/"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(if_none_match: &str) -> StatusCode {
        let headers = HeaderMap::from_iter([(IF_NONE_MATCH, if_none_match.parse().unwrap())]);
        Representation::encode(&"text").unwrap().respond(&headers).unwrap().status()
    }

    #[test]
    fn a_client_with_the_same_representation_is_sent_no_body() {
        let tag = Representation::encode(&"text").unwrap().etag;
        let strong = tag.trim_start_matches("W/");
        for same in [&*tag, strong, "*", &format!("\"other\", {tag}")] {
            assert_eq!(status(same), StatusCode::NOT_MODIFIED, "{same}");
        }
        let other = Representation::encode(&"other text").unwrap().etag;
        for other in [&*other, "\"\"", "text"] {
            assert_eq!(status(other), StatusCode::OK, "{other}");
        }
    }
}

//! What queries have in common: parameters, pages, answers that may be kept.

use aggregates::UserId;
use axum::body::Body;
use axum::extract::FromRequestParts;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use projections::conversations::Filter;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::str::FromStr;
use utoipa::{IntoParams, ToSchema};
use xxhash_rust::xxh3::xxh3_128;

use crate::api::Api;
use crate::api::problem::Problem;
use crate::api::reads::cache::{CachedRead, Generation, ReadKey};
use store::StoreError;

const DEFAULT_LIMIT: u32 = 20;
const LARGEST_LIMIT: u32 = 100;

/// Query parameters, refused in our own words.
pub(crate) struct Params<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Sync> FromRequestParts<S> for Params<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let query = axum::extract::Query::try_from_uri(&parts.uri);
        query.map(|query| Self(query.0)).map_err(|_| {
            Problem::malformed("A query parameter cannot be read; the API is described at /openapi.json.")
        })
    }
}

/// An id in a path.
pub(crate) fn path_id<T: FromStr>(text: &str, field: &'static str) -> Result<T, Problem> {
    text.parse().map_err(|_| Problem::invalid_field(field, "It must be a UUID."))
}

/// How many items a page has.
pub(crate) fn limit(limit: Option<u32>) -> Result<u32, Problem> {
    match limit {
        None => Ok(DEFAULT_LIMIT),
        Some(limit @ 1..=LARGEST_LIMIT) => Ok(limit),
        Some(_) => Err(Problem::invalid_field("limit", "It must be 1 to 100.")),
    }
}

/// Which conversations, as lists and searches are asked for them.
#[derive(Debug, serde::Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct FilterParams {
    /// Only archived ones, or only others.
    archived: Option<bool>,
    /// Only pinned ones, or only others.
    pinned: Option<bool>,
    /// Only those with this tag.
    tag: Option<String>,
    /// Active at this time or later.
    from: Option<DateTime<Utc>>,
    /// Active before this time.
    to: Option<DateTime<Utc>>,
    /// Items on a page, 1 to 100.
    pub(crate) limit: Option<u32>,
    /// The `next_cursor` of the page before.
    pub(crate) cursor: Option<String>,
    /// Wait until the read model has come to this position of the ledger.
    pub(crate) min_position: Option<u64>,
}

impl FilterParams {
    /// The filter over read models, where tags are keyed hashes.
    pub(crate) async fn filter(&self, api: &Api, owner: UserId) -> Result<Filter, Problem> {
        let tag = match &self.tag {
            None => None,
            Some(tag) => {
                let key = api.store.keyring().user(owner).await?.ok_or(StoreError::KeyDestroyed)?;
                Some(key.blind_key().tag(&tag.trim().to_lowercase()).into_string())
            }
        };
        Ok(Filter { archived: self.archived, pinned: self.pinned, tag, from: self.from, to: self.to })
    }
}

/// One page.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PageOf<T> {
    /// What is on it.
    pub(crate) items: Vec<T>,
    /// Where the next one begins; `null` if nothing follows.
    pub(crate) next_cursor: Option<String>,
}

/// An answer that may be kept: its body and its weak entity tag.
pub(crate) fn keepable<T: Serialize>(answer: &T) -> Result<CachedRead, Problem> {
    // Room for a usual page, so that it need not be copied as it grows.
    let mut body = Vec::with_capacity(12 << 10);
    serde_json::to_writer(&mut body, answer).map_err(|_| Problem::internal())?;
    let etag = format!("W/\"{:032x}\"", xxh3_128(&body));
    Ok(CachedRead { body: Bytes::from(body), etag: etag.into_boxed_str() })
}

/// What was kept of an answer, if it is still true and changes are heard of.
pub(crate) fn kept(api: &Api, key: &ReadKey) -> Option<CachedRead> {
    if api.live.is_subscribed() { api.live.reads().get(key) } else { None }
}

/// Keeps an answer that was begun at a generation, where changes are heard of.
pub(crate) fn keep(api: &Api, key: ReadKey, begun: Generation, read: &CachedRead) {
    if api.live.is_subscribed() {
        api.live.reads().put(key, begun, read);
    }
}

/// Sends an answer, or 304 when the client has it already.
pub(crate) fn respond(headers: &HeaderMap, read: CachedRead) -> Result<Response<Body>, Problem> {
    let etag = HeaderValue::from_str(&read.etag).map_err(|_| Problem::internal())?;
    let known = headers.get_all(IF_NONE_MATCH).iter().any(|value| {
        value.to_str().is_ok_and(|value| {
            value.split(',').any(|tag| matches!(tag.trim(), "*") || same_tag(tag, &read.etag))
        })
    });
    let mut response = if known {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        response
    } else {
        let mut response = Response::new(Body::from(read.body));
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        response
    };
    response.headers_mut().insert(ETAG, etag);
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    Ok(response)
}

/// Weak comparison (RFC 9110, 8.8.3.2).
fn same_tag(one: &str, other: &str) -> bool {
    let opaque = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    opaque(one) == opaque(other)
}

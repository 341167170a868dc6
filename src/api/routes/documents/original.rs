//! `GET /v1/documents/{id}/original`: the file itself, whole or in part.

use std::ops::Range;

use aggregates::DocumentId;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE,
    CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH, IF_RANGE, RANGE,
};
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode};
use bytes::Bytes;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use rag::extract::MediaType;

use super::{open, readable};
use crate::api::caller::Reader;
use crate::api::problem::{Problem, with_causes};
use crate::api::reads::params::parse_id;
use crate::api::state::Knowledge;
use crate::knowledge::files::{FilesError, Reading};
use store::{Store, StoreError};

/// Get the file of a document
///
/// The bytes that were uploaded. `Range` asks for a part of them, and `If-Range` for a part of the
/// same file only.
#[utoipa::path(get, path = "/v1/documents/{document_id}/original", operation_id = "get_original", tag = "Documents",
    params(("document_id" = uuid::Uuid, Path)),
    responses((status = 200, content_type = "*/*"), (status = 206, content_type = "*/*"),
              (status = 304), (status = 404), (status = 416)), security(("bearer" = [])))]
pub(in crate::api) async fn original(
    State(store): State<Store>,
    State(knowledge): State<Knowledge>,
    Reader(caller): Reader,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response<Body>, Problem> {
    let id: DocumentId = parse_id(&id, "document_id")?;
    let row = readable(&store, &caller, id).await?;
    let (owner, sha256) = (row.owner, row.sha256().to_owned());
    let row = open(&store, row).await?;
    let etag = format!("\"{sha256}\"");
    let said = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let mut response = Response::new(Body::empty());
    let is_known = said(IF_NONE_MATCH).is_some_and(|tags| tags == "*" || tags.contains(&etag));
    let size = u64::try_from(row.size).unwrap_or(0);
    let wanted = said(RANGE).filter(|_| said(IF_RANGE).is_none_or(|tag| tag == etag));
    match wanted.map_or(Wanted::All, |range| parse(range, size)) {
        _ if is_known => *response.status_mut() = StatusCode::NOT_MODIFIED,
        Wanted::None => {
            *response.status_mut() = StatusCode::RANGE_NOT_SATISFIABLE;
            insert(&mut response, CONTENT_RANGE, &format!("bytes */{size}"))?;
        }
        wanted => {
            let range = if let Wanted::Part(range) = &wanted { range.clone() } else { 0..size };
            let key = store.keyring().user(owner).await?.ok_or(StoreError::KeyDestroyed)?;
            let reading = knowledge.files.open(owner, &key, id.uuid(), &sha256).await.map_err(unreadable)?;
            if matches!(wanted, Wanted::Part(_)) {
                *response.status_mut() = StatusCode::PARTIAL_CONTENT;
                let last = range.end.saturating_sub(1);
                insert(&mut response, CONTENT_RANGE, &format!("bytes {}-{last}/{size}", range.start))?;
            }
            insert(&mut response, CONTENT_LENGTH, &(range.end - range.start).to_string())?;
            *response.body_mut() = Body::from_stream(part(reading, range));
        }
    }
    insert(&mut response, ETAG, &etag)?;
    insert(&mut response, ACCEPT_RANGES, "bytes")?;
    insert(&mut response, CACHE_CONTROL, "private, no-cache")?;
    insert(&mut response, CONTENT_TYPE, &row.media_type)?;
    insert(&mut response, CONTENT_DISPOSITION, &disposition(&row.title, &row.media_type))?;
    // A page that somebody uploaded is shown without its scripts and as no part of this origin.
    insert(&mut response, CONTENT_SECURITY_POLICY, "sandbox; default-src 'none'; style-src 'unsafe-inline'")?;
    insert(&mut response, axum::http::header::X_CONTENT_TYPE_OPTIONS, "nosniff")?;
    Ok(response)
}

fn insert(response: &mut Response<Body>, name: axum::http::HeaderName, value: &str) -> Result<(), Problem> {
    let value = HeaderValue::from_str(value).map_err(|_| Problem::internal())?;
    response.headers_mut().insert(name, value);
    Ok(())
}

/// The problem of a file that cannot be read.
pub(super) fn unreadable(error: FilesError) -> Problem {
    if matches!(error, FilesError::Missing) {
        return Problem::not_found();
    }
    tracing::warn!(error = with_causes(error), "the file of a document was not read");
    Problem::unavailable("The files cannot be reached.")
}

/// The name under which the file is saved, in the form for all characters and in one for old clients.
fn disposition(title: &str, media_type: &str) -> String {
    let extension = MediaType::from_name(media_type).unwrap_or(MediaType::Plain).extension();
    let name = if title.is_empty() { "document" } else { title };
    let name = if name.ends_with(&format!(".{extension}")) {
        name.to_owned()
    } else {
        format!("{name}.{extension}")
    };
    let plain: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() || "-_. ".contains(c) { c } else { '_' }).collect();
    let encoded = utf8_percent_encode(&name, NON_ALPHANUMERIC);
    format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{encoded}")
}

/// Bytes that a `Range` requests.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Wanted {
    /// The whole file: the header is not understood, or asks for several parts.
    All,
    Part(Range<u64>),
    /// Nothing that the file has.
    None,
}

fn parse(range: &str, size: u64) -> Wanted {
    let Some((first, last)) = range.trim().strip_prefix("bytes=").and_then(|range| range.split_once('-'))
    else {
        return Wanted::All;
    };
    let number = |text: &str| text.trim().parse::<u64>().ok();
    let range = match (first.trim(), last.trim()) {
        ("", last) => match number(last) {
            Some(count) => size.saturating_sub(count)..size,
            None => return Wanted::All,
        },
        (first, "") => match number(first) {
            Some(first) => first..size,
            None => return Wanted::All,
        },
        (first, last) => match (number(first), number(last)) {
            (Some(first), Some(last)) if first <= last => first..last.saturating_add(1).min(size),
            _ => return Wanted::All,
        },
    };
    if range.start >= range.end { Wanted::None } else { Wanted::Part(range) }
}

/// The bytes of a part of a file. What stands before it is decrypted and passed over.
fn part(
    reading: Reading,
    range: Range<u64>,
) -> impl futures::Stream<Item = Result<Bytes, FilesError>> + Send + 'static {
    futures::stream::try_unfold((reading, 0_u64), move |(mut reading, mut at)| {
        let range = range.clone();
        async move {
            while at < range.end {
                let Some(piece) = reading.next().await? else { return Ok(None) };
                let (start, end) = (at, at + piece.len() as u64);
                at = end;
                let first = usize::try_from(range.start.saturating_sub(start)).unwrap_or(usize::MAX);
                let last = usize::try_from(range.end.min(end) - start).unwrap_or(usize::MAX);
                if first < last {
                    let bytes = Bytes::from(piece).slice(first..last);
                    return Ok(Some((bytes, (reading, at))));
                }
            }
            Ok(None)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_as_http_defines_them() {
        assert_eq!(parse("bytes=0-9", 100), Wanted::Part(0..10));
        assert_eq!(parse("bytes=90-", 100), Wanted::Part(90..100));
        assert_eq!(parse("bytes=-5", 100), Wanted::Part(95..100));
        assert_eq!(parse("bytes=-500", 100), Wanted::Part(0..100));
        assert_eq!(parse("bytes=50-500", 100), Wanted::Part(50..100));
        assert_eq!(parse("bytes=100-", 100), Wanted::None);
        assert_eq!(parse("bytes=-0", 100), Wanted::None);
        for ignored in ["bytes=0-1,4-5", "bytes=9-3", "lines=0-1", "bytes=a-b"] {
            assert_eq!(parse(ignored, 100), Wanted::All, "{ignored}");
        }
    }

    #[test]
    fn a_file_is_saved_under_its_title() {
        let named = disposition("Übersicht \"neu\"", "application/pdf");
        assert_eq!(
            named,
            "attachment; filename=\"_bersicht _neu_.pdf\"; filename*=UTF-8''%C3%9Cbersicht%20%22neu%22%2Epdf"
        );
    }
}

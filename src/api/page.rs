//! The built page: its files, and `index.html` for every other path, because the page routes in the browser.
//!
//! The page does not know its base path when it is built: addresses in `index.html` are relative, and are
//! completed here.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, HeaderValue, Method, Response, StatusCode};
use axum::response::IntoResponse as _;
use percent_encoding::percent_decode_str;
use tower::ServiceExt as _;
use tower_http::services::ServeDir;

use crate::api::problem::Problem;

/// Pictures of the pages of documents are fetched with a token, and shown as blobs.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; \
                      font-src 'self'; connect-src 'self'; worker-src 'self'; manifest-src 'self'; \
                      base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
/// First segments of paths that never belong to the page, in lower case.
const API_SEGMENTS: [&str; 2] = ["v1", "api"];
/// Longest name of a file or of a part of a page's address, in bytes. File systems allow no longer ones.
const MAX_SEGMENT_BYTES: usize = 255;
/// Longest path of the page, in bytes.
const MAX_PATH_BYTES: usize = 1_024;
/// Files below this path have a hash of their content in the name.
const HASHED_PREFIX: &str = "/assets/";

/// Beginning of an address in `index.html` that is relative to the base path.
const RELATIVE: &str = "=\"./";

/// The folder of the built page; `None` if this process serves no page.
#[derive(Debug, Clone)]
pub(in crate::api) struct WebPage(Option<Arc<BuiltPage>>);

#[derive(Debug)]
struct BuiltPage {
    folder: PathBuf,
    base_path: String,
}

impl WebPage {
    pub(in crate::api) fn new(folder: Option<&Path>, base_path: &str) -> Self {
        let base_path = base_path.to_owned();
        Self(folder.map(|folder| Arc::new(BuiltPage { folder: folder.to_owned(), base_path })))
    }
}

impl BuiltPage {
    /// `index.html` with absolute addresses. The file is small, and is read each time, so that a page that is
    /// built anew names its new files.
    async fn index(&self, request: &HeaderMap) -> Response<Body> {
        let Ok(text) = tokio::fs::read_to_string(self.folder.join("index.html")).await else {
            return Problem::no_such_route().into_response();
        };
        let text = text.replace(RELATIVE, &format!("=\"{}/", self.base_path));
        let tag = format!("\"{}\"", blake3::hash(text.as_bytes()).to_hex());
        let known = request.get(IF_NONE_MATCH).and_then(|known| known.to_str().ok()).unwrap_or_default();
        // A proxy that compresses makes the tag weak.
        if known.contains(&tag) {
            return (StatusCode::NOT_MODIFIED, [(ETAG, tag)]).into_response();
        }
        ([(CONTENT_TYPE, "text/html".to_owned()), (ETAG, tag)], text).into_response()
    }
}

/// Serves the page. Answers every other path that no route matches with 404.
pub(in crate::api) async fn serve(State(WebPage(page)): State<WebPage>, request: Request) -> Response<Body> {
    let path = request.uri().path();
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
    let Some(page) = page.filter(|_| is_read && is_page_path(path)) else {
        return Problem::no_such_route().into_response();
    };
    let is_hashed = path.starts_with(HASHED_PREFIX);
    let is_file = path != "/index.html" && path.rsplit('/').next().is_some_and(|name| name.contains('.'));
    let mut response = if is_hashed || is_file {
        let files = ServeDir::new(&page.folder).precompressed_gzip();
        files.oneshot(request).await.unwrap_or_else(|never| match never {}).into_response()
    } else {
        page.index(request.headers()).await
    };
    if !response.status().is_success() && response.status() != StatusCode::NOT_MODIFIED {
        return Problem::no_such_route().into_response();
    }
    let caching = if is_hashed { "public, max-age=31536000, immutable" } else { "no-cache" };
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static(caching));
    response.headers_mut().insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    response
}

/// `GET /robots.txt`: nothing here is for search engines.
pub(in crate::api) async fn robots() -> &'static str {
    "User-agent: *\nDisallow: /\n"
}

/// Whether a file or a view of the page can have the path. Paths that another reader would take for a path of
/// the API, a hidden file or another folder are none, in whatever way they are spelled.
fn is_page_path(path: &str) -> bool {
    let Some(relative) = path.strip_prefix('/').filter(|_| path.len() <= MAX_PATH_BYTES) else {
        return false;
    };
    let Ok(decoded) = percent_decode_str(relative).decode_utf8() else { return false };
    if decoded.chars().any(|c| c.is_control() || matches!(c, '\\' | '%')) {
        return false;
    }
    let (folders, name) = decoded.rsplit_once('/').unwrap_or(("", &decoded));
    let mut segments = folders.split('/').filter(|_| !folders.is_empty()).chain([name]);
    let first = decoded.split(['/', ';']).next().unwrap_or_default().trim().to_lowercase();
    !API_SEGMENTS.contains(&first.as_str())
        && relative.matches('/').count() == decoded.matches('/').count()
        && !folders.split('/').any(|folder| folder.is_empty() && !folders.is_empty())
        && segments.all(|segment| segment.len() <= MAX_SEGMENT_BYTES && !segment.starts_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn views_and_files_of_the_page_have_their_paths() {
        for path in [
            "/",
            "/c/0197b3f0-5d5a-7cc2-b6f5-0f0d7f1f2a3b",
            "/documents",
            "/assets/app-1a2b.js",
            "/c/",
            "/favicon.svg",
            "/v1x",
            "/%C3%BCber",
        ] {
            assert!(is_page_path(path), "{path}");
        }
    }

    #[test]
    fn no_spelling_of_a_path_of_the_api_is_one_of_the_page() {
        for path in [
            "/v1",
            "/v1/x",
            "/V1/me",
            "//v1/me",
            "/v1%2fme",
            "/%761/me",
            "/v1;x/me",
            "/%2fv1/me",
            "/./v1/me",
            "/x/../v1/me",
            "/%2e/v1",
            "/\\v1",
            "/%5cv1",
            "/v1%00",
            "/api",
            "/API/auth/token",
            "/%61pi/auth",
            "/v%2531/me",
            "/v1%20/me",
            "*",
            "",
        ] {
            assert!(!is_page_path(path), "{path}");
        }
    }

    #[test]
    fn hidden_and_long_names_are_no_paths_of_the_page() {
        let (long_name, long_path) = (format!("/{}", "a".repeat(256)), "/aaaaaaa".repeat(1_000));
        for path in
            ["/.hidden", "/.well-known/security.txt", "/assets/.map", "/%2ehidden", &long_name, &long_path]
        {
            assert!(!is_page_path(path), "{path}");
        }
    }
}

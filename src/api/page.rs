//! The built page: its files, and `index.html` for every other path, because the page routes in the browser.

use std::path::Path;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY};
use axum::http::{HeaderValue, Method, Response, StatusCode};
use axum::response::IntoResponse as _;
use tower::ServiceExt as _;
use tower_http::services::{ServeDir, ServeFile};

use crate::api::problem::Problem;

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
                      font-src 'self'; connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; \
                      frame-ancestors 'none'";
/// Paths that never belong to the page.
const API_PREFIXES: [&str; 2] = ["/v1/", "/api/"];
/// Files below this path have a hash of their content in the name.
const HASHED_PREFIX: &str = "/assets/";

/// The folder of the built page; `None` if this process serves no page.
#[derive(Debug, Clone)]
pub(in crate::api) struct WebPage(Option<Arc<Path>>);

impl WebPage {
    pub(in crate::api) fn new(folder: Option<&Path>) -> Self {
        Self(folder.map(Arc::from))
    }
}

/// Serves the page. Answers paths of the API that no route matches with 404.
pub(in crate::api) async fn serve(
    State(WebPage(folder)): State<WebPage>,
    request: Request,
) -> Response<Body> {
    let path = request.uri().path();
    let is_api = API_PREFIXES.iter().any(|prefix| path.starts_with(prefix));
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
    let Some(folder) = folder.filter(|_| is_read && !is_api) else {
        return Problem::no_such_route().into_response();
    };
    let is_hashed = path.starts_with(HASHED_PREFIX);
    let files = ServeDir::new(&folder).precompressed_gzip();
    let served = if is_hashed {
        files.oneshot(request).await.map(axum::response::IntoResponse::into_response)
    } else {
        let index = ServeFile::new(folder.join("index.html"));
        files.fallback(index).oneshot(request).await.map(axum::response::IntoResponse::into_response)
    };
    let mut response = served.unwrap_or_else(|never| match never {});
    if response.status() == StatusCode::NOT_FOUND {
        return Problem::no_such_route().into_response();
    }
    let caching = if is_hashed { "public, max-age=31536000, immutable" } else { "no-cache" };
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static(caching));
    response.headers_mut().insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    response
}

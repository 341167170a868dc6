//! The base path: a path in front of all paths of page and API, where these share a host with others.
//!
//! A proxy may pass requests on with the base path or without it. Routes never see it.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::LOCATION;
use axum::http::uri::PathAndQuery;
use axum::http::{HeaderValue, Response, Uri};
use axum::middleware::{Next, from_fn_with_state};

use crate::config::PublicUrl;

/// Serves routes with the base path of an address and without it.
pub(super) fn below(public_url: &PublicUrl, routes: Router) -> Router {
    if public_url.base_path().is_empty() {
        return routes;
    }
    let public_url = Arc::new(public_url.clone());
    Router::new().fallback_service(routes).layer(from_fn_with_state(public_url, translate))
}

async fn translate(
    State(public_url): State<Arc<PublicUrl>>,
    mut request: Request,
    next: Next,
) -> Response<Body> {
    if let Some(uri) = without_base_path(&public_url, request.uri()) {
        *request.uri_mut() = uri;
    }
    let mut response = next.run(request).await;
    let location = response.headers().get(LOCATION).and_then(|location| location.to_str().ok());
    let location = location.and_then(|location| with_base_path(&public_url, location));
    if let Some(location) = location.and_then(|location| HeaderValue::from_str(&location).ok()) {
        response.headers_mut().insert(LOCATION, location);
    }
    response
}

/// The address of a request as routes have it; `None` if it has no base path.
fn without_base_path(public_url: &PublicUrl, uri: &Uri) -> Option<Uri> {
    let rest = below_base_path(public_url, uri.path_and_query()?.as_str())?;
    let rest = if rest.starts_with('/') { rest.to_owned() } else { format!("/{rest}") };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::try_from(rest).ok()?);
    Uri::from_parts(parts).ok()
}

/// The address to which a client is redirected; `None` if it is right already, or leads elsewhere.
fn with_base_path(public_url: &PublicUrl, location: &str) -> Option<String> {
    let origin = if location.starts_with(public_url.origin()) { public_url.origin() } else { "" };
    let path = location.strip_prefix(origin)?;
    let is_ours =
        path.starts_with('/') && !path.starts_with("//") && below_base_path(public_url, path).is_none();
    is_ours.then(|| format!("{origin}{}{path}", public_url.base_path()))
}

/// The rest of a path after the base path.
fn below_base_path<'a>(public_url: &PublicUrl, path: &'a str) -> Option<&'a str> {
    let rest = path.strip_prefix(public_url.base_path())?;
    (rest.is_empty() || rest.starts_with(['/', '?', '#'])).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn public_url() -> PublicUrl {
        "https://example.org/chat".parse().unwrap()
    }

    #[test]
    fn a_request_has_the_base_path_or_does_not() {
        for (path, expected) in [
            ("/chat", Some("/")),
            ("/chat/", Some("/")),
            ("/chat?a=b", Some("/?a=b")),
            ("/chat/v1/me?a=/chat", Some("/v1/me?a=/chat")),
            ("/chat/chat/x", Some("/chat/x")),
            ("/chat//v1/me", Some("//v1/me")),
            ("/v1/me", None),
            ("/chatter", None),
            ("/Chat/v1/me", None),
            ("/%63hat/v1/me", None),
        ] {
            let uri = without_base_path(&public_url(), &path.parse().unwrap());
            assert_eq!(uri.map(|uri| uri.to_string()).as_deref(), expected, "{path}");
        }
        let absolute = without_base_path(&public_url(), &"http://example.org/chat/livez".parse().unwrap());
        assert_eq!(absolute.unwrap(), "http://example.org/livez");
    }

    #[test]
    fn a_redirection_leads_below_the_base_path() {
        for (location, expected) in [
            ("/docs/", Some("/chat/docs/")),
            ("/?error=x", Some("/chat/?error=x")),
            ("https://example.org/docs/", Some("https://example.org/chat/docs/")),
            ("/chat/docs/", None),
            ("/chat?error=x", None),
            ("https://example.org/chat/", None),
            ("https://example.org.evil.example/", None),
            ("//other.example/", None),
            ("https://other.example/docs/", None),
            ("docs/", None),
        ] {
            assert_eq!(with_base_path(&public_url(), location).as_deref(), expected, "{location}");
        }
    }
}

//! The page, and the account service behind the same origin.

use std::net::SocketAddr;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONNECTION, CONTENT_SECURITY_POLICY, HOST, HeaderName, TRANSFER_ENCODING, UPGRADE,
};
use axum::http::{HeaderMap, HeaderValue, Method, Response};
use axum::response::IntoResponse as _;
use tower::ServiceExt as _;
use tower_http::services::{ServeDir, ServeFile};

use crate::api::Api;
use crate::api::problem::Problem;

/// How long the account service may take: a sign-in costs it tens of milliseconds of hashing, and they queue.
const ACCOUNTS_TIMEOUT: Duration = Duration::from_secs(15);
/// The header that tells the account service whom to limit. Whatever a client says in it is overwritten.
const CLIENT_IP: HeaderName = HeaderName::from_static("x-colloquy-client-ip");
/// Headers of one connection, which are not passed on (RFC 9110, 7.6.1).
const OF_THE_CONNECTION: [HeaderName; 6] = [
    CONNECTION,
    TRANSFER_ENCODING,
    UPGRADE,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    HeaderName::from_static("te"),
];
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
                      font-src 'self'; connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; \
                      frame-ancestors 'none'";

/// The client that passes requests on: no redirects followed, nothing decoded.
pub(crate) fn proxy_client() -> anyhow::Result<reqwest::Client> {
    let builder = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
    Ok(builder.connect_timeout(Duration::from_secs(2)).timeout(ACCOUNTS_TIMEOUT).build()?)
}

/// A file of the page; its entry for every other address a person may see.
pub(crate) async fn page(State(api): State<Api>, request: Request) -> Response<Body> {
    let path = request.uri().path();
    let is_ours = ["/v1/", "/api/"].iter().any(|prefix| path.starts_with(prefix));
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    let Some(folder) = api.config.web_dir.as_ref().filter(|_| reads && !is_ours) else {
        return Problem::no_such_route().into_response();
    };
    let hashed = path.starts_with("/assets/");
    let files = ServeDir::new(folder).precompressed_gzip();
    let served = if hashed {
        files.oneshot(request).await.map(axum::response::IntoResponse::into_response)
    } else {
        let entry = ServeFile::new(folder.join("index.html"));
        files.fallback(entry).oneshot(request).await.map(axum::response::IntoResponse::into_response)
    };
    let mut response = served.unwrap_or_else(|never| match never {});
    if response.status() == axum::http::StatusCode::NOT_FOUND {
        return Problem::no_such_route().into_response();
    }
    let lasting = if hashed { "public, max-age=31536000, immutable" } else { "no-cache" };
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static(lasting));
    response.headers_mut().insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    response
}

/// Passes a request on to the account service.
pub(crate) async fn accounts(
    State(api): State<Api>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
) -> Result<Response<Body>, Problem> {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    let mut headers = parts.headers;
    drop_connection_headers(&mut headers);
    let address = HeaderValue::from_str(&peer.ip().to_string()).map_err(|_| Problem::internal())?;
    headers.insert(CLIENT_IP, address);
    let body = axum::body::to_bytes(body, crate::api::BODY_LIMIT).await;
    let body = body.map_err(|_| Problem::too_large(crate::api::BODY_LIMIT))?;
    let url = format!("{}{path}", api.config.auth_url);
    let answer = api.proxy.request(parts.method, url).headers(headers).body(body).send().await;
    let answer = answer.map_err(|error| {
        tracing::warn!(error = %error.without_url(), "the account service cannot be reached");
        Problem::unavailable("The account service cannot be reached.")
    })?;
    let mut response = Response::new(Body::empty());
    *response.status_mut() = answer.status();
    *response.headers_mut() = answer.headers().clone();
    drop_connection_headers(response.headers_mut());
    *response.body_mut() = Body::from_stream(answer.bytes_stream());
    Ok(response)
}

/// Also the host, which is this service's own.
fn drop_connection_headers(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in OF_THE_CONNECTION.into_iter().chain(named).chain([HOST]) {
        headers.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_of_the_connection_are_not_passed_on() {
        let mut headers = HeaderMap::new();
        headers.insert(CONNECTION, HeaderValue::from_static("close, x-private"));
        headers.insert("x-private", HeaderValue::from_static("1"));
        headers.insert("cookie", HeaderValue::from_static("a=b"));
        headers.insert(HOST, HeaderValue::from_static("localhost"));
        drop_connection_headers(&mut headers);
        assert_eq!(headers.keys().map(HeaderName::as_str).collect::<Vec<_>>(), ["cookie"]);
    }
}

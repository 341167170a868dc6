//! The account service. Its requests are proxied under `/api/auth/`, so that page, accounts and API share
//! one origin.

mod paths;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::api::BODY_LIMIT_BYTES;
#[cfg(any(test, feature = "fuzzing"))]
pub(in crate::api) use paths::is_forwarded;

use crate::api::client_address::{Client, X_FORWARDED_FOR, remove_proxy_headers};
use crate::api::identity::{Caller, Unauthenticated};
use crate::api::problem::{Problem, with_causes};
use crate::config::{ApiConfig, PublicUrl};
use crate::operations::accounts::{self, AccountAdministration};
use axum::body::Body;
use axum::extract::{Extension, Request, State};
use axum::http::header::{CONNECTION, HOST, HeaderName, TRANSFER_ENCODING, UPGRADE, VARY};
use axum::http::{HeaderMap, HeaderValue, Method, Response, StatusCode};
use measures::catalogue::SIGN_INS;
use store::AccountsDatabase;

/// Longest wait for an answer. A sign-in costs tens of milliseconds of hashing, and sign-ins queue.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(15);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// Tells the account service the address of the client, for its rate limits. So does `X-Forwarded-For`. Both
/// have that address alone, whatever the client has sent.
const CLIENT_IP: HeaderName = HeaderName::from_static("x-colloquy-client-ip");
/// First part of the names of headers that let pages of other origins read a response. A layer of this
/// service adds them to all responses.
const CORS: &str = "access-control-";
/// Headers that concern one connection and are not forwarded (RFC 9110, 7.6.1).
const CONNECTION_HEADERS: [HeaderName; 6] = [
    CONNECTION,
    TRANSFER_ENCODING,
    UPGRADE,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    HeaderName::from_static("te"),
];

/// Client of the account service, and its tables.
#[derive(Debug)]
pub(in crate::api) struct AccountService {
    client: reqwest::Client,
    url: String,
    public_url: PublicUrl,
    administration: AccountAdministration,
}

impl AccountService {
    pub(in crate::api) fn new(
        config: &ApiConfig,
        administration: AccountAdministration,
    ) -> anyhow::Result<Self> {
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(REQUEST_TIMEOUT)
            .build()?;
        Ok(Self {
            client,
            url: config.auth_url.clone(),
            public_url: config.public_url.clone(),
            administration,
        })
    }

    /// Refuses a caller whose session does not exist at this moment. Reads the tables, not a cache.
    pub(in crate::api) async fn require_live_session(&self, caller: &Caller) -> Result<(), Problem> {
        if self.tables().is_session_live(caller.user, caller.session).await? {
            Ok(())
        } else {
            Err(Unauthenticated::Invalid.into())
        }
    }

    /// The tables of the service.
    pub(in crate::api) const fn tables(&self) -> &AccountsDatabase {
        &self.administration.accounts
    }

    /// Changes other people's accounts.
    pub(in crate::api) const fn administration(&self) -> &AccountAdministration {
        &self.administration
    }

    /// The address of the page, to which links lead.
    pub(in crate::api) const fn public_url(&self) -> &PublicUrl {
        &self.public_url
    }
    async fn forward(&self, client: IpAddr, request: Request) -> Result<Response<Body>, Problem> {
        let (parts, body) = request.into_parts();
        if !paths::is_forwarded(parts.uri.path()) {
            return Err(Problem::no_such_route());
        }
        let (may_change, is_sign_in) = (!parts.method.is_safe(), paths::is_sign_in(parts.uri.path()));
        let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
        let mut headers = parts.headers;
        remove_connection_headers(&mut headers);
        name_client(&mut headers, client)?;
        let body = axum::body::to_bytes(body, BODY_LIMIT_BYTES).await;
        let body = body.map_err(|_| Problem::too_large(BODY_LIMIT_BYTES))?;
        // The service has no handlers for HEAD. The server leaves the body of the response out.
        let method = if parts.method == Method::HEAD { Method::GET } else { parts.method };
        let request = self.client.request(method, format!("{}{path}", self.url));
        let answer = request.headers(headers).body(body).send().await.map_err(|error| {
            tracing::warn!(error = with_causes(error.without_url()), "account service did not answer");
            Problem::unavailable("The account service cannot be reached.")
        })?;
        if is_sign_in {
            SIGN_INS.increment(&[outcome_of(answer.status())]);
        }
        if may_change {
            accounts::announce(&self.administration.nats, &self.administration.subjects).await;
        }
        let mut response = Response::new(Body::empty());
        *response.status_mut() = answer.status();
        *response.headers_mut() = answer.headers().clone();
        remove_connection_headers(response.headers_mut());
        remove_cors_headers(response.headers_mut());
        *response.body_mut() = Body::from_stream(answer.bytes_stream());
        Ok(response)
    }
}

/// Refused sign-ins of known accounts are also events; those of unknown addresses are in the metric alone.
fn outcome_of(status: StatusCode) -> &'static str {
    match status.as_u16() {
        200..=399 => "accepted",
        429 => "limited",
        400..=499 => "refused",
        _ => "failed",
    }
}

/// Forwards a request to the account service.
pub(in crate::api) async fn proxy(
    State(service): State<Arc<AccountService>>,
    Extension(client): Extension<Client>,
    request: Request,
) -> Result<Response<Body>, Problem> {
    service.forward(client.address, request).await
}

/// Replaces what a client or a proxy says about the way of a request.
fn name_client(headers: &mut HeaderMap, client: IpAddr) -> Result<(), Problem> {
    remove_proxy_headers(headers);
    let address = HeaderValue::from_str(&client.to_string()).map_err(|_| Problem::internal())?;
    headers.insert(X_FORWARDED_FOR, address.clone());
    headers.insert(CLIENT_IP, address);
    Ok(())
}

fn remove_cors_headers(headers: &mut HeaderMap) {
    let cors = headers.keys().filter(|name| name.as_str().starts_with(CORS)).cloned();
    for name in cors.chain([VARY]).collect::<Vec<_>>() {
        headers.remove(name);
    }
}

/// Also removes `Host`, which names this service.
fn remove_connection_headers(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in CONNECTION_HEADERS.into_iter().chain(named).chain([HOST]) {
        headers.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_account_service_gets_one_address_whatever_the_client_has_sent() {
        let mut headers = HeaderMap::new();
        for name in ["x-forwarded-for", "x-colloquy-client-ip", "x-real-ip", "forwarded", "x-forwarded-host"]
        {
            headers.append(name, HeaderValue::from_static("203.0.113.66"));
            headers.append(name, HeaderValue::from_static("203.0.113.67"));
        }
        name_client(&mut headers, "2001:db8::1".parse().unwrap()).unwrap();
        let mut left: Vec<_> =
            headers.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
        left.sort_unstable();
        assert_eq!(left, [("x-colloquy-client-ip", "2001:db8::1"), ("x-forwarded-for", "2001:db8::1")]);
    }

    #[test]
    fn headers_of_the_connection_are_not_forwarded() {
        let mut headers = HeaderMap::new();
        headers.insert(CONNECTION, HeaderValue::from_static("close, x-private"));
        headers.insert("x-private", HeaderValue::from_static("1"));
        headers.insert("cookie", HeaderValue::from_static("a=b"));
        headers.insert(HOST, HeaderValue::from_static("localhost"));
        remove_connection_headers(&mut headers);
        assert_eq!(headers.keys().map(HeaderName::as_str).collect::<Vec<_>>(), ["cookie"]);
    }
}

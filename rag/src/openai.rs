//! Requests to OpenAI-compatible APIs: address, authorization, redirections, compression, time limit, and the
//! kinds of failure.

mod decoded;
mod location;
mod retry_after;

use std::error::Error as _;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use reqwest::header::{ACCEPT_ENCODING, CONTENT_ENCODING};
use reqwest::{RequestBuilder, StatusCode};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;
use serde::de::DeserializeOwned;

use decoded::Decoder;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// The longest response that is read as a whole.
const MAX_RESPONSE_BYTES: usize = 64 << 20;
/// The part of a refusal that is read.
const MAX_REFUSAL_BYTES: usize = 64 << 10;

/// A client for one API. Clones share its connections.
#[derive(Clone)]
pub(crate) struct ApiClient {
    http: reqwest::Client,
    base_url: String,
    api_key: Option<SecretString>,
}

impl ApiClient {
    /// Prepares the client for a base address that ends in `/v1`. Sends no request.
    pub(crate) fn new(base_url: &str, api_key: Option<SecretString>) -> Result<Self, ApiError> {
        let http = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(ApiError::InvalidRequest)?;
        Ok(Self { http, base_url: base_url.trim_end_matches('/').to_owned(), api_key })
    }

    /// Builds a POST request with a JSON body and the API key as bearer token. It asks for no compression, which
    /// would hold back the tokens of a stream.
    pub(crate) fn post(&self, path: &str, body: &impl Serialize) -> RequestBuilder {
        let request = self.http.post(format!("{}/{path}", self.base_url)).json(body);
        let request = request.header(ACCEPT_ENCODING, "identity");
        match &self.api_key {
            Some(key) => request.bearer_auth(key.expose_secret()),
            None => request,
        }
    }
}

/// A response that does not report success.
pub(crate) struct Refusal {
    pub(crate) status: u16,
    /// The beginning of the body, which may quote the request and therefore never reaches a log.
    pub(crate) text: String,
    /// The time after which the server wants to be asked again.
    pub(crate) retry_after: Option<Duration>,
}

impl Refusal {
    /// The time to wait before the same request, if the server is busy and names one.
    pub(crate) fn pause(&self) -> Option<Duration> {
        self.retry_after.filter(|_| matches!(self.status, 408 | 429 | 502..=504 | 529))
    }

    /// Whether the server may accept the request with other parameters.
    pub(crate) fn is_of_parameters(&self) -> bool {
        matches!(self.status, 400 | 422) || self.may_be_of_parameters()
    }

    /// Whether the server may have failed at a parameter: the template of a model may know no such message.
    pub(crate) fn may_be_of_parameters(&self) -> bool {
        matches!(self.status, 500 | 501)
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        Self::Status(refusal.status)
    }
}

/// A successful response.
pub(crate) struct Response {
    response: reqwest::Response,
    decoder: Decoder,
}

impl Response {
    fn new(response: reqwest::Response) -> Result<Self, ApiError> {
        let encoding = response.headers().get(CONTENT_ENCODING).map(|encoding| encoding.to_str());
        let decoder = Decoder::new(encoding.unwrap_or(Ok("")).map_err(|_| ApiError::Encoded)?)?;
        Ok(Self { response, decoder })
    }

    /// The next bytes of the body without its compression; `None` at the end.
    pub(crate) async fn chunk(&mut self) -> Result<Option<Bytes>, ApiError> {
        loop {
            if let Some(bytes) = self.decoder.next()? {
                return Ok(Some(bytes));
            }
            let Some(bytes) = self.response.chunk().await? else { return Ok(None) };
            self.decoder.push(bytes);
        }
    }
}

/// Sends a request. Returns the response once its headers report success, otherwise the refusal.
pub(crate) async fn send(
    request: RequestBuilder,
    timeout: Duration,
) -> Result<Result<Response, Refusal>, ApiError> {
    let exchange = async {
        let (client, request) = request.build_split();
        let response = Box::pin(location::send(&client, request?)).await?;
        let status = response.status();
        if status.is_success() {
            return Ok(Ok(Response::new(response)?));
        }
        let retry_after = retry_after::read(response.headers(), SystemTime::now());
        let mut body = Vec::new();
        if let Ok(mut response) = Response::new(response) {
            while body.len() < MAX_REFUSAL_BYTES
                && let Ok(Some(chunk)) = response.chunk().await
            {
                body.extend_from_slice(&chunk);
            }
        }
        body.truncate(MAX_REFUSAL_BYTES);
        let text = String::from_utf8_lossy(&body).into_owned();
        Ok(Err(Refusal { status: status.as_u16(), text, retry_after }))
    };
    tokio::time::timeout(timeout, exchange).await.map_err(|_| ApiError::Timeout(timeout))?
}

/// Reads a response of JSON. Fails beyond [`MAX_RESPONSE_BYTES`].
pub(crate) async fn json<T: DeserializeOwned>(mut response: Response) -> Result<T, ApiError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > MAX_RESPONSE_BYTES {
            return Err(ApiError::Malformed);
        }
        body.extend_from_slice(&chunk);
    }
    // The cause may quote the response, so it is not kept.
    serde_json::from_slice(&body).map_err(|_| ApiError::Malformed)
}

/// The cause of a failed request to an OpenAI-compatible API. Holds neither addresses nor texts.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// The address or the client's configuration is invalid.
    #[error("the request is invalid")]
    InvalidRequest(#[source] reqwest::Error),
    /// The connection could not be opened or was lost.
    #[error("the connection failed")]
    Connection(#[source] reqwest::Error),
    /// The server answered with an HTTP status other than success.
    #[error("the server answered with HTTP status {0}")]
    Status(u16),
    /// The server sent nothing within the time limit.
    #[error("the server sent nothing within {0:?}")]
    Timeout(Duration),
    /// The response ended before its last event.
    #[error("the response ended early")]
    EndedEarly,
    /// The response is compressed in a way that was not asked for and is not known.
    #[error("the response is compressed, which was not asked for, and not by gzip or deflate")]
    Encoded,
    /// The response does not have the format of the API.
    #[error("the response is malformed")]
    Malformed,
    /// The server reported an error within a successful response.
    #[error("the server reported an error in its response")]
    Reported,
}

impl ApiError {
    /// Whether the same request can succeed later.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::InvalidRequest(_) => false,
            Self::Status(status) => StatusCode::from_u16(*status).is_ok_and(|status| {
                status.is_server_error()
                    || matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS)
            }),
            Self::Connection(_)
            | Self::Timeout(_)
            | Self::EndedEarly
            | Self::Encoded
            | Self::Malformed
            | Self::Reported => true,
        }
    }
}

impl From<reqwest::Error> for ApiError {
    fn from(error: reqwest::Error) -> Self {
        let error = error.without_url();
        if error.is_builder() {
            Self::InvalidRequest(error)
        } else if error.source().is_some_and(<dyn std::error::Error>::is::<serde_json::Error>) {
            // The cause may quote the response, so it is not kept.
            Self::Malformed
        } else {
            Self::Connection(error)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overload_and_server_errors_are_transient_and_refusals_are_not() {
        for status in [408, 429, 500, 503] {
            assert!(ApiError::Status(status).is_transient(), "{status}");
        }
        for status in [301, 400, 401, 404] {
            assert!(!ApiError::Status(status).is_transient(), "{status}");
        }
    }

    #[test]
    fn a_client_does_not_show_its_key() {
        let client = ApiClient::new("http://127.0.0.1:9/v1/", Some("s3cret".into())).unwrap();
        let request = client.post("embeddings", &()).build().unwrap();
        assert_eq!(request.url().as_str(), "http://127.0.0.1:9/v1/embeddings");
        assert_eq!(request.headers()["authorization"], "Bearer s3cret");
        assert!(!format!("{request:?}").contains("s3cret"));
    }
}

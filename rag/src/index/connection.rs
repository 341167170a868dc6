//! The connection to Qdrant: its address, TLS, the API key and time limits.
//!
//! Not Qdrant's own client, which accepts no certificate authority: it is used for the messages alone.

use std::path::{Path, PathBuf};
use std::time::Duration;

use qdrant_client::qdrant::collections_client::CollectionsClient;
use qdrant_client::qdrant::points_client::PointsClient;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::time::Instant;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint};
use tonic::{Code, Request, Response, Status};

use super::IndexError;
use super::error::ServerMessage;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// A connection whose peer does not answer a ping within the second time is closed.
const PING_EVERY: Duration = Duration::from_secs(10);
const PING_TIMEOUT: Duration = Duration::from_secs(5);
/// Attempts of a call on connections that break.
const ATTEMPTS: u32 = 2;

/// Qdrant's services for points and for collections.
pub(super) type Points = PointsClient<InterceptedService<Channel, ApiKey>>;
pub(super) type CollectionCalls = CollectionsClient<InterceptedService<Channel, ApiKey>>;

/// The connection to Qdrant cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The address is not a URL.
    #[error("the address of Qdrant is not valid")]
    Url(#[source] tonic::transport::Error),
    /// TLS cannot be set up, for example without certificates of authorities.
    #[error("TLS to Qdrant cannot be set up")]
    Tls(#[source] tonic::transport::Error),
    /// The file with the certificates of authorities cannot be read.
    #[error("{} cannot be read", .0.display())]
    Certificates(PathBuf, #[source] std::io::Error),
    /// The API key has characters that no header can have.
    #[error("the API key of Qdrant is not valid")]
    ApiKey,
}

/// Adds the API key to each request.
#[derive(Clone)]
pub(super) struct ApiKey(Option<MetadataValue<Ascii>>);

impl Interceptor for ApiKey {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(key) = &self.0 {
            request.metadata_mut().insert("api-key", key.clone());
        }
        Ok(request)
    }
}

/// A connection that is made by the first call, and again after it broke. Cheap to clone.
#[derive(Clone)]
pub(super) struct Connection {
    channel: Channel,
    api_key: ApiKey,
    timeout: Duration,
}

impl Connection {
    /// Prepares the connection. Has to be called within a Tokio runtime.
    pub(super) fn new(
        url: &str,
        api_key: Option<&SecretString>,
        ca: Option<&Path>,
        timeout: Duration,
    ) -> Result<Self, ConnectError> {
        let api_key = api_key.map(|key| {
            let mut key: MetadataValue<Ascii> =
                key.expose_secret().parse().map_err(|_| ConnectError::ApiKey)?;
            key.set_sensitive(true);
            Ok(key)
        });
        let endpoint = Endpoint::from_shared(url.to_owned())
            .map_err(ConnectError::Url)?
            .connect_timeout(timeout.min(CONNECT_TIMEOUT))
            .http2_keep_alive_interval(PING_EVERY)
            .keep_alive_timeout(PING_TIMEOUT)
            .keep_alive_while_idle(true);
        let endpoint = if url.starts_with("https:") {
            endpoint.tls_config(tls(ca)?).map_err(ConnectError::Tls)?
        } else {
            endpoint
        };
        Ok(Self { channel: endpoint.connect_lazy(), api_key: ApiKey(api_key.transpose()?), timeout })
    }

    /// Calls the service for points. The request is sent again when the connection breaks, so it has to be
    /// repeatable; and, while time is left, when Qdrant limits the rate of calls and says for how long.
    pub(super) async fn points<Q: Clone, A, F>(
        &self,
        request: impl Into<Q>,
        call: impl Fn(Points, Q) -> F,
    ) -> Result<A, IndexError>
    where
        F: Future<Output = Result<Response<A>, Status>>,
    {
        let service = InterceptedService::new(self.channel.clone(), self.api_key.clone());
        let points = PointsClient::new(service).max_decoding_message_size(usize::MAX);
        let request = request.into();
        self.repeat(|| call(points.clone(), request.clone())).await
    }

    /// Calls the service for collections, in the same way.
    pub(super) async fn collections<Q: Clone, A, F>(
        &self,
        request: impl Into<Q>,
        call: impl Fn(CollectionCalls, Q) -> F,
    ) -> Result<A, IndexError>
    where
        F: Future<Output = Result<Response<A>, Status>>,
    {
        let service = InterceptedService::new(self.channel.clone(), self.api_key.clone());
        let collections = CollectionsClient::new(service);
        let request = request.into();
        self.repeat(|| call(collections.clone(), request.clone())).await
    }

    async fn repeat<A, F>(&self, attempt: impl Fn() -> F) -> Result<A, IndexError>
    where
        F: Future<Output = Result<Response<A>, Status>>,
    {
        let deadline = Instant::now() + self.timeout;
        let repeating = async {
            let mut attempts = 0;
            loop {
                let status = match Box::pin(attempt()).await {
                    Ok(response) => return Ok(response.into_inner()),
                    Err(status) => status,
                };
                attempts += 1;
                match retry_after(&status) {
                    Some(pause) if Instant::now() + pause < deadline => tokio::time::sleep(pause).await,
                    None if attempts < ATTEMPTS && is_of_connection(&status) => {}
                    _ => return Err(IndexError::from(status)),
                }
            }
        };
        let outcome = tokio::time::timeout_at(deadline, repeating).await;
        outcome.map_err(|_| IndexError::Timeout(self.timeout))?
    }
}

fn tls(ca: Option<&Path>) -> Result<ClientTlsConfig, ConnectError> {
    let Some(file) = ca else { return Ok(ClientTlsConfig::new().with_native_roots()) };
    let pem = std::fs::read(file).map_err(|error| ConnectError::Certificates(file.to_owned(), error))?;
    Ok(ClientTlsConfig::new().ca_certificate(Certificate::from_pem(pem)))
}

/// The pause that a limit of the rate of calls asks for; at least a tenth of a second.
pub(super) fn retry_after(status: &Status) -> Option<Duration> {
    if status.code() != Code::ResourceExhausted {
        return None;
    }
    let seconds = status.metadata().get("retry-after")?.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds).max(Duration::from_millis(100)))
}

/// Whether the connection broke, as opposed to an answer of Qdrant.
fn is_of_connection(status: &Status) -> bool {
    matches!(status.code(), Code::Internal | Code::Unavailable | Code::Cancelled | Code::Unknown)
        && !ServerMessage::of(status).is_of_certificate()
}

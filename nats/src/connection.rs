//! The connection to NATS, which is made in the background and reconnects without end.

mod failure;

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use async_nats::{Client, ConnectOptions, ServerAddr};
use secrecy::{ExposeSecret as _, SecretString};

use crate::login::{Login, LoginError};
use crate::problems::Problems;

/// The servers, the login and TLS.
#[derive(Debug, Clone)]
pub struct ConnectionConfig {
    /// URLs of one or several servers of a cluster, separated by commas. Each may hold a user and a password,
    /// or a token: `nats://user:password@host`, `nats://token@host`.
    pub urls: SecretString,
    /// The file that the URLs come from, if any.
    pub urls_file: Option<PathBuf>,
    /// Credentials file with a user's JWT and the seed of its NKey.
    pub credentials: Option<PathBuf>,
    /// File with the seed of a user's NKey.
    pub nkey: Option<PathBuf>,
    /// Certificates of the authorities that the servers' certificates are checked against, in place of those
    /// of the system. PEM. With it, or with a certificate, the connection uses TLS.
    pub ca: Option<PathBuf>,
    /// Certificate of the client. PEM.
    pub certificate: Option<PathBuf>,
    /// Private key of the certificate. PEM.
    pub key: Option<PathBuf>,
}

impl ConnectionConfig {
    /// Servers with the login and the TLS that their URLs say.
    pub fn new(urls: impl Into<SecretString>) -> Self {
        Self {
            urls: urls.into(),
            urls_file: None,
            credentials: None,
            nkey: None,
            ca: None,
            certificate: None,
            key: None,
        }
    }
}

/// The connection to NATS cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The URL cannot be used.
    #[error("the NATS URL is not valid")]
    Url(#[source] io::Error),
    /// The login cannot be used.
    #[error("the login at NATS cannot be used")]
    Login(#[from] LoginError),
    /// A file with certificates or a key cannot be read.
    #[error("{} cannot be read", .0.display())]
    Certificate(PathBuf, #[source] io::Error),
    /// Only one of a certificate and its key is configured.
    #[error("NATS_CERT and NATS_KEY belong together")]
    Incomplete,
    /// The client refused its options.
    #[error("the connection to NATS cannot be set up")]
    Options(#[from] async_nats::ConnectError),
}

/// Connects to NATS in the background and reconnects without end. An unreachable server is not an error here:
/// each later publication or request waits or fails by its own time limit. A server that refuses the
/// connection is reported to `problems`.
pub async fn connect(
    config: &ConnectionConfig,
    name: &str,
    problems: &Problems,
) -> Result<Client, ConnectError> {
    let (servers, options) = prepared(config)?;
    let (connection, attempts) = (problems.clone(), failure::Attempts::new(problems.clone()));
    let overflow = failure::Overflow::default();
    let client = options
        .name(name)
        .retry_on_initial_connect()
        .max_reconnects(None)
        .connection_timeout(Duration::from_secs(3))
        .request_timeout(Some(Duration::from_secs(5)))
        .ping_interval(Duration::from_secs(10))
        .subscription_capacity(4_096)
        .reconnect_delay_callback(|attempts| {
            Duration::from_millis(50 << attempts.min(6)).min(Duration::from_secs(2))
        })
        .reconnect_to_server_callback(move |servers, _| {
            attempts.observe(&servers);
            async { None }
        })
        .event_callback(move |event| {
            failure::observe(&connection, &overflow, &event);
            async {}
        })
        .connect(servers)
        .await?;
    Ok(client)
}

/// Connects once. Fails with the server's reason if it refuses the client.
pub async fn connect_once(config: &ConnectionConfig, name: &str) -> Result<Client, ConnectError> {
    let (servers, options) = prepared(config)?;
    Ok(options.name(name).connection_timeout(Duration::from_secs(3)).connect(servers).await?)
}

/// The servers, and the options with the login and TLS.
fn prepared(config: &ConnectionConfig) -> Result<(Vec<ServerAddr>, ConnectOptions), ConnectError> {
    // The libraries of this process bring two providers of cryptography; TLS without a choice would panic.
    let _ = async_nats::rustls::crypto::aws_lc_rs::default_provider().install_default();
    let (servers, logins) = servers(config.urls.expose_secret()).map_err(ConnectError::Url)?;
    let ConnectionConfig { urls_file, nkey, credentials, .. } = config;
    let login = Login::new(logins, urls_file.as_deref(), nkey.as_deref(), credentials.as_deref())?;
    login.check()?;
    let proving = move |nonce| login.clone().prove(nonce);
    Ok((servers, with_tls(ConnectOptions::with_auth_callback(proving), config)?))
}

fn with_tls(options: ConnectOptions, config: &ConnectionConfig) -> Result<ConnectOptions, ConnectError> {
    let mut options = options;
    if let Some(ca) = &config.ca {
        options = options.require_tls(true).add_root_certificates(readable(ca)?);
    }
    match (&config.certificate, &config.key) {
        (Some(certificate), Some(key)) => {
            Ok(options.require_tls(true).add_client_certificate(readable(certificate)?, readable(key)?))
        }
        (None, None) => Ok(options),
        _ => Err(ConnectError::Incomplete),
    }
}

fn readable(file: &Path) -> Result<PathBuf, ConnectError> {
    let opened = std::fs::File::open(file);
    opened.map(|_| file.to_owned()).map_err(|error| ConnectError::Certificate(file.to_owned(), error))
}

/// The servers without their logins, and the logins. The client does not read logins from URLs,
/// which it logs.
fn servers(urls: &str) -> io::Result<(Vec<ServerAddr>, Vec<Login>)> {
    let refused = |()| io::Error::new(io::ErrorKind::InvalidInput, "a URL without a host has no credentials");
    let (mut servers, mut logins) = (Vec::new(), Vec::new());
    for url in urls.split(',').map(str::trim).filter(|url| !url.is_empty()) {
        let server: ServerAddr = url.parse()?;
        logins.push(Login::of_url(&server));
        let mut url = server.into_inner();
        url.set_username("").map_err(refused)?;
        url.set_password(None).map_err(refused)?;
        servers.push(ServerAddr::from_url(url)?);
    }
    if servers.is_empty() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "the list of servers is empty"));
    }
    Ok((servers, logins))
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
    use tokio::net::TcpListener;

    use super::*;

    /// The `CONNECT` message of a client with these credentials.
    async fn connect_line(credentials: &str) -> serde_json::Value {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("nats://{credentials}{}", listener.local_addr().unwrap());
        let config = ConnectionConfig::new(url);
        let _client = connect(&config, "test", &Problems::default()).await.unwrap();
        let (mut socket, _) = listener.accept().await.unwrap();
        let info =
            r#"{"server_id":"s","version":"2.10.0","host":"127.0.0.1","port":4222,"max_payload":1048576}"#;
        socket.write_all(format!("INFO {info}\r\n").as_bytes()).await.unwrap();
        let mut line = String::new();
        BufReader::new(socket).read_line(&mut line).await.unwrap();
        serde_json::from_str(line.strip_prefix("CONNECT ").unwrap()).unwrap()
    }

    #[tokio::test]
    async fn credentials_in_the_url_are_sent_to_the_server() {
        let sent = connect_line("ann:p%40ss@").await;
        assert_eq!((&sent["user"], &sent["pass"]), (&"ann".into(), &"p@ss".into()));
        let sent = connect_line("t0ken@").await;
        assert_eq!((&sent["auth_token"], &sent["user"]), (&"t0ken".into(), &serde_json::Value::Null));
        let sent = connect_line("").await;
        assert_eq!(
            (&sent["auth_token"], &sent["user"]),
            (&serde_json::Value::Null, &serde_json::Value::Null)
        );
    }

    #[test]
    fn the_client_does_not_see_credentials_in_its_urls() {
        let (servers, _) =
            servers("nats://ann:s3cret@a.example.org:4222, tls://ann:s3cret@b.example.org").unwrap();
        let urls: Vec<_> = servers.into_iter().map(|server| server.into_inner().to_string()).collect();
        assert_eq!(urls, ["nats://a.example.org:4222", "tls://b.example.org"]);
    }

    #[tokio::test]
    async fn an_invalid_configuration_is_refused_without_its_secrets() {
        let refused = async |config: &ConnectionConfig| {
            let error = connect(config, "test", &Problems::default()).await.unwrap_err();
            format!("{error}: {:?}", std::error::Error::source(&error).map(ToString::to_string))
        };
        for url in ["", " , ", "nats://ann:s3cret@a b", "nats://ann:s3cret@a,nats://bob:s3cret@b"] {
            assert!(!refused(&ConnectionConfig::new(url)).await.contains("s3cret"), "{url}");
        }
        let without_key =
            ConnectionConfig { certificate: Some("cert.pem".into()), ..ConnectionConfig::new("nats://a") };
        assert!(refused(&without_key).await.starts_with("NATS_CERT and NATS_KEY belong together"));
        let without_file =
            ConnectionConfig { ca: Some("/nowhere/ca.pem".into()), ..ConnectionConfig::new("nats://a") };
        assert!(refused(&without_file).await.starts_with("/nowhere/ca.pem cannot be read"));
    }
}

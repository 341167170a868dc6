//! The connection to NATS, which is made in the background and reconnects without end.

use std::io;
use std::time::Duration;

use async_nats::{Client, ConnectOptions, Event, ServerAddr};
use percent_encoding::percent_decode_str;
use secrecy::{ExposeSecret as _, SecretString};

/// The connection to NATS cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The URL cannot be used.
    #[error("the NATS URL is not valid")]
    Url(#[source] io::Error),
    /// The client refused its options.
    #[error("the connection to NATS cannot be set up")]
    Options(#[from] async_nats::ConnectError),
}

/// Connects to NATS in the background and reconnects without end. An unreachable server is not an error here:
/// each later publication or request waits or fails by its own time limit.
///
/// The URL may hold a user and a password, or a token: `nats://user:password@host`, `nats://token@host`.
pub async fn connect(url: &SecretString, name: &str) -> Result<Client, ConnectError> {
    let (server, options) = without_credentials(url.expose_secret()).map_err(ConnectError::Url)?;
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
        .event_callback(|event| async move {
            match event {
                Event::Connected => tracing::info!("connected to NATS"),
                Event::Disconnected => tracing::warn!("connection to NATS was lost"),
                other => tracing::debug!(event = %other, "event of the connection to NATS"),
            }
        })
        .connect(server)
        .await?;
    Ok(client)
}

/// Connects once. Fails with the server's reason if it refuses the client.
pub async fn connect_once(url: &SecretString, name: &str) -> Result<Client, ConnectError> {
    let (server, options) = without_credentials(url.expose_secret()).map_err(ConnectError::Url)?;
    Ok(options.name(name).connection_timeout(Duration::from_secs(3)).connect(server).await?)
}

/// Moves the credentials of a URL to the options. The client does not read them from the URL, which it logs.
fn without_credentials(url: &str) -> io::Result<(ServerAddr, ConnectOptions)> {
    let server: ServerAddr = url.trim().parse()?;
    let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let options = ConnectOptions::new();
    let options = match (server.username(), server.password()) {
        (Some(user), Some(password)) => options.user_and_password(decoded(user), decoded(password)),
        (Some(token), None) => options.token(decoded(token)),
        (None, _) => options,
    };
    let mut url = server.into_inner();
    let refused = |()| io::Error::new(io::ErrorKind::InvalidInput, "a URL without a host has no credentials");
    url.set_username("").map_err(refused)?;
    url.set_password(None).map_err(refused)?;
    Ok((ServerAddr::from_url(url)?, options))
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
        let _client = connect(&url.into(), "test").await.unwrap();
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
    fn the_client_does_not_see_credentials_in_its_url() {
        let (server, _) = without_credentials("nats://ann:s3cret@example.org:4222").unwrap();
        assert_eq!(server.into_inner().as_str(), "nats://example.org:4222");
    }
}

//! Options of connections, and the errors of making one.

use std::io;
use std::str::FromStr as _;

use secrecy::{ExposeSecret as _, SecretString};
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions as _, Error, PgConnection};

/// A connection string that cannot be used. Its text is secret and not part of the error.
#[derive(Debug, thiserror::Error)]
#[error("connection string of the database is invalid")]
pub struct ConnectError(#[source] Error);

/// The options of a URL. A connection starts with those parameters alone that every pooler knows: `sqlx`
/// would add `extra_float_digits`, which `PgBouncer` refuses, and which nothing here needs.
pub fn options(url: &SecretString, application: &str) -> Result<PgConnectOptions, ConnectError> {
    let options = PgConnectOptions::from_str(url.expose_secret()).map_err(ConnectError)?;
    Ok(options.application_name(application).extra_float_digits(None))
}

/// A connection outside of any pool, for work that needs a session of its own.
pub async fn connect_alone(
    url: &SecretString,
    application: &str,
) -> Result<Result<PgConnection, Error>, ConnectError> {
    Ok(connect(&options(url, application)?).await)
}

/// Opens a connection.
pub(crate) async fn connect(options: &PgConnectOptions) -> Result<PgConnection, Error> {
    options.connect().await.map_err(|error| if is_hang_up(&error) { hang_up() } else { error })
}

/// Whether the other side accepted the connection and closed it without an answer, as a proxy does whose
/// server is away. `sqlx` reads the missing answer to its request for TLS as a byte of zero.
fn is_hang_up(error: &Error) -> bool {
    matches!(error, Error::Protocol(text) if text.contains("response from SSLRequest: 0x00"))
}

fn hang_up() -> Error {
    let text = "the other side closed the connection before it answered";
    Error::Io(io::Error::new(io::ErrorKind::UnexpectedEof, text))
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;
    use crate::is_lost;

    #[tokio::test]
    async fn a_connection_that_is_accepted_and_closed_at_once_can_be_tried_again() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("postgres://colloquy@{}/colloquy", listener.local_addr().unwrap());
        let options = options(&url.into(), "test").unwrap();
        let (accepted, connected) =
            tokio::join!(async { drop(listener.accept().await.unwrap()) }, connect(&options));
        let () = accepted;
        assert!(is_lost(&connected.unwrap_err()));
    }
}

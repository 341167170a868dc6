//! HTTP as bytes on a socket, for requests that no client sends.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Time limit of one exchange, generous for a busy machine.
const PATIENCE: std::time::Duration = std::time::Duration::from_mins(1);

/// All that a server sent on one connection.
#[derive(Debug)]
pub(crate) struct Received(String);

impl Received {
    /// Status of the first response; 0 if the connection was closed without one.
    pub(crate) fn status(&self) -> u16 {
        let status = self.0.split(' ').nth(1).filter(|_| self.0.starts_with("HTTP/1."));
        status.map_or(0, |status| status.parse().unwrap())
    }

    /// Number of responses.
    pub(crate) fn responses(&self) -> usize {
        self.0.matches("HTTP/1.1 ").count() + self.0.matches("HTTP/1.0 ").count()
    }

    /// A header of the first response.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let (head, _) = self.0.split_once("\r\n\r\n").unwrap_or((&self.0, ""));
        let mut fields = head.lines().filter_map(|line| line.split_once(": "));
        fields.find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// The text after the first header.
    pub(crate) fn body(&self) -> &str {
        self.0.split_once("\r\n\r\n").map_or("", |(_, body)| body)
    }
}

/// Sends bytes and reads until the server closes the connection. The bytes have to ask for that,
/// or be invalid.
pub(crate) async fn exchange(url: &str, bytes: &[u8]) -> Received {
    let exchanging = async {
        let mut connection = TcpStream::connect(url.trim_start_matches("http://")).await.unwrap();
        // A server that refuses the beginning may close before the end is written.
        let _ = connection.write_all(bytes).await;
        let mut received = Vec::new();
        let _ = connection.read_to_end(&mut received).await;
        Received(String::from_utf8_lossy(&received).into_owned())
    };
    tokio::time::timeout(PATIENCE, exchanging).await.expect("the connection stays open")
}

/// Sends a request without a body, and without a token.
pub(crate) async fn request(url: &str, method: &str, target: &str) -> Received {
    let request = format!("{method} {target} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    exchange(url, request.as_bytes()).await
}

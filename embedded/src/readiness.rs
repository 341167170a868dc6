//! How a service shows that it is ready to be used. One look each; the waiting is [`crate::Service`]'s.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::process::Command;
use tokio::time::timeout;

use crate::http;

const PATIENCE: Duration = Duration::from_secs(2);

/// The sign of readiness of one kind of service.
#[derive(Debug, Clone)]
pub enum Readiness {
    /// PostgreSQL's own `pg_isready`, at this path, finds that connections are accepted.
    PgIsReady(PathBuf),
    /// A NATS server greets with JetStream enabled.
    NatsWithJetStream,
    /// The text appears in what the service has printed since it was started.
    Prints(&'static str),
    /// `GET` of the path answers 200.
    Answers(&'static str),
}

impl Readiness {
    /// Whether the service at `address` is ready; `printed` is its log since the start.
    pub(crate) async fn is_reached(&self, address: SocketAddr, printed: impl Fn() -> String) -> bool {
        match self {
            Self::PgIsReady(program) => pg_is_ready(program, address).await,
            Self::NatsWithJetStream => {
                timeout(PATIENCE, nats_greeting(address)).await.is_ok_and(|greeting| {
                    greeting
                        .is_ok_and(|line| line.starts_with("INFO ") && line.contains("\"jetstream\":true"))
                })
            }
            Self::Prints(text) => printed().contains(text),
            Self::Answers(path) => {
                http::get(address, path, PATIENCE).await.is_ok_and(|(status, _)| status == 200)
            }
        }
    }
}

async fn pg_is_ready(program: &PathBuf, address: SocketAddr) -> bool {
    let mut command = Command::new(program);
    command.env_clear().kill_on_drop(true);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.args(["-q", "-d", "postgres", "-t", "2", "-h"]).arg(address.ip().to_string());
    command.arg("-p").arg(address.port().to_string());
    command.status().await.is_ok_and(|status| status.success())
}

async fn nats_greeting(address: SocketAddr) -> std::io::Result<String> {
    let mut line = String::new();
    BufReader::new(TcpStream::connect(address).await?).read_line(&mut line).await?;
    Ok(line)
}

//! Readiness checks of services. Each checks once; [`crate::Service`] repeats it.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::process::Command;
use tokio::time::timeout;

use crate::http;

/// Time limit of one check.
const TIME_LIMIT: Duration = Duration::from_secs(2);

/// The readiness check of a service.
#[derive(Debug, Clone)]
pub enum Readiness {
    /// `pg_isready` at this path reports that PostgreSQL accepts connections.
    PgIsReady(PathBuf),
    /// The NATS server sends its greeting, with JetStream enabled.
    NatsWithJetStream,
    /// The output of the service since its start contains the text.
    Prints(&'static str),
    /// `GET` of the path returns 200.
    Answers(&'static str),
}

impl Readiness {
    /// Whether the service at `address` is ready; `printed` is its log since the start.
    pub(crate) async fn is_reached(&self, address: SocketAddr, printed: impl Fn() -> String) -> bool {
        match self {
            Self::PgIsReady(program) => pg_is_ready(program, address).await,
            Self::NatsWithJetStream => {
                timeout(TIME_LIMIT, nats_greeting(address)).await.is_ok_and(|greeting| {
                    greeting
                        .is_ok_and(|line| line.starts_with("INFO ") && line.contains("\"jetstream\":true"))
                })
            }
            Self::Prints(text) => printed().contains(text),
            Self::Answers(path) => {
                http::get(address, path, TIME_LIMIT).await.is_ok_and(|(status, _)| status == 200)
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

//! A person with a stream, who asks one question after the other.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use uuid::Uuid;

use crate::load::Connection;
use crate::requests::Clients;

/// Longest silence of a stream, longer than a worker reads its model.
const PATIENCE: Duration = Duration::from_secs(30);
/// What stands behind an event.
const END: &[u8] = b"\n\n";

/// The end of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Cited,
    /// Completed without a citation.
    Refused,
    Failed,
}

/// The connections of a user: one for commands, one for the stream.
#[derive(Debug)]
pub(super) struct Person {
    user: usize,
    connection: Connection,
    stream: TcpStream,
    /// What was read from the stream behind the last event.
    read: Vec<u8>,
}

impl Person {
    /// Opens the stream, and returns once it has begun.
    pub(super) async fn open(address: SocketAddr, clients: &Clients, user: usize) -> anyhow::Result<Self> {
        let (connection, mut stream) = (Connection::open(address).await?, TcpStream::connect(address).await?);
        let mut request = Vec::new();
        clients.stream(&mut request, user);
        stream.write_all(&request).await?;
        let mut person = Self { user, connection, stream, read: Vec::new() };
        while !has(&person.event().await?, "retry:") {}
        Ok(person)
    }

    /// Begins a conversation with a question, and waits until the answer has ended.
    pub(super) async fn ask(&mut self, clients: &Clients, question: &str) -> anyhow::Result<Outcome> {
        let conversation = Uuid::now_v7();
        let mut request = Vec::new();
        clients.say(&mut request, self.user, conversation, question);
        let asking = tokio::time::timeout(PATIENCE, self.connection.exchange(&request)).await;
        let reply = asking.context("`ask` is not answered")??;
        anyhow::ensure!(reply.status == 202, "a question was answered with {}", reply.status);
        let conversation = conversation.to_string();
        loop {
            let event = self.event().await?;
            if !has(&event, &conversation) {
                continue;
            }
            if has(&event, "event: answer.completed") {
                let has_none = has(&event, "\"citations\":[]");
                return Ok(if has_none { Outcome::Refused } else { Outcome::Cited });
            }
            if has(&event, "event: answer.failed") || has(&event, "event: answer.stopped") {
                return Ok(Outcome::Failed);
            }
        }
    }

    /// The next event of the stream, with what HTTP writes around it.
    async fn event(&mut self) -> anyhow::Result<Vec<u8>> {
        let mut searched = 0;
        loop {
            let end = self.read.get(searched..).unwrap_or_default();
            if let Some(at) = end.windows(END.len()).position(|window| window == END) {
                return Ok(self.read.drain(..searched + at + END.len()).collect());
            }
            searched = self.read.len().saturating_sub(END.len() - 1);
            let read = tokio::time::timeout(PATIENCE, self.stream.read_buf(&mut self.read)).await;
            anyhow::ensure!(read.context("a stream is silent")?? > 0, "a stream ended");
        }
    }
}

fn has(event: &[u8], words: &str) -> bool {
    event.windows(words.len()).any(|window| window == words.as_bytes())
}

//! Latency that a user sees: from sending `ask` until the read model shows the question, until the first
//! words of the answer, and until its end. The worker quotes, since no language model is part of the product.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use hdrhistogram::Histogram;
use serde::Deserialize;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use uuid::Uuid;

use crate::delivery::nanoseconds;
use crate::load::{self, Connection};
use crate::requests::Clients;

/// Questions asked one after the other.
const QUESTIONS: usize = 60;
/// Between two questions: nothing else is going on.
const PAUSE: Duration = Duration::from_millis(100);
const PATIENCE: Duration = Duration::from_secs(20);
const DELTA: &[u8] = b"event: answer.delta";
const COMPLETED: &[u8] = b"event: answer.completed";

/// A question that the only documents here, the project's own, answer.
const QUESTION: &str = "What is Colloquy?";

/// Times in nanoseconds, all from sending `ask`.
#[derive(Debug)]
pub(crate) struct FirstWords {
    /// Until `messages` shows the question.
    pub(crate) shown: Histogram<u64>,
    /// Until the first piece of the answer is read from the stream.
    pub(crate) begun: Histogram<u64>,
    /// Until the stream says that the answer is whole.
    pub(crate) completed: Histogram<u64>,
}

#[derive(Deserialize)]
struct Accepted {
    version: u64,
}

/// Asks, and reads stream and read model as the page does.
pub(crate) async fn measure(address: SocketAddr, clients: &Clients) -> anyhow::Result<FirstWords> {
    let mut times =
        FirstWords { shown: load::latencies()?, begun: load::latencies()?, completed: load::latencies()? };
    // The first one waits for the worker to read its model, and does not count.
    for user in 0..=QUESTIONS {
        let (shown, begun, completed) = one(address, clients, user).await?;
        if user > 0 {
            times.shown.saturating_record(nanoseconds(shown));
            times.begun.saturating_record(nanoseconds(begun));
            times.completed.saturating_record(nanoseconds(completed));
        }
        tokio::time::sleep(PAUSE).await;
    }
    Ok(times)
}

/// One question of a user: times until it is shown, until the first words of its answer, until
/// the answer's end.
pub(crate) async fn one(
    address: SocketAddr,
    clients: &Clients,
    user: usize,
) -> anyhow::Result<(Duration, Duration, Duration)> {
    one_within(address, clients, user, PATIENCE).await
}

/// The same with another limit for each wait at the stream.
pub(crate) async fn one_within(
    address: SocketAddr,
    clients: &Clients,
    user: usize,
    patience: Duration,
) -> anyhow::Result<(Duration, Duration, Duration)> {
    let mut stream = Stream::open(address, clients, user, patience).await?;
    let mut connection = Connection::open(address).await?;
    let conversation = Uuid::now_v7();
    let mut request = Vec::new();
    clients.say(&mut request, user, conversation, QUESTION);
    let sent = Instant::now();
    let reply = connection.exchange(&request).await?;
    anyhow::ensure!(reply.status == 202, "a question was answered with {}", reply.status);
    let accepted: Accepted = serde_json::from_slice(connection.body(reply))?;
    let shown = async {
        request.clear();
        clients.messages(&mut request, user, conversation, accepted.version);
        loop {
            let reply = connection.exchange(&request).await?;
            // The read models are too far behind for one request.
            if reply.status == 503 && sent.elapsed() < patience {
                continue;
            }
            anyhow::ensure!(reply.status == 200, "messages were answered with {}", reply.status);
            return Ok(sent.elapsed());
        }
    };
    let heard = async {
        // Pieces that arrive after the end of their answer are not sent.
        stream.until(&[DELTA, COMPLETED]).await?;
        let begun = sent.elapsed();
        stream.until(&[COMPLETED]).await?;
        Ok((begun, sent.elapsed()))
    };
    let (shown, (begun, completed)) = tokio::try_join!(shown, heard)?;
    Ok((shown, begun, completed))
}

/// A user's stream, read as far as needed.
struct Stream {
    connection: TcpStream,
    read: Vec<u8>,
    patience: Duration,
}

impl Stream {
    /// Opens it, and returns once it has begun.
    async fn open(
        address: SocketAddr,
        clients: &Clients,
        user: usize,
        patience: Duration,
    ) -> anyhow::Result<Self> {
        let mut connection = TcpStream::connect(address).await?;
        let mut request = Vec::new();
        clients.stream(&mut request, user);
        connection.write_all(&request).await?;
        let mut stream = Self { connection, read: Vec::new(), patience };
        stream.until(&[b"retry:"]).await?;
        Ok(stream)
    }

    /// Reads until one of these was said.
    async fn until(&mut self, any: &[&[u8]]) -> anyhow::Result<()> {
        let is_said = |read: &[u8], words: &[u8]| read.windows(words.len()).any(|window| window == words);
        while !any.iter().any(|words| is_said(&self.read, words)) {
            let read = tokio::time::timeout(self.patience, self.connection.read_buf(&mut self.read)).await;
            let read = read.with_context(|| format!("no `{}`", String::from_utf8_lossy(any[0])))??;
            anyhow::ensure!(read > 0, "the stream ended");
        }
        Ok(())
    }
}

//! Latency of a question to a worker: from the answer to `ask` until its event arrives over NATS.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use futures::StreamExt as _;
use hdrhistogram::Histogram;
use nats::{ConnectionConfig, Problems, Subjects};
use tokio::sync::mpsc;
use uuid::Uuid;

use crate::load::{self, Connection};
use crate::requests::Clients;

/// Questions asked one after the other.
const QUESTIONS: usize = 400;
/// Between two questions: nothing else is going on.
const PAUSE: Duration = Duration::from_millis(15);
const PATIENCE: Duration = Duration::from_secs(10);

/// Times in nanoseconds.
#[derive(Debug)]
pub(crate) struct Delivery {
    /// From sending `ask` until it was answered: durable by then.
    pub(crate) answered: Histogram<u64>,
    /// From then until the event arrived; nothing when it was there first.
    pub(crate) arrived: Histogram<u64>,
}

/// Asks, and watches as a worker would.
pub(crate) async fn measure(
    address: SocketAddr,
    nats_url: &str,
    clients: &Clients,
    users: usize,
) -> anyhow::Result<Delivery> {
    let client = nats::connect(&ConnectionConfig::new(nats_url), "bench", &Problems::default()).await?;
    let mut events = client.subscribe(Subjects::new("colloquy").answers_requested()).await?;
    client.flush().await?;
    let (arrivals, mut arrived) = mpsc::unbounded_channel();
    let watching = tokio::spawn(async move {
        while let Some(event) = events.next().await {
            let at = Instant::now();
            let conversation = event.subject.rsplit('.').next().and_then(|id| id.parse::<Uuid>().ok());
            if conversation.is_some_and(|id| arrivals.send((id, at)).is_err()) {
                return;
            }
        }
    });
    let mut delivery = Delivery { answered: load::latencies()?, arrived: load::latencies()? };
    let mut answers = HashMap::with_capacity(QUESTIONS);
    let mut connection = Connection::open(address).await?;
    let mut request = Vec::new();
    for number in 0..QUESTIONS {
        let conversation = Uuid::now_v7();
        request.clear();
        clients.begin(&mut request, number % users, conversation);
        let sent = Instant::now();
        let reply = connection.exchange(&request).await?;
        let answered = Instant::now();
        anyhow::ensure!(reply.status == 202, "a question was answered with {}", reply.status);
        delivery.answered.saturating_record(nanoseconds(answered - sent));
        answers.insert(conversation, answered);
        tokio::time::sleep(PAUSE).await;
    }
    while !answers.is_empty() {
        let next = tokio::time::timeout(PATIENCE, arrived.recv()).await;
        let (conversation, at) = next.context("an event did not arrive")?.context("NATS is gone")?;
        if let Some(answered) = answers.remove(&conversation) {
            delivery.arrived.saturating_record(nanoseconds(at.saturating_duration_since(answered)));
        }
    }
    watching.abort();
    Ok(delivery)
}

pub(crate) fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

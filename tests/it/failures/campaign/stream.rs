//! Clients of the streams: they put answers together, lose their connection, and resume.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use serde_json::Value;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::client::Client;
use super::history::{Ending, Fact, StreamKind};

/// A connection with no byte for so long is given up: the service sends a comment every 15 s.
const SILENCE: Duration = Duration::from_secs(20);
const LIFETIME: Duration = Duration::from_mins(5);
const RECONNECT_AFTER: Duration = Duration::from_millis(200);
/// Position before all events.
const BEGINNING: &str = "0.0";
/// A client hangs up after at most so many events.
const MOST_EVENTS: usize = 400;

/// A client of a stream, with the answers that are being written.
pub(super) struct Follower {
    client: Arc<Client>,
    path: String,
    kind: StreamKind,
    last_id: Option<String>,
    /// Attempt and text so far.
    answers: HashMap<Uuid, (u64, String)>,
    /// Status of the last connection.
    status: u16,
    rng: fastrand::Rng,
}

/// Kind of a block of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Block {
    Comment,
    Event,
    /// The event that ended an answer.
    EndOf(Uuid),
}

/// Why a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Closed {
    /// The account is in erasure.
    Erased,
    /// The awaited answer ended.
    Told,
    /// For another reason: the client comes back.
    Lost,
}

impl Follower {
    /// Follows everything of a person from the first event on.
    pub(super) fn of_everything(client: Arc<Client>, rng: fastrand::Rng) -> Self {
        let last_id = Some(BEGINNING.to_owned());
        let kind = StreamKind::Resumed;
        Self {
            client,
            path: "/v1/stream".to_owned(),
            kind,
            last_id,
            answers: HashMap::new(),
            status: 200,
            rng,
        }
    }

    /// Follows one conversation.
    pub(super) fn of_conversation(client: Arc<Client>, conversation: Uuid, rng: fastrand::Rng) -> Self {
        let path = format!("/v1/conversations/{conversation}/stream");
        let kind = StreamKind::Conversation;
        Self { client, path, kind, last_id: None, answers: HashMap::new(), status: 200, rng }
    }

    /// Follows, over all interruptions, until cancelled or until the account is erased.
    pub(super) async fn run(mut self, cancel: CancellationToken) {
        let following = async {
            while self.connect(None).await != Closed::Erased {
                tokio::time::sleep(RECONNECT_AFTER).await;
            }
        };
        cancel.run_until_cancelled(following).await;
    }

    /// Follows until an answer has ended, for at most so many connections.
    pub(super) async fn until_ended(mut self, answer: Uuid, connections: u32) {
        for _ in 0..connections {
            if self.connect(Some(answer)).await != Closed::Lost {
                return;
            }
            tokio::time::sleep(RECONNECT_AFTER).await;
        }
    }

    async fn connect(&mut self, awaited: Option<Uuid>) -> Closed {
        let api = self.client.api(self.rng.usize(..)).to_owned();
        let mut request = self.client.http.get(format!("{api}{}", self.path)).timeout(LIFETIME);
        if let Some(last) = &self.last_id {
            request = request.header("last-event-id", last);
        }
        let token = self.client.token().await;
        let sent = timeout(SILENCE, request.bearer_auth(token).send()).await;
        let status = sent.as_ref().map_or(0, |sent| sent.as_ref().map_or(0, |sent| sent.status().as_u16()));
        if self.kind == StreamKind::Resumed && status != self.status {
            self.status = status;
            self.client.history.record(Fact::Stream { who: self.client.who, status });
        }
        let Ok(Ok(response)) = sent else { return Closed::Lost };
        match status {
            200 => {}
            403 => return Closed::Erased,
            401 | 429 | 503 => return Closed::Lost,
            status => {
                let (who, path) = (self.client.who, self.path.clone());
                self.client.history.record(Fact::Read { who, path, status });
                return Closed::Lost;
            }
        }
        self.read(response, awaited).await
    }

    async fn read(&mut self, response: reqwest::Response, awaited: Option<Uuid>) -> Closed {
        let mut left = self.rng.usize(1..MOST_EVENTS);
        let mut bytes = response.bytes_stream();
        let mut buffer = Vec::new();
        while let Ok(Some(Ok(chunk))) = timeout(SILENCE, bytes.next()).await {
            buffer.extend_from_slice(&chunk);
            while let Some(end) = buffer.windows(2).position(|pair| pair == b"\n\n") {
                let block: Vec<u8> = buffer.drain(..end + 2).collect();
                let block = String::from_utf8(block).unwrap();
                self.client.history.observe(self.client.who, &self.path, &block);
                match self.take(&block).unwrap_or(Block::Comment) {
                    Block::Comment => continue,
                    Block::EndOf(answer) if Some(answer) == awaited => return Closed::Told,
                    Block::Event | Block::EndOf(_) => left -= 1,
                }
                if left == 0 {
                    return Closed::Lost;
                }
            }
        }
        Closed::Lost
    }

    /// Takes in one block. `None` for one without an event.
    fn take(&mut self, block: &str) -> Option<Block> {
        let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
        let event = field("event:")?;
        let data: Value = serde_json::from_str(field("data:")?).unwrap();
        self.last_id = field("id:").map(str::to_owned).or(self.last_id.take());
        let id = |name: &str| data[name].as_str().and_then(|id| Uuid::try_parse(id).ok()).unwrap_or_default();
        match event {
            "question" if self.kind == StreamKind::Resumed => {
                self.client.history.record(Fact::Asked { who: self.client.who, question: id("id") });
            }
            "answer.started" => {
                let from = usize::try_from(data["from"].as_u64().unwrap_or(0)).unwrap();
                let (attempt, text) = self.answers.entry(id("answer_id")).or_default();
                *attempt = data["attempt"].as_u64().unwrap_or_default();
                // A start in mid-text continues the text of the attempt before.
                text.truncate(from);
            }
            "answer.delta" => self.append(id("answer_id"), &data),
            "answer.completed" | "answer.stopped" | "answer.failed" => {
                let answer = id("id");
                let (attempt, assembled) = self.answers.remove(&answer).unwrap_or_default();
                let text = data["text"].as_str().unwrap_or_default().to_owned();
                let ending = Ending { answer, event: event.to_owned(), text, attempt, assembled };
                let (who, stream) = (self.client.who, self.kind);
                self.client.history.record(Fact::Ended { who, stream, ending });
                return Some(Block::EndOf(answer));
            }
            _ => {}
        }
        Some(Block::Event)
    }

    fn append(&mut self, answer: Uuid, data: &Value) {
        let offset = usize::try_from(data["offset"].as_u64().unwrap_or_default()).unwrap();
        let (attempt, text) = self.answers.entry(answer).or_default();
        if offset > text.len() || data["attempt"].as_u64() != Some(*attempt) {
            let (who, has) = (self.client.who, text.len());
            self.client.history.record(Fact::Hole { who, answer, has, offset });
            return;
        }
        text.truncate(offset);
        text.push_str(data["text"].as_str().unwrap_or_default());
    }
}

//! Publishes an answer while it is being written: its sources, then its text in encrypted deltas.
//!
//! Publishing runs beside the writing and never delays it. A lost delta does no harm: the whole answer is
//! recorded as an event.

mod written;

use std::sync::atomic::Ordering;
use std::time::Duration;

use aggregates::conversation::Citation;
use aggregates::{AnswerId, ConversationId, QuestionId, UserId};
use async_nats::connection::State;
use async_nats::jetstream::Context;
use async_nats::jetstream::context::PublishError;
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::publish::PublishAck;
use futures::StreamExt as _;
use futures::future::BoxFuture;
use futures::stream::FuturesOrdered;
use nats::{LiveKind, LiveMessage, Subjects, ensure_streams};
use rag::error_chain::ErrorChain;
use sealing::{AssociatedData, ContentKey};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;

use written::{StreamMark, Written};

/// Delay after a failure of NATS.
const PAUSE: Duration = Duration::from_millis(250);
/// Time limit for handing one message to the connection.
const SEND_TIMEOUT: Duration = Duration::from_secs(2);
/// Time that the end of an answer waits for its last delta.
const LAST_DELTA: Duration = Duration::from_millis(250);

/// An attempt at an answer, as live messages identify it.
#[derive(Debug, Clone)]
pub(super) struct Attempt {
    pub(super) owner: UserId,
    pub(super) conversation_id: ConversationId,
    pub(super) question_id: QuestionId,
    pub(super) answer_id: AnswerId,
    /// Number of the attempt, from 1.
    pub(super) number: u32,
    pub(super) key: ContentKey,
}

/// An answer that is being published. Dropping it ends publishing at once.
///
/// The channel has no bound of its own, so that publishing never delays writing. It holds at most the text of
/// one answer, whose length is bounded.
#[derive(Debug)]
pub(super) struct LiveAnswer {
    news: mpsc::UnboundedSender<News>,
    publishing: AbortOnDropHandle<()>,
}

#[derive(Debug)]
enum News {
    Sources(Vec<Citation>),
    Reasoning(String),
    Text(String),
    Void,
}

impl LiveAnswer {
    /// Publishes that an attempt has started, then whatever is added.
    pub(super) fn begin(jetstream: Context, subjects: Subjects, attempt: Attempt) -> Self {
        let (news, receiver) = mpsc::unbounded_channel();
        let publisher = Publisher::new(jetstream, subjects, attempt);
        Self { news, publishing: AbortOnDropHandle::new(tokio::spawn(publisher.run(receiver))) }
    }

    /// Publishes the passages that retrieval found.
    pub(super) fn sources(&self, sources: Vec<Citation>) {
        let _ = self.news.send(News::Sources(sources));
    }

    /// Publishes more text.
    pub(super) fn text(&self, text: String) {
        let _ = self.news.send(News::Text(text));
    }

    /// Publishes more of the reasoning before the text.
    pub(super) fn reasoning(&self, reasoning: String) {
        let _ = self.news.send(News::Reasoning(reasoning));
    }

    /// Publishes that all text and reasoning so far is void.
    pub(super) fn void(&self) {
        let _ = self.news.send(News::Void);
    }

    /// Waits, with a time limit, until the last text is sent.
    pub(super) async fn finish(self) {
        let Self { news, publishing } = self;
        drop(news);
        let _ = tokio::time::timeout(LAST_DELTA, publishing).await;
    }
}

type Ack = BoxFuture<'static, Result<PublishAck, PublishError>>;

struct Publisher {
    jetstream: Context,
    subjects: Subjects,
    subject: String,
    attempt: Attempt,
    /// Number of the beginning within the attempt.
    beginning: u32,
    sources: Option<Vec<Citation>>,
    reasoning: Written,
    written: Written,
    acks: FuturesOrdered<Ack>,
    stream: StreamMark,
    /// Time at which everything is sent again because the stream was lost; `None` while the stream is intact.
    anew_at: Option<Instant>,
}

impl Publisher {
    fn new(jetstream: Context, subjects: Subjects, attempt: Attempt) -> Self {
        let subject = subjects.live(attempt.owner, attempt.conversation_id, attempt.answer_id);
        Self {
            jetstream,
            subjects,
            subject,
            attempt,
            beginning: 0,
            sources: None,
            reasoning: Written::default(),
            written: Written::default(),
            acks: FuturesOrdered::new(),
            stream: StreamMark::default(),
            anew_at: None,
        }
    }

    async fn run(mut self, mut news: mpsc::UnboundedReceiver<News>) {
        self.begin().await;
        loop {
            let due = self.next_due();
            let wait = async {
                match due {
                    Some(due) => tokio::time::sleep_until(due).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                told = news.recv() => match told {
                    Some(told) => self.hear(told).await,
                    None => break,
                },
                Some(ack) = self.acks.next() => self.check(ack),
                () = wait => self.publish_due().await,
            }
        }
        self.publish_due().await;
    }

    fn next_due(&self) -> Option<Instant> {
        let now = Instant::now();
        self.anew_at.or_else(|| self.written.due(now).into_iter().chain(self.reasoning.due(now)).min())
    }

    async fn hear(&mut self, news: News) {
        match news {
            News::Sources(sources) => {
                self.sources = Some(sources);
                if self.anew_at.is_none() {
                    self.publish_sources().await;
                }
            }
            News::Reasoning(reasoning) => self.reasoning.push(&reasoning),
            News::Text(text) => self.written.push(&text),
            News::Void => {
                self.beginning += 1;
                (self.written, self.reasoning) = (Written::default(), Written::default());
                if self.anew_at.is_none() {
                    self.publish(LiveKind::Started, vec![]).await;
                    self.publish_sources().await;
                }
            }
        }
    }

    /// Publishes the start of the attempt on the current connection.
    async fn begin(&mut self) {
        self.stream = StreamMark { connects: self.connects(), last_sequence: 0 };
        if self.is_connected() {
            self.publish(LiveKind::Started, vec![]).await;
        } else {
            self.interrupted();
        }
    }

    async fn publish_due(&mut self) {
        if self.anew_at.is_none() && (!self.is_connected() || self.connects() != self.stream.connects) {
            self.interrupted();
            self.anew_at = Some(Instant::now());
        }
        if self.anew_at.is_some() {
            return self.begin_anew().await;
        }
        self.publish_pieces().await;
    }

    /// Publishes everything again from offset 0, on a stream that may be new.
    async fn begin_anew(&mut self) {
        self.anew_at = Some(Instant::now() + PAUSE);
        if !self.is_connected() {
            return;
        }
        self.stream = StreamMark { connects: self.connects(), last_sequence: 0 };
        if let Err(error) = ensure_streams(&self.jetstream, &self.subjects).await {
            tracing::debug!(error = %ErrorChain(&error), "the live stream does not exist yet");
            return;
        }
        self.acks = FuturesOrdered::new();
        self.anew_at = None;
        self.written.forget_sent();
        self.reasoning.forget_sent();
        self.publish(LiveKind::Started, vec![]).await;
        self.publish_sources().await;
        self.publish_pieces().await;
    }

    async fn publish_sources(&mut self) {
        let Some(sources) = &self.sources else { return };
        match serde_json::to_vec(sources) {
            Ok(json) => self.publish(LiveKind::Sources, json).await,
            Err(error) => tracing::error!(error = %ErrorChain(&error), "sources could not be serialized"),
        }
    }

    /// Publishes what was written since the last time, reasoning first.
    async fn publish_pieces(&mut self) {
        let now = Instant::now();
        if let Some((offset, text)) = self.reasoning.take(now) {
            let text = text.as_bytes().to_vec();
            self.publish(LiveKind::Reasoning { offset }, text).await;
        }
        if let Some((offset, text)) = self.written.take(now) {
            let text = text.as_bytes().to_vec();
            self.publish(LiveKind::Delta { offset }, text).await;
        }
    }

    async fn publish(&mut self, kind: LiveKind, text: Vec<u8>) {
        let Some(payload) = self.message(kind, &text) else { return };
        let message = PublishMessage::build().payload(payload);
        let sending = self.jetstream.send_publish(self.subject.clone(), message);
        let sent = tokio::time::timeout(SEND_TIMEOUT, sending).await;
        match sent {
            Ok(Ok(ack)) => self.acks.push_back(ack.into_future()),
            Ok(Err(_)) | Err(_) => self.interrupted(),
        }
    }

    fn message(&self, kind: LiveKind, text: &[u8]) -> Option<bytes::Bytes> {
        let Attempt { conversation_id, question_id, answer_id, number, key, .. } = &self.attempt;
        let mut message = LiveMessage {
            answer_id: *answer_id,
            question_id: *question_id,
            attempt: *number,
            beginning: self.beginning,
            kind,
            sealed: vec![],
        };
        let label = message.label();
        let aad = AssociatedData::Live {
            conversation_id: *conversation_id,
            answer_id: *answer_id,
            attempt: *number,
            message: &label,
        };
        let sealed = match text {
            [] => Ok(vec![]),
            text => key.seal(&aad, text),
        };
        let written = sealed.map_err(|error| error.to_string()).and_then(|sealed| {
            message.sealed = sealed;
            message.to_bytes().map_err(|error| error.to_string())
        });
        written.inspect_err(|error| tracing::error!(error, "a live message could not be encrypted")).ok()
    }

    /// Checks the acknowledgement: a message that was not stored, or that a new stream stored, means that
    /// earlier ones are lost.
    fn check(&mut self, ack: Result<PublishAck, PublishError>) {
        match ack {
            Ok(ack) if self.stream.advance(ack.sequence) => {}
            Ok(_) => {
                self.interrupted();
                self.anew_at = Some(Instant::now());
            }
            Err(error) => {
                tracing::debug!(error = %ErrorChain(&error), "a delta was not stored");
                self.interrupted();
            }
        }
    }

    fn interrupted(&mut self) {
        self.acks = FuturesOrdered::new();
        self.anew_at.get_or_insert_with(|| Instant::now() + PAUSE);
    }

    fn is_connected(&self) -> bool {
        self.jetstream.client().connection_state() == State::Connected
    }

    fn connects(&self) -> u64 {
        self.jetstream.client().statistics().connects.load(Ordering::Relaxed)
    }
}

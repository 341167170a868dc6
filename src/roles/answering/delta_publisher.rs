//! Publishes an answer while it is being written: its sources, then its text in encrypted deltas.
//!
//! Publishing runs beside the writing and never delays it. A lost delta does no harm: the whole answer is
//! recorded as an event.

mod attempt;
mod written;

use std::sync::atomic::Ordering;
use std::time::Duration;

use aggregates::conversation::Citation;
use async_nats::connection::State;
use async_nats::jetstream::Context;
use async_nats::jetstream::context::PublishError;
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::publish::PublishAck;
use futures::StreamExt as _;
use futures::future::BoxFuture;
use futures::stream::FuturesOrdered;
use nats::{LiveKind, Subjects, ensure_streams};
use rag::error_chain::ErrorChain;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;

pub(super) use attempt::Attempt;
use written::{StreamMark, Written};

/// Delay after a failure of NATS.
const PAUSE: Duration = Duration::from_millis(250);
/// Time limit for handing one message to the connection.
const SEND_TIMEOUT: Duration = Duration::from_secs(2);
/// Time that the end of an answer waits for its last delta.
const LAST_DELTA: Duration = Duration::from_millis(250);

/// How an attempt begins.
#[derive(Debug, Default)]
pub(super) struct Opening {
    /// The text that the attempt continues, and the reasoning before it; empty where it starts over.
    pub(super) text: String,
    pub(super) reasoning: String,
    /// Whether a later attempt can continue the text.
    pub(super) can_continue: bool,
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
    /// The text is void. Whether a later attempt can continue the next one.
    Void(bool),
}

impl LiveAnswer {
    /// Publishes that an attempt has started, then whatever is added.
    pub(super) fn begin(jetstream: Context, subjects: Subjects, attempt: Attempt, opening: Opening) -> Self {
        let (news, receiver) = mpsc::unbounded_channel();
        let publisher = Publisher::new(jetstream, subjects, attempt, opening);
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

    /// Publishes that all text and reasoning so far is void, if there is any. `can_continue` tells whether a
    /// later attempt can continue the next text.
    pub(super) fn void(&self, can_continue: bool) {
        let _ = self.news.send(News::Void(can_continue));
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
    /// Bytes of the text that the beginning continues.
    from: u64,
    can_continue: bool,
    sources: Option<Vec<Citation>>,
    reasoning: Written,
    written: Written,
    acks: FuturesOrdered<Ack>,
    stream: StreamMark,
    /// Time at which everything is sent again because the stream was lost; `None` while the stream is intact.
    anew_at: Option<Instant>,
}

impl Publisher {
    fn new(jetstream: Context, subjects: Subjects, attempt: Attempt, opening: Opening) -> Self {
        let from = opening.text.len() as u64;
        let subject = subjects.live(attempt.owner, attempt.conversation_id, attempt.answer_id);
        Self {
            jetstream,
            subjects,
            subject,
            attempt,
            beginning: 0,
            from,
            can_continue: opening.can_continue,
            sources: None,
            reasoning: Written::of(opening.reasoning),
            written: Written::of(opening.text),
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
            News::Void(can_continue) => {
                let is_begun = !self.written.is_empty() || !self.reasoning.is_empty();
                if !is_begun && can_continue == self.can_continue {
                    return;
                }
                self.beginning += 1;
                (self.from, self.can_continue) = (0, can_continue);
                (self.written, self.reasoning) = (Written::default(), Written::default());
                if self.anew_at.is_none() {
                    self.publish_start().await;
                    self.publish_sources().await;
                }
            }
        }
    }

    /// Publishes the start of the attempt on the current connection.
    async fn begin(&mut self) {
        self.stream = StreamMark { connects: self.connects(), last_sequence: 0 };
        if self.is_connected() {
            self.publish_start().await;
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
        self.publish_start().await;
        self.publish_sources().await;
        self.publish_pieces().await;
    }

    async fn publish_start(&mut self) {
        let started = LiveKind::Started { from: self.from, can_continue: self.can_continue };
        self.publish(started, vec![]).await;
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
        let Some(payload) = self.attempt.message(self.beginning, kind, &text) else { return };
        let message = PublishMessage::build().payload(payload);
        let sending = self.jetstream.send_publish(self.subject.clone(), message);
        let sent = tokio::time::timeout(SEND_TIMEOUT, sending).await;
        match sent {
            Ok(Ok(ack)) => self.acks.push_back(ack.into_future()),
            Ok(Err(_)) | Err(_) => self.interrupted(),
        }
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

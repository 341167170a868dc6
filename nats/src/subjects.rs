//! Every subject and stream name, once.

use aggregates::{AnswerId, ConversationId, DocumentId, UserId};
use uuid::Uuid;

/// The names of one installation; the prefix lets several share a server.
#[derive(Debug, Clone)]
pub struct Subjects {
    prefix: String,
}

impl Subjects {
    /// Names under a prefix: `colloquy` unless configured otherwise. Characters that mean something to NATS become `_`.
    pub fn new(prefix: &str) -> Self {
        let prefix = prefix.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
        Self { prefix }
    }

    /// `<prefix>.events.<aggregate>.<event>.<owner>.<aggregate_id>`.
    pub fn event(&self, aggregate: &str, event_type: &str, owner: Uuid, aggregate_id: Uuid) -> String {
        format!("{}.events.{aggregate}.{event_type}.{owner}.{aggregate_id}", self.prefix)
    }

    /// All events.
    pub fn all_events(&self) -> String {
        format!("{}.events.>", self.prefix)
    }

    /// The events that ask for an answer: the worker's work.
    pub fn answers_requested(&self) -> String {
        format!("{}.events.conversation.AnswerRequested.>", self.prefix)
    }

    /// The events that bring or take away a document.
    pub fn documents_changed(&self) -> Vec<String> {
        ["DocumentAdded", "DocumentRemoved"]
            .map(|event| format!("{}.events.document.{event}.>", self.prefix))
            .to_vec()
    }

    /// How far a document of somebody is on its way into the index; told to whoever listens at that moment.
    pub fn document_progress(&self, owner: UserId, document: DocumentId) -> String {
        format!("{}.progress.{owner}.{document}", self.prefix)
    }

    /// The same of all documents.
    pub fn all_document_progress(&self) -> String {
        format!("{}.progress.>", self.prefix)
    }

    /// The durable consumer of those who index documents.
    pub fn documents_consumer(&self) -> String {
        format!("{}_documents", self.prefix)
    }

    /// The events that end an answer from outside the worker.
    pub fn answers_stopped(&self) -> String {
        format!("{}.events.conversation.AnswerStopped.>", self.prefix)
    }

    /// An answer while it is being written.
    pub fn live(&self, owner: UserId, conversation: ConversationId, answer: AnswerId) -> String {
        format!("{}.live.{owner}.{conversation}.{answer}", self.prefix)
    }

    /// All answers that are being written.
    pub fn all_live(&self) -> String {
        format!("{}.live.>", self.prefix)
    }

    /// What could not be worked on, by kind.
    pub fn dead(&self, kind: &str) -> String {
        format!("{}.dead.{kind}", self.prefix)
    }

    /// Everything that could not be worked on.
    pub fn all_dead(&self) -> String {
        format!("{}.dead.>", self.prefix)
    }

    /// A hint that the outbox has rows.
    pub fn wake_sequencer(&self) -> String {
        format!("{}.wake.sequencer", self.prefix)
    }

    /// Somebody is being erased: every process forgets what it holds of them. The message is their id.
    pub fn erasing(&self) -> String {
        format!("{}.erasing", self.prefix)
    }

    /// That somebody was erased, kept apart from what erasures reach.
    pub fn tombstone(&self, owner: UserId) -> String {
        format!("{}.tombstones.{owner}", self.prefix)
    }

    /// All of these.
    pub fn all_tombstones(&self) -> String {
        format!("{}.tombstones.>", self.prefix)
    }

    /// The answers of one owner that are being written.
    pub fn live_of(&self, owner: UserId) -> String {
        format!("{}.live.{owner}.>", self.prefix)
    }

    /// How far the read models are, and what has just changed.
    pub fn projected(&self) -> String {
        format!("{}.projected", self.prefix)
    }

    /// Ask the workers to take up a pending answer that no delivery accounts for any more.
    pub fn worker_retry(&self) -> String {
        format!("{}.wake.worker", self.prefix)
    }

    /// The stream of events.
    pub fn events_stream(&self) -> String {
        format!("{}_EVENTS", self.prefix.to_uppercase())
    }

    /// The stream of answers being written.
    pub fn live_stream(&self) -> String {
        format!("{}_LIVE", self.prefix.to_uppercase())
    }

    /// The stream of what could not be worked on.
    pub fn dead_stream(&self) -> String {
        format!("{}_DEAD", self.prefix.to_uppercase())
    }

    /// The stream of tombstones.
    pub fn tombstones_stream(&self) -> String {
        format!("{}_TOMBSTONES", self.prefix.to_uppercase())
    }

    /// The worker's durable consumer on the stream of events.
    pub fn worker_consumer(&self) -> String {
        format!("{}_worker", self.prefix)
    }
}

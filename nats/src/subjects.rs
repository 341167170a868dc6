//! The names of all subjects, streams and durable consumers.

use std::borrow::Cow;
use std::sync::Arc;

use aggregates::{AnswerId, ConversationId, DocumentId, UserId};
use uuid::Uuid;

use crate::streams::StreamSettings;

/// Longest name of an aggregate or event in a subject.
const MAX_TOKEN_BYTES: usize = 64;

/// A name as one token of a subject: unchanged if it consists of letters, digits, `_` and `-`.
pub(crate) fn token(name: &str) -> Cow<'_, str> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    if !name.is_empty() && name.len() <= MAX_TOKEN_BYTES && name.chars().all(fits) {
        return Cow::Borrowed(name);
    }
    let replaced: String =
        name.chars().take(MAX_TOKEN_BYTES).map(|c| if fits(c) { c } else { '_' }).collect();
    Cow::Owned(if replaced.is_empty() { "_".to_owned() } else { replaced })
}

/// The names of one installation, and the settings of its streams. Installations that share a server have
/// different prefixes.
#[derive(Debug, Clone)]
pub struct Subjects {
    prefix: String,
    streams: Arc<StreamSettings>,
}

impl Subjects {
    /// Names under a prefix, `colloquy` unless configured. Characters other than ASCII letters and digits
    /// become `_`.
    pub fn new(prefix: &str) -> Self {
        let prefix = prefix.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
        Self { prefix, streams: Arc::default() }
    }

    /// The same names for streams with these settings.
    #[must_use]
    pub fn with_streams(self, settings: StreamSettings) -> Self {
        Self { streams: Arc::new(settings), ..self }
    }

    /// The settings of the streams.
    pub(crate) fn stream_settings(&self) -> &StreamSettings {
        &self.streams
    }

    /// The subject of an event: `<prefix>.events.<aggregate>.<event>.<owner>.<aggregate_id>`. A stored name
    /// that cannot be part of a subject is replaced, so that no event holds up those after it.
    pub fn event(&self, aggregate: &str, event_type: &str, owner: Uuid, aggregate_id: Uuid) -> String {
        let (aggregate, event_type) = (token(aggregate), token(event_type));
        format!("{}.events.{aggregate}.{event_type}.{owner}.{aggregate_id}", self.prefix)
    }

    /// The subjects of all events.
    pub fn all_events(&self) -> String {
        format!("{}.events.>", self.prefix)
    }

    /// The subjects of the events that request an answer, which workers process.
    pub fn answers_requested(&self) -> String {
        format!("{}.events.conversation.AnswerRequested.>", self.prefix)
    }

    /// The subjects of the events that stop an answer.
    pub fn answers_stopped(&self) -> String {
        format!("{}.events.conversation.AnswerStopped.>", self.prefix)
    }

    /// The subjects of the events that add or remove a document, which the indexer processes.
    pub fn documents_changed(&self) -> Vec<String> {
        ["DocumentAdded", "DocumentRemoved"]
            .map(|event| format!("{}.events.document.{event}.>", self.prefix))
            .to_vec()
    }

    /// The indexing progress of a document. Core NATS: current subscribers receive it, and it is not kept.
    pub fn document_progress(&self, owner: UserId, document: DocumentId) -> String {
        format!("{}.progress.{owner}.{document}", self.prefix)
    }

    /// The indexing progress of all documents.
    pub fn all_document_progress(&self) -> String {
        format!("{}.progress.>", self.prefix)
    }

    /// The messages about an answer while it is being written.
    pub fn live(&self, owner: UserId, conversation: ConversationId, answer: AnswerId) -> String {
        format!("{}.live.{owner}.{conversation}.{answer}", self.prefix)
    }

    /// The messages about all answers of an owner that are being written.
    pub fn live_of(&self, owner: UserId) -> String {
        format!("{}.live.{owner}.>", self.prefix)
    }

    /// The messages about all answers that are being written.
    pub fn all_live(&self) -> String {
        format!("{}.live.>", self.prefix)
    }

    /// Dead letters of a kind.
    pub fn dead(&self, kind: &str) -> String {
        format!("{}.dead.{kind}", self.prefix)
    }

    /// Dead letters of all kinds.
    pub fn all_dead(&self) -> String {
        format!("{}.dead.>", self.prefix)
    }

    /// The hint that the outbox has rows. Core NATS: a lost hint costs time, never an event.
    pub fn wake_sequencer(&self) -> String {
        format!("{}.wake.sequencer", self.prefix)
    }

    /// The hint that the ledger has grown although JetStream takes no events. Core NATS: a lost
    /// hint costs time.
    pub fn wake_feeds(&self) -> String {
        format!("{}.wake.feeds", self.prefix)
    }

    /// The announcements of processes: what each is and how it is. Core NATS.
    pub fn processes(&self) -> String {
        format!("{}.processes", self.prefix)
    }

    /// The request that all processes announce themselves now. Core NATS.
    pub fn ask_processes(&self) -> String {
        format!("{}.ask.processes", self.prefix)
    }

    /// The hint that answers were added to the queue of the workers, with the id of the worker that added
    /// them. Core NATS: a lost hint costs time, never an answer.
    pub fn wake_workers(&self) -> String {
        format!("{}.wake.workers", self.prefix)
    }

    /// The hint that an operator wants documents to be tried again. Core NATS: a lost hint costs time.
    pub fn wake_indexers(&self) -> String {
        format!("{}.wake.indexers", self.prefix)
    }

    /// The announcement that a user is being erased. Each process then drops the user's data from its memory.
    /// The message is the user's id.
    pub fn erasing(&self) -> String {
        format!("{}.erasing", self.prefix)
    }

    /// The hint that the account service has reports: facts to record, and revocations of tokens. Core
    /// NATS: a lost hint costs time.
    pub fn accounts_changed(&self) -> String {
        format!("{}.wake.accounts", self.prefix)
    }

    /// The hint that keys were destroyed. Each process then looks which ones and drops them from its memory.
    /// Core NATS: a lost hint costs time, never the destruction.
    pub fn keys_destroyed(&self) -> String {
        format!("{}.keys.destroyed", self.prefix)
    }

    /// The tombstone of an erased user, which no erasure removes.
    pub fn tombstone(&self, owner: UserId) -> String {
        format!("{}.tombstones.{owner}", self.prefix)
    }

    /// The tombstones of all erased users.
    pub fn all_tombstones(&self) -> String {
        format!("{}.tombstones.>", self.prefix)
    }

    /// The projector's announcements ([`crate::Projected`]). Core NATS.
    pub fn projected(&self) -> String {
        format!("{}.projected", self.prefix)
    }

    /// The stream of events.
    pub fn events_stream(&self) -> String {
        format!("{}_EVENTS", self.prefix.to_uppercase())
    }

    /// The stream of answers that are being written.
    pub fn live_stream(&self) -> String {
        format!("{}_LIVE", self.prefix.to_uppercase())
    }

    /// The stream of dead letters.
    pub fn dead_stream(&self) -> String {
        format!("{}_DEAD", self.prefix.to_uppercase())
    }

    /// The stream of tombstones.
    pub fn tombstones_stream(&self) -> String {
        format!("{}_TOMBSTONES", self.prefix.to_uppercase())
    }

    /// The durable consumer of the workers on the stream of events.
    pub fn worker_consumer(&self) -> String {
        format!("{}_worker", self.prefix)
    }

    /// The durable consumer of the indexers on the stream of events.
    pub fn documents_consumer(&self) -> String {
        format!("{}_documents", self.prefix)
    }
}

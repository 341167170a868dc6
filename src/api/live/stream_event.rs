//! Events that listeners receive.

use std::collections::HashMap;
use std::sync::Arc;

use aggregates::conversation::{Citation, ConversationEvent};
use aggregates::{AnswerRef, ConversationId, DocumentId, Event, Position, QuestionId, RecordedEvent};
use projections::conversations::ConversationRow;
use projections::documents::DocumentRow;
use projections::messages::Message;
use tokio::sync::OnceCell;

use super::answers::AnswerInFlight;
use super::beginning::Beginning;
use super::listeners::ListenerQueue;
use crate::knowledge::indexing::Progress;

/// Approximate sizes in memory.
const EVENT_BYTES: usize = 512;
const CITATION_BYTES: usize = 1_024;
const ROW_BYTES: usize = 1_024;

/// An event for the listeners of one owner.
#[derive(Debug, Clone)]
pub enum StreamEvent {
    /// An event of the ledger, decrypted.
    Event(Arc<LedgerEvent>),
    /// Progress of an answer that is being written.
    Live(Arc<AnswerProgress>),
    /// Progress of a document on its way into the index.
    Document(DocumentId, Progress),
    /// The read models have reached this position, and the rows of these conversations have changed.
    Projected(Position, Arc<ChangedRows>),
}

impl StreamEvent {
    /// The approximate size of the event in memory while it waits for a listener.
    pub(super) fn bytes(&self) -> usize {
        let content = match self {
            Self::Event(event) => event.recorded.sealed.as_ref().map_or(0, Vec::len),
            Self::Live(progress) => match &progress.step {
                AnswerStep::Delta { text, .. } | AnswerStep::Reasoning { text, .. } => text.len(),
                AnswerStep::Sources(sources) => sources.len() * CITATION_BYTES,
                AnswerStep::Started { kept, .. } => kept.len(),
            },
            Self::Document(..) => 0,
            Self::Projected(_, changed) => changed.ids.len() * ROW_BYTES,
        };
        content + EVENT_BYTES
    }
}

/// An event of the ledger with what the owner's streams show of it, which is made once for all of them.
#[derive(Debug)]
pub struct LedgerEvent {
    /// The event, decrypted.
    pub recorded: RecordedEvent,
    /// The message that a question or the end of an answer leads to.
    pub message: OnceCell<Option<Message>>,
    /// The document after the event.
    pub document: OnceCell<DocumentState>,
}

/// A document as its owner's streams show it.
#[derive(Debug, Clone)]
pub enum DocumentState {
    /// The document has a row.
    Row(Box<DocumentRow>),
    /// The document was removed.
    Removed,
    /// The document has no row until its quarantine ends.
    Quarantined,
}

impl LedgerEvent {
    /// An event of which nothing was shown yet.
    pub fn new(recorded: RecordedEvent) -> Self {
        Self { recorded, message: OnceCell::new(), document: OnceCell::new() }
    }
}

/// Conversations whose rows changed. The rows are read once for all streams of the owner.
#[derive(Debug)]
pub struct ChangedRows {
    /// The conversations.
    pub ids: Vec<ConversationId>,
    /// The rows of those that exist; `None` for those that are quarantined.
    pub rows: OnceCell<HashMap<ConversationId, Option<ConversationRow>>>,
}

impl ChangedRows {
    /// Rows that were not read yet.
    pub fn new(ids: Vec<ConversationId>) -> Self {
        Self { ids, rows: OnceCell::new() }
    }
}

/// A step of an answer that is being written.
#[derive(Debug)]
pub struct AnswerProgress {
    /// The answer.
    pub answer: AnswerRef,
    /// The question answered.
    pub question_id: QuestionId,
    /// The beginning of the text.
    pub beginning: Beginning,
    /// The news.
    pub step: AnswerStep,
}

/// The news about an answer that is being written.
#[derive(Debug)]
pub enum AnswerStep {
    /// An attempt started, or started over; all earlier reasoning is void, and all earlier text but the part
    /// that is kept.
    Started {
        /// The beginning of the earlier text, which the answer continues.
        kept: String,
        /// The beginning from which that text is.
        after: Beginning,
    },
    /// The passages that retrieval found.
    Sources(Arc<[Citation]>),
    /// Reasoning that follows the first `offset` bytes of it.
    Reasoning {
        /// UTF-8 bytes before the text.
        offset: usize,
        /// The text.
        text: String,
    },
    /// Text that follows the first `offset` bytes.
    Delta {
        /// UTF-8 bytes before the text.
        offset: usize,
        /// The text.
        text: String,
    },
}

/// The start of a listener: everything after it arrives through the channel, once.
#[derive(Debug)]
pub struct Listener {
    /// Events from now on. Closed when the listener lags too far behind.
    pub events: ListenerQueue,
    /// The last event that does not arrive through the channel.
    pub position: Position,
    /// Position of the read models at the start.
    pub projected: Position,
    /// The owner's answers being written at the start.
    pub answers: Vec<AnswerInFlight>,
}

/// The answer that an event ends.
pub fn ended_answer(event: &RecordedEvent) -> Option<AnswerRef> {
    match &event.event {
        Event::Conversation(
            ConversationEvent::AnswerCompleted { answer_id, .. }
            | ConversationEvent::AnswerStopped { answer_id, .. }
            | ConversationEvent::AnswerFailed { answer_id, .. },
        ) => Some(AnswerRef {
            owner: event.owner,
            conversation_id: ConversationId::new(event.aggregate_id),
            answer_id: *answer_id,
        }),
        _ => None,
    }
}

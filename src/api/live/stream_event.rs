//! Events that listeners receive.

use std::sync::Arc;

use aggregates::conversation::{Citation, ConversationEvent};
use aggregates::{AnswerRef, ConversationId, DocumentId, Event, Position, QuestionId, RecordedEvent};
use tokio::sync::mpsc;

use super::answers::AnswerInFlight;
use crate::knowledge::indexing::Progress;

/// An event for the listeners of one owner.
#[derive(Debug, Clone)]
pub enum StreamEvent {
    /// An event of the ledger, decrypted.
    Event(Arc<RecordedEvent>),
    /// Progress of an answer that is being written.
    Live(Arc<AnswerProgress>),
    /// Progress of a document on its way into the index.
    Document(DocumentId, Progress),
    /// The read models have reached this position, and the rows of these conversations have changed.
    Projected(Position, Arc<[ConversationId]>),
}

/// A step of an answer that is being written.
#[derive(Debug)]
pub struct AnswerProgress {
    /// The answer.
    pub answer: AnswerRef,
    /// The question answered.
    pub question_id: QuestionId,
    /// The attempt.
    pub attempt: u32,
    /// The news.
    pub step: AnswerStep,
}

/// The news about an answer that is being written.
#[derive(Debug)]
pub enum AnswerStep {
    /// An attempt started; the text of an earlier attempt is void.
    Started,
    /// The passages that retrieval found.
    Sources(Arc<[Citation]>),
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
    pub events: mpsc::Receiver<StreamEvent>,
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

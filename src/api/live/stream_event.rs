//! What listeners are told.

use std::sync::Arc;

use aggregates::conversation::{Citation, ConversationEvent};
use aggregates::{AnswerId, ConversationId, DocumentId, Event, Position, QuestionId, RecordedEvent};
use tokio::sync::mpsc;

use super::answers::AnswerInFlight;
use crate::knowledge::indexing::Progress;

/// Something that happened to one owner.
#[derive(Debug, Clone)]
pub enum Happening {
    /// An event, its private part open.
    Event(Arc<RecordedEvent>),
    /// An answer is being written.
    Live(Arc<LiveHappening>),
    /// A document is on its way into the index.
    Document(DocumentId, Progress),
    /// The read models have come to this position, and these conversations' rows changed on the way.
    Projected(Position, Arc<[ConversationId]>),
}

/// A step of an answer that is being written.
#[derive(Debug)]
pub struct LiveHappening {
    /// The conversation.
    pub conversation_id: ConversationId,
    /// The question answered.
    pub question_id: QuestionId,
    /// The answer.
    pub answer_id: AnswerId,
    /// The attempt.
    pub attempt: u32,
    /// What is new.
    pub step: LiveStep,
}

/// What is new about an answer that is being written.
#[derive(Debug)]
pub enum LiveStep {
    /// An attempt began; what an earlier one sent is void.
    Started,
    /// The passages found.
    Sources(Arc<[Citation]>),
    /// Text that follows the first `offset` bytes.
    Delta {
        /// Bytes of UTF-8 before it.
        offset: usize,
        /// The text.
        text: String,
    },
}

/// A listener's beginning: all that follows comes through the channel, and nothing twice.
#[derive(Debug)]
pub struct Listening {
    /// What happens from now on. Closed when the listener lags too far behind.
    pub happenings: mpsc::Receiver<Happening>,
    /// The last event that will not come through the channel.
    pub position: Position,
    /// How far the read models were then.
    pub projected: Position,
    /// The answers of this owner being written, as of now.
    pub answers: Vec<AnswerInFlight>,
}

/// The answer an event ends, if it ends one.
pub fn ended_answer(event: &RecordedEvent) -> Option<AnswerId> {
    match &event.event {
        Event::Conversation(
            ConversationEvent::AnswerCompleted { answer_id, .. }
            | ConversationEvent::AnswerStopped { answer_id, .. }
            | ConversationEvent::AnswerFailed { answer_id, .. },
        ) => Some(*answer_id),
        _ => None,
    }
}

//! Reads from a conversation's events the question to answer and the earlier turns of its branch.

use std::collections::HashMap;

use aggregates::conversation::{Answer, ConversationEvent};
use aggregates::{AnswerId, Event, Private, QuestionId, RecordedEvent, UserId};
use rag::vocabulary::Turn;

/// Earlier questions that are passed on. The prompt takes as many as fit.
const REMEMBERED: usize = 50;

/// State of a requested answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum AnswerState {
    /// The answer is pending.
    Wanted(PendingQuestion),
    /// The answer has ended, or was never requested.
    Settled,
    /// The key of the conversation was destroyed, so the question is unreadable.
    Erased {
        /// Owner of the conversation.
        owner: UserId,
    },
}

/// A question that waits for its answer.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct PendingQuestion {
    pub(super) owner: UserId,
    pub(super) question_id: QuestionId,
    pub(super) question: String,
    /// Answered turns of the branch that leads to the question, oldest first.
    pub(super) history: Vec<Turn>,
}

impl std::fmt::Debug for PendingQuestion {
    /// Omits all texts, so that they cannot reach a log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PendingQuestion({}, {} turns)", self.question_id, self.history.len())
    }
}

/// A conversation as a tree of texts.
#[derive(Default)]
struct Tree<'a> {
    questions: HashMap<QuestionId, (Option<&'a str>, Option<AnswerId>)>,
    answers: HashMap<AnswerId, Node<'a>>,
}

struct Node<'a> {
    question_id: QuestionId,
    ended: Ended<'a>,
}

enum Ended<'a> {
    NotYet,
    WithText(&'a str),
    WithoutText,
}

/// State of an answer by the decrypted events of its conversation.
pub(super) fn answer_state(events: &[RecordedEvent], answer_id: AnswerId) -> AnswerState {
    let (Some(first), tree) = (events.first(), Tree::of(events)) else {
        return AnswerState::Settled;
    };
    let owner = first.owner;
    match tree.answers.get(&answer_id) {
        Some(Node { question_id, ended: Ended::NotYet }) => match tree.questions.get(question_id) {
            Some((Some(question), parent)) => AnswerState::Wanted(PendingQuestion {
                owner,
                question_id: *question_id,
                question: (*question).to_owned(),
                history: tree.branch(*parent),
            }),
            Some((None, _)) | None => AnswerState::Erased { owner },
        },
        Some(_) | None => AnswerState::Settled,
    }
}

impl<'a> Tree<'a> {
    fn of(events: &'a [RecordedEvent]) -> Self {
        let mut tree = Self::default();
        for recorded in events {
            if let Event::Conversation(event) = &recorded.event {
                tree.take(event);
            }
        }
        tree
    }

    fn take(&mut self, event: &'a ConversationEvent) {
        use ConversationEvent as Happened;
        match event {
            Happened::QuestionAsked { question_id, parent_id, private } => {
                let text = private.open().map(|question| question.text.as_str());
                self.questions.insert(*question_id, (text, *parent_id));
            }
            Happened::AnswerRequested { question_id, answer_id } => {
                let node = Node { question_id: *question_id, ended: Ended::NotYet };
                self.answers.insert(*answer_id, node);
            }
            Happened::AnswerCompleted { answer_id, private, .. }
            | Happened::AnswerStopped { answer_id, private, .. } => self.end(*answer_id, text_of(private)),
            Happened::AnswerFailed { answer_id, .. } => self.end(*answer_id, Ended::WithoutText),
            Happened::ConversationStarted { .. }
            | Happened::AnswerRated { .. }
            | Happened::ConversationRenamed { .. }
            | Happened::ConversationPinned
            | Happened::ConversationUnpinned
            | Happened::ConversationArchived
            | Happened::ConversationUnarchived
            | Happened::ConversationTagged { .. }
            | Happened::ConversationDeleted { .. }
            | Happened::ConversationRestored
            | Happened::ConversationErased => {}
        }
    }

    fn end(&mut self, answer_id: AnswerId, ended: Ended<'a>) {
        if let Some(node) = self.answers.get_mut(&answer_id) {
            node.ended = ended;
        }
    }

    /// Turns that lead to a question after `parent`, oldest first. A question without an answer text is
    /// omitted, since language models expect alternating turns.
    fn branch(&self, parent: Option<AnswerId>) -> Vec<Turn> {
        let mut newest_first = Vec::new();
        let mut next = parent;
        while let Some(node) = next.and_then(|id| self.answers.get(&id)) {
            let Some((question, before)) = self.questions.get(&node.question_id) else {
                break;
            };
            if let (Ended::WithText(answer), Some(question)) = (&node.ended, question) {
                newest_first.push(Turn::Answer((*answer).to_owned()));
                newest_first.push(Turn::Question((*question).to_owned()));
            }
            if newest_first.len() >= 2 * REMEMBERED {
                break;
            }
            next = *before;
        }
        newest_first.reverse();
        newest_first
    }
}

fn text_of(private: &Private<Answer>) -> Ended<'_> {
    match private.open() {
        Some(answer) if !answer.text.trim().is_empty() => Ended::WithText(&answer.text),
        Some(_) | None => Ended::WithoutText,
    }
}

#[cfg(test)]
mod tests {
    use aggregates::conversation::{FailureReason, Provenance, Question, Usage};
    use aggregates::{AggregateType, EventId, Position, QuestionText, Version};
    use uuid::Uuid;

    use super::*;

    const OWNER: UserId = UserId::new(Uuid::from_u128(9));

    fn question(id: u128) -> QuestionId {
        QuestionId::new(Uuid::from_u128(id))
    }

    fn answer(id: u128) -> AnswerId {
        AnswerId::new(Uuid::from_u128(id))
    }

    fn asked(id: u128, parent: Option<u128>) -> Vec<ConversationEvent> {
        let text = QuestionText::parse(&format!("q{id}")).unwrap();
        vec![
            ConversationEvent::QuestionAsked {
                question_id: question(id),
                parent_id: parent.map(answer),
                private: Private::Open(Question { text }),
            },
            requested(id, id),
        ]
    }

    fn requested(question_id: u128, answer_id: u128) -> ConversationEvent {
        ConversationEvent::AnswerRequested {
            question_id: question(question_id),
            answer_id: answer(answer_id),
        }
    }

    fn completed(id: u128) -> ConversationEvent {
        ConversationEvent::AnswerCompleted {
            answer_id: answer(id),
            question_id: question(id),
            attempt: 1,
            provenance: Provenance::default(),
            usage: Usage::default(),
            private: Private::Open(Answer { text: format!("a{id}"), citations: vec![] }),
        }
    }

    fn failed(id: u128) -> ConversationEvent {
        ConversationEvent::AnswerFailed {
            answer_id: answer(id),
            question_id: question(id),
            attempt: 1,
            reason: FailureReason::Internal,
        }
    }

    fn recorded(events: Vec<ConversationEvent>) -> Vec<RecordedEvent> {
        events
            .into_iter()
            .map(|event| RecordedEvent {
                position: Position(0),
                aggregate: AggregateType::Conversation,
                aggregate_id: Uuid::nil(),
                sequence: Version(1),
                event_id: EventId::new(Uuid::nil()),
                owner: OWNER,
                recorded_at: chrono::DateTime::UNIX_EPOCH,
                event: Event::Conversation(event),
                sealed: None,
            })
            .collect()
    }

    fn history(events: Vec<ConversationEvent>, of: u128) -> Vec<String> {
        let AnswerState::Wanted(asked) = answer_state(&recorded(events), answer(of)) else {
            panic!("the answer is not wanted")
        };
        asked.history.into_iter().map(|(Turn::Question(text) | Turn::Answer(text))| text).collect()
    }

    #[test]
    fn a_question_brings_what_was_said_on_its_branch_and_nothing_of_another() {
        let events = [
            asked(1, None),
            vec![completed(1)],
            asked(2, Some(1)),
            vec![completed(2)],
            asked(3, Some(1)),
            vec![completed(3)],
            asked(4, Some(3)),
        ]
        .concat();
        assert_eq!(history(events, 4), ["q1", "a1", "q3", "a3"]);
    }

    #[test]
    fn a_failed_answer_is_left_out_with_its_question() {
        let events =
            [asked(1, None), vec![completed(1)], asked(2, Some(1)), vec![failed(2)], asked(3, Some(2))]
                .concat();
        assert_eq!(history(events, 3), ["q1", "a1"]);
    }

    #[test]
    fn another_answer_to_the_same_question_does_not_see_the_first() {
        let events = [asked(1, None), vec![completed(1), requested(1, 7)]].concat();
        assert!(history(events, 7).is_empty());
    }

    #[test]
    fn an_answer_that_ended_is_settled() {
        for end in [completed(1), failed(1)] {
            let events = recorded([asked(1, None), vec![end]].concat());
            assert_eq!(answer_state(&events, answer(1)), AnswerState::Settled);
        }
        assert_eq!(answer_state(&[], answer(1)), AnswerState::Settled);
    }

    #[test]
    fn a_question_whose_key_is_gone_is_erased() {
        let mut events = asked(1, None);
        if let Some(ConversationEvent::QuestionAsked { private, .. }) = events.first_mut() {
            *private = Private::Sealed;
        }
        assert_eq!(answer_state(&recorded(events), answer(1)), AnswerState::Erased { owner: OWNER });
    }
}

//! Reads the question of an answer and the earlier turns of its branch: the events that hold their texts, and
//! no others, however long the conversation is.

use std::collections::HashMap;
use std::time::Duration;

use aggregates::conversation::{Conversation, ConversationEvent, TurnEvents};
use aggregates::{
    AggregateType, AnswerId, AnswerRef, DocumentId, Event, ModelName, QuestionId, RecordedEvent, Version,
};
use rag::vocabulary::Turn;
use store::{Requested, StoreError};

use super::preferences::Preferences;
use super::processor::AnswerProcessor;

/// Earlier turns that are passed on. The prompt takes as many as fit.
const REMEMBERED: usize = 50;
/// Turns that are read in one round trip, and so the most that are read beyond what the prompt can take.
const PAGE: usize = 8;
/// The largest number of bytes that one token of a prompt stands for, in the estimate of the prompt.
const BYTES_PER_TOKEN: usize = 4;
/// Bytes of earlier turns that are read for a quotation, which is searched with the previous question.
const QUOTATION_BYTES: usize = 32 * 1024;

/// State of a requested answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum AnswerState {
    /// The answer is pending.
    Wanted(PendingQuestion),
    /// Documents that the question names are not indexed yet: the time until the next look.
    Unindexed(Duration),
    /// The answer has ended, or was never requested.
    Settled,
    /// The key of the conversation was destroyed, so the question is unreadable.
    Erased,
}

/// A question that waits for its answer.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct PendingQuestion {
    pub(super) question_id: QuestionId,
    pub(super) question: String,
    /// The language model that was chosen; `None` for the default one.
    pub(super) model: Option<ModelName>,
    pub(super) preferences: Preferences,
    /// Whether the conversation has no title yet.
    pub(super) is_untitled: bool,
    /// Answered turns of the branch that leads to the question, oldest first.
    pub(super) history: Vec<Turn>,
    /// The documents to answer from; all, if empty.
    pub(super) documents: Vec<DocumentId>,
}

impl std::fmt::Debug for PendingQuestion {
    /// Omits all texts, so that they cannot reach a log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PendingQuestion({}, {} turns)", self.question_id, self.history.len())
    }
}

/// The text of a question with the documents that it names, or of an answer.
#[derive(Clone)]
struct Text {
    text: String,
    documents: Vec<DocumentId>,
}

/// What the events beside the texts say of an answer.
#[derive(Default)]
struct Details {
    model: Option<ModelName>,
    instructed: Option<RecordedEvent>,
}

/// Place of the texts of a pending answer in the conversation's history.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Texts {
    question_id: QuestionId,
    question: Version,
    /// The event that requested the answer.
    requested: Version,
    /// The event with the instructions of the conversation.
    instructed: Option<Version>,
    is_untitled: bool,
    /// Newest first.
    turns: Vec<TurnEvents>,
}

impl Texts {
    /// `None` if the answer has ended, or was never requested.
    fn of(conversation: &Conversation, answer_id: AnswerId) -> Option<Self> {
        let answer = conversation.answer(answer_id).filter(|answer| !answer.status.has_ended())?;
        let (question_id, requested) = (answer.question_id, answer.requested_at);
        let turns = conversation.turns_before(question_id).take(REMEMBERED).collect();
        let question = conversation.asked_by(question_id)?;
        let (instructed, is_untitled) = (conversation.instructed_at(), !conversation.has_title());
        Some(Self { question_id, question, requested, instructed, is_untitled, turns })
    }
}

impl AnswerProcessor {
    /// The state of an answer. Reads the turns in pages, newest first, until the prompt cannot take more.
    pub(super) async fn answer_state(
        &self,
        answer: AnswerRef,
        requested: &Requested,
    ) -> Result<AnswerState, StoreError> {
        let AnswerRef { owner, conversation_id, answer_id } = answer;
        let conversation = self.store.conversations().latest(conversation_id.uuid()).await?;
        let texts = Texts::of(&conversation, answer_id).filter(|_| conversation.owner() == Some(owner));
        let Some(texts) = texts else { return Ok(AnswerState::Settled) };
        drop(conversation);
        let budget = self.history_bytes();
        let mut pages = texts.turns.chunks(PAGE);
        let first = pages.next().unwrap_or_default();
        let further: Vec<Version> =
            [texts.question, texts.requested].into_iter().chain(texts.instructed).collect();
        let ((mut read, details), account) =
            tokio::try_join!(self.read_texts(answer, first, &further), self.store.account_instructed(owner))?;
        let Details { model, instructed } = details;
        let preferences = Preferences::of(account.as_ref(), instructed.as_ref());
        let Some(Text { text: question, documents }) = read.remove(&texts.question) else {
            return Ok(AnswerState::Erased);
        };
        if let Some(pause) = self.index_pause(&documents, requested).await? {
            return Ok(AnswerState::Unindexed(pause));
        }
        let mut newest_first = turns(first, &mut read);
        for page in pages {
            if bytes_of(&newest_first) > budget {
                break;
            }
            let (mut read, _) = self.read_texts(answer, page, &[]).await?;
            newest_first.extend(turns(page, &mut read));
        }
        newest_first.reverse();
        let history = newest_first;
        let Texts { question_id, is_untitled, .. } = texts;
        let asked =
            PendingQuestion { question_id, question, model, preferences, is_untitled, history, documents };
        Ok(AnswerState::Wanted(asked))
    }

    /// Bytes of earlier turns that can matter for an answer.
    fn history_bytes(&self) -> usize {
        let context = self.language_models.largest_context();
        (context as usize).saturating_mul(BYTES_PER_TOKEN).max(QUOTATION_BYTES)
    }

    /// The decrypted texts of some turns and of further events, by their sequences, and what else the events
    /// say of the answer. A text whose key was destroyed is missing.
    async fn read_texts(
        &self,
        answer: AnswerRef,
        turns: &[TurnEvents],
        further: &[Version],
    ) -> Result<(HashMap<Version, Text>, Details), StoreError> {
        let sequences: Vec<Version> = turns
            .iter()
            .flat_map(|turn| [turn.question, turn.answer])
            .chain(further.iter().copied())
            .collect();
        let id = answer.conversation_id.uuid();
        let mut events = self.store.events_at(AggregateType::Conversation, id, &sequences).await?;
        self.store.decrypt_events(&mut events).await?;
        let mut details = Details::default();
        for recorded in &events {
            match &recorded.event {
                Event::Conversation(ConversationEvent::AnswerRequested { model, .. }) => {
                    details.model.clone_from(model);
                }
                Event::Conversation(ConversationEvent::ConversationInstructed { .. }) => {
                    details.instructed = Some(recorded.clone());
                }
                _ => {}
            }
        }
        let texts = events.into_iter().filter_map(|event| Some((event.sequence, text_of(event)?)));
        Ok((texts.collect(), details))
    }
}

/// Turns with both texts, newest first, the answer before its question. A turn without an answer text is
/// omitted, since language models expect alternating turns.
fn turns(events: &[TurnEvents], texts: &mut HashMap<Version, Text>) -> Vec<Turn> {
    let mut newest_first = Vec::with_capacity(2 * events.len());
    for turn in events {
        let answer = texts.remove(&turn.answer).filter(|answer| !answer.text.trim().is_empty());
        if let (Some(answer), Some(question)) = (answer, texts.get(&turn.question)) {
            newest_first.push(Turn::Answer(answer.text));
            newest_first.push(Turn::Question(question.text.clone()));
        }
    }
    newest_first
}

fn bytes_of(turns: &[Turn]) -> usize {
    turns.iter().map(|(Turn::Question(text) | Turn::Answer(text))| text.len()).sum()
}

/// The text of an event that asked a question or ended an answer.
fn text_of(recorded: RecordedEvent) -> Option<Text> {
    let Event::Conversation(event) = recorded.event else { return None };
    match event {
        ConversationEvent::QuestionAsked { private, .. } => private.open().map(|question| Text {
            text: question.text.as_str().to_owned(),
            documents: question.documents.clone(),
        }),
        ConversationEvent::AnswerCompleted { private, .. }
        | ConversationEvent::AnswerStopped { private, .. } => {
            private.open().map(|answer| Text { text: answer.text.clone(), documents: Vec::new() })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turn(question: u64, answer: u64) -> TurnEvents {
        TurnEvents { question: Version(question), answer: Version(answer) }
    }

    fn texts(texts: &[(u64, &str)]) -> HashMap<Version, Text> {
        let text = |text: &str| Text { text: text.to_owned(), documents: Vec::new() };
        texts.iter().map(|(sequence, one)| (Version(*sequence), text(one))).collect()
    }

    #[test]
    fn turns_are_newest_first_and_two_answers_to_a_question_keep_it() {
        let mut read = texts(&[(2, "q1"), (4, "a1"), (6, "a1 again"), (8, "q2"), (9, "a2")]);
        let turns = turns(&[turn(8, 9), turn(2, 6), turn(2, 4)], &mut read);
        let said: Vec<&str> =
            turns.iter().map(|(Turn::Question(text) | Turn::Answer(text))| text.as_str()).collect();
        assert_eq!(said, ["a2", "q2", "a1 again", "q1", "a1", "q1"]);
        assert_eq!(bytes_of(&turns), 18);
    }

    #[test]
    fn a_turn_without_a_readable_text_is_left_out() {
        for read in [texts(&[(2, "q1"), (4, " ")]), texts(&[(2, "q1")]), texts(&[(4, "a1")])] {
            assert!(turns(&[turn(2, 4)], &mut read.clone()).is_empty());
        }
    }
}

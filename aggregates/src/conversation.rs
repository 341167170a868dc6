//! A conversation: questions, each with one or more answers, owned by one user.
//!
//! Questions and answers form a tree: the first question is its root, each further question follows an
//! answer, and each answer follows its question. Each requested answer ends exactly once: completed, stopped
//! or failed.

mod answer;
mod branch;
mod command;
mod event;
mod limits;
mod place;
mod refusal;
mod state;
mod status;
#[cfg(test)]
mod tests;

pub use answer::{
    Answer, Citation, CutOff, FailureReason, FoundPassage, InstructionScope, PassageOutcome, PassageScore,
    Provenance, SpendingPurpose, Timings, Usage,
};
pub use branch::TurnEvents;
pub use command::{AskQuestion, ConversationCommand, Intent, Receipt, RecordAnswer, RecordSpending};
pub use event::{ConversationEvent, FoundByTags, Question, Rating, RatingComment, Tagged, Titled, TitledBy};
pub use limits::ConversationLimits;
pub use place::Place;
pub use refusal::ConversationRefused;
pub use state::{AnswerState, Conversation};
pub use status::{AnswerStatus, MessageRole, MessageStatus};

use chrono::{DateTime, TimeDelta, Utc};
use cqrs_es::Aggregate;
use cqrs_es::event_sink::EventSink;

use crate::{Actor, AnswerId, Instructed, Private, UserId};
use ConversationEvent as Event;
use ConversationRefused as Refused;
use state::Phase;

/// The most questions after one answer, and answers to one question. Each message names its siblings.
pub const MAX_SIBLINGS: usize = 200;

/// Time within which a deleted conversation can be restored.
pub const RESTORE_WITHIN: TimeDelta = TimeDelta::days(30);

/// The events that a command leads to: three when a question starts a conversation, two when it does not,
/// otherwise one or none.
type Decision = Result<Vec<Event>, Refused>;

impl Aggregate for Conversation {
    const TYPE: &'static str = "conversation";
    type Command = ConversationCommand;
    type Event = Event;
    type Error = Refused;
    type Services = ConversationLimits;

    async fn handle(
        &mut self,
        command: ConversationCommand,
        limits: &ConversationLimits,
        sink: &EventSink<Self>,
    ) -> Result<(), Refused> {
        for event in self.decide(command, *limits)? {
            sink.write(event, self).await;
        }
        Ok(())
    }

    fn apply(&mut self, event: Event) {
        self.record(&event);
    }
}

impl Conversation {
    /// Decides which events follow from a command. Changes nothing.
    fn decide(&self, command: ConversationCommand, limits: ConversationLimits) -> Decision {
        let owner = self.authorise(&command)?;
        if self.was_carried_out(&command.intent) {
            return Ok(vec![]);
        }
        if let Some(expected) = command.expected
            && expected != self.version()
        {
            return Err(Refused::VersionMismatch { current: self.version() });
        }
        self.check_alive(&command)?;
        limits.check(self, &command.intent)?;
        match command.intent {
            Intent::Ask(ask) => self.ask(owner, ask),
            Intent::Regenerate { question_id, answer_id, model } => {
                self.question(question_id).ok_or(Refused::UnknownQuestion(question_id))?;
                self.check_free(answer_id)?;
                check_siblings(self.answers_to(question_id).len())?;
                let model = model.or_else(|| self.model().cloned());
                Ok(vec![Event::AnswerRequested { question_id, answer_id, model }])
            }
            Intent::Stop { answer_id, so_far } => self.stop(answer_id, so_far),
            Intent::Rate { answer_id, rating, comment } => self.rate(answer_id, rating, comment),
            Intent::Rename(title) => Ok(vec![renamed(TitledBy::User, title)]),
            Intent::ProposeTitle(title) => Ok(vec![renamed(TitledBy::Worker, title)]),
            Intent::Pin => Ok(vec![Event::ConversationPinned]),
            Intent::Unpin => Ok(vec![Event::ConversationUnpinned]),
            Intent::Archive => Ok(vec![Event::ConversationArchived]),
            Intent::Unarchive => Ok(vec![Event::ConversationUnarchived]),
            Intent::Tag(tags) => {
                Ok(vec![Event::ConversationTagged { private: Private::Open(Tagged { tags }) }])
            }
            Intent::Instruct { instructions, temperature } => {
                let private = Private::Open(Instructed { instructions });
                Ok(vec![Event::ConversationInstructed { temperature, private }])
            }
            Intent::Delete => Ok(vec![Event::ConversationDeleted { at: command.at }]),
            Intent::Restore => Ok(vec![Event::ConversationRestored]),
            Intent::Erase => Ok(vec![Event::ConversationErased]),
            Intent::RecordAnswer(record) => self.complete(record),
            Intent::RecordSpending(spending) => self.spend(spending),
            Intent::RecordFailure { answer_id, attempt, reason } => {
                let question_id =
                    self.answer(answer_id).ok_or(Refused::UnknownAnswer(answer_id))?.question_id;
                Ok(vec![Event::AnswerFailed { answer_id, question_id, attempt, reason }])
            }
        }
    }

    /// Returns the owner if the author of the command is permitted. The author of the first question becomes
    /// the owner.
    fn authorise(&self, command: &ConversationCommand) -> Result<UserId, Refused> {
        match (self.owner(), command.by) {
            (Some(owner), Actor::User(user)) if owner == user && command.intent != Intent::Erase => Ok(owner),
            (Some(owner), Actor::Worker | Actor::System) => Ok(owner),
            (None, Actor::User(user)) if matches!(command.intent, Intent::Ask(_)) => Ok(user),
            _ => Err(Refused::NotFound),
        }
    }

    /// A deleted conversation accepts only its restoration in time, its final end, the ends of its running
    /// answers, and the tokens that were spent. After its final end it accepts only what has no text: failures
    /// of answers, and tokens.
    fn check_alive(&self, command: &ConversationCommand) -> Result<(), Refused> {
        match (self.phase(), &command.intent) {
            (Phase::Deleted { at }, Intent::Restore) => check_restorable(at, command.at),
            (Phase::Erased, Intent::Restore) => Err(Refused::RestoreTooLate),
            (
                Phase::Deleted { .. },
                Intent::RecordAnswer(_)
                | Intent::RecordFailure { .. }
                | Intent::RecordSpending(_)
                | Intent::Erase,
            )
            | (Phase::Erased, Intent::RecordFailure { .. } | Intent::RecordSpending(_))
            | (Phase::New | Phase::Alive, _) => Ok(()),
            (Phase::Deleted { .. } | Phase::Erased, _) => Err(Refused::Deleted),
        }
    }

    /// Questions and answers are messages of one tree, so an id is used by one of them only.
    fn check_free(&self, answer_id: AnswerId) -> Result<(), Refused> {
        let is_question = self.question(crate::QuestionId::new(answer_id.uuid())).is_some();
        if is_question || self.answer(answer_id).is_some() {
            return Err(Refused::AnswerIdTaken(answer_id));
        }
        Ok(())
    }

    fn ask(&self, owner: UserId, ask: AskQuestion) -> Decision {
        if let Some(parent) = ask.parent_id {
            self.answer(parent).ok_or(Refused::UnknownParent(parent))?;
        }
        self.check_free(ask.answer_id)?;
        let question_as_answer = AnswerId::new(ask.question_id.uuid());
        if question_as_answer == ask.answer_id {
            return Err(Refused::AnswerIdTaken(ask.answer_id));
        }
        self.check_free(question_as_answer)?;
        let parent_id = ask.parent_id.or(self.newest_answer());
        check_siblings(self.questions_after(parent_id))?;
        let started = match self.phase() {
            Phase::New => Some(Event::ConversationStarted { owner }),
            Phase::Alive | Phase::Deleted { .. } | Phase::Erased => None,
        };
        let asked = Event::QuestionAsked {
            question_id: ask.question_id,
            parent_id,
            private: Private::Open(Question {
                text: ask.text,
                documents: ask.documents,
                by_tags: ask.by_tags,
            }),
        };
        let requested = Event::AnswerRequested {
            question_id: ask.question_id,
            answer_id: ask.answer_id,
            model: ask.model.or_else(|| self.model().cloned()),
        };
        Ok(started.into_iter().chain([asked, requested]).collect())
    }

    fn stop(&self, answer_id: AnswerId, so_far: Answer) -> Decision {
        let answer = self.answer(answer_id).ok_or(Refused::UnknownAnswer(answer_id))?;
        match answer.status {
            AnswerStatus::Requested => Ok(vec![Event::AnswerStopped {
                answer_id,
                question_id: answer.question_id,
                private: Private::Open(so_far),
            }]),
            AnswerStatus::Completed | AnswerStatus::Stopped | AnswerStatus::Failed => {
                Err(Refused::AnswerEnded(answer_id))
            }
        }
    }

    fn rate(&self, answer_id: AnswerId, rating: Rating, comment: Option<crate::Comment>) -> Decision {
        let answer = self.answer(answer_id).ok_or(Refused::UnknownAnswer(answer_id))?;
        match answer.status {
            AnswerStatus::Requested => Err(Refused::AnswerPending(answer_id)),
            AnswerStatus::Completed | AnswerStatus::Stopped | AnswerStatus::Failed => {
                Ok(vec![Event::AnswerRated {
                    answer_id,
                    rating,
                    private: Private::Open(RatingComment { comment }),
                }])
            }
        }
    }

    fn spend(&self, spending: RecordSpending) -> Decision {
        let RecordSpending { answer_id, purpose, attempt, model, usage } = spending;
        self.answer(answer_id).ok_or(Refused::UnknownAnswer(answer_id))?;
        Ok(vec![Event::TokensSpent { answer_id, purpose, attempt, model, usage }])
    }

    fn complete(&self, record: RecordAnswer) -> Decision {
        let answer = self.answer(record.answer_id).ok_or(Refused::UnknownAnswer(record.answer_id))?;
        Ok(vec![Event::AnswerCompleted {
            answer_id: record.answer_id,
            question_id: answer.question_id,
            attempt: record.attempt,
            provenance: record.provenance,
            usage: record.usage,
            private: Private::Open(record.answer),
        }])
    }
}

/// Refuses one more question after the same answer, or one more answer to the same question.
const fn check_siblings(siblings: usize) -> Result<(), Refused> {
    if siblings < MAX_SIBLINGS { Ok(()) } else { Err(Refused::TooManySiblings) }
}

fn renamed(by: TitledBy, title: crate::Title) -> Event {
    Event::ConversationRenamed { by, private: Private::Open(Titled { title }) }
}

/// A clock that was set back does not shorten the time.
fn check_restorable(deleted_at: DateTime<Utc>, now: DateTime<Utc>) -> Result<(), Refused> {
    if now.signed_duration_since(deleted_at) > RESTORE_WITHIN { Err(Refused::RestoreTooLate) } else { Ok(()) }
}

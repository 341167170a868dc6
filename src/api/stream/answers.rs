//! Answers that are being written, on a stream.

use aggregates::AnswerRef;

use super::event::{AnswerDelta, AnswerSources, AnswerStarted, ClientEvent};
use super::session::Session;
use super::task::StreamError;
use crate::api::live::{AnswerInFlight, AnswerProgress, AnswerStep};

impl Session {
    /// Sends the part of an answer that the client has not received, when a stream begins.
    pub(super) async fn send_missing(&mut self, answer: &AnswerInFlight) -> Result<(), StreamError> {
        let started = AnswerProgress {
            answer: answer.answer,
            question_id: answer.question_id,
            attempt: answer.attempt,
            step: AnswerStep::Started,
        };
        let key = (answer.answer.conversation_id, answer.answer.answer_id);
        let has_beginning = self.received.answers.get(&key).is_some_and(|(attempt, bytes)| {
            *attempt == answer.attempt && answer.text.get(*bytes..).is_some()
        });
        if !has_beginning {
            self.received.answers.remove(&key);
            self.take_step(&started).await?;
            if let Some(sources) = &answer.sources {
                let step = AnswerStep::Sources(sources.clone());
                self.take_step(&AnswerProgress { step, ..started }).await?;
            }
        }
        if answer.text.is_empty() {
            return Ok(());
        }
        let step = AnswerStep::Delta { offset: 0, text: answer.text.clone() };
        self.take_step(&AnswerProgress { step, ..started }).await
    }

    /// Sends what is new in a step of an answer.
    pub(super) async fn take_step(&mut self, live: &AnswerProgress) -> Result<(), StreamError> {
        let AnswerProgress { answer, question_id, attempt, .. } = *live;
        let AnswerRef { conversation_id, answer_id, .. } = answer;
        if !self.carries(conversation_id) {
            return Ok(());
        }
        let key = (conversation_id, answer_id);
        let received = self.received.answers.get(&key).copied().filter(|(known, _)| *known >= attempt);
        match (&live.step, received) {
            (AnswerStep::Started, None) => {
                self.received.answers.insert(key, (attempt, 0));
                let started = AnswerStarted { conversation_id, answer_id, question_id, attempt };
                self.send(&ClientEvent::AnswerStarted(started)).await
            }
            (AnswerStep::Sources(sources), _) => {
                let sources = AnswerSources { conversation_id, answer_id, attempt, sources };
                self.send(&ClientEvent::AnswerSources(sources)).await
            }
            (AnswerStep::Delta { offset, text }, Some((known, bytes))) if known == attempt => {
                match text.get(bytes.saturating_sub(*offset)..) {
                    Some(new) if !new.is_empty() && bytes >= *offset => {
                        self.received.answers.insert(key, (attempt, bytes + new.len()));
                        let delta =
                            AnswerDelta { conversation_id, answer_id, attempt, offset: bytes, text: new };
                        self.send(&ClientEvent::AnswerDelta(delta)).await
                    }
                    _ => Ok(()),
                }
            }
            (AnswerStep::Started | AnswerStep::Delta { .. }, _) => Ok(()),
        }
    }
}

//! Answers that are being written, on a stream.

use aggregates::AnswerRef;

use super::event::{AnswerDelta, AnswerSources, AnswerStarted, ClientEvent};
use super::resume::ReceivedAnswer;
use super::session::Session;
use super::task::StreamError;
use crate::api::live::{AnswerInFlight, AnswerProgress, AnswerStep, Beginning};

impl Session {
    /// Sends the part of an answer that the client has not received, when a stream begins.
    pub(super) async fn send_missing(&mut self, answer: &AnswerInFlight) -> Result<(), StreamError> {
        let started = AnswerProgress {
            answer: answer.answer,
            question_id: answer.question_id,
            beginning: answer.beginning,
            step: AnswerStep::Started { kept: String::new(), after: Beginning::default() },
        };
        let key = (answer.answer.conversation_id, answer.answer.answer_id);
        let has_beginning = self.received.answers.get(&key).is_some_and(|received| {
            received.beginning == answer.beginning
                && answer.text.get(received.text..).is_some()
                && answer.reasoning.get(received.reasoning..).is_some()
        });
        if !has_beginning {
            self.received.answers.remove(&key);
            self.take_step(&started).await?;
            if let Some(sources) = &answer.sources {
                let step = AnswerStep::Sources(sources.clone());
                self.take_step(&AnswerProgress { step, ..started }).await?;
            }
        }
        let reasoning = AnswerStep::Reasoning { offset: 0, text: answer.reasoning.clone() };
        self.take_step(&AnswerProgress { step: reasoning, ..started }).await?;
        let text = AnswerStep::Delta { offset: 0, text: answer.text.clone() };
        self.take_step(&AnswerProgress { step: text, ..started }).await
    }

    /// Sends what is new in a step of an answer.
    pub(super) async fn take_step(&mut self, live: &AnswerProgress) -> Result<(), StreamError> {
        let AnswerProgress { answer, beginning, .. } = *live;
        let AnswerRef { conversation_id, answer_id, .. } = answer;
        if !self.carries(conversation_id) {
            return Ok(());
        }
        let attempt = beginning.attempt;
        let key = (conversation_id, answer_id);
        if let AnswerStep::Started { kept, after } = &live.step {
            return self.begin_answer(live, kept, *after).await;
        }
        let received = self.received.answers.get_mut(&key).filter(|known| known.beginning >= beginning);
        let event = match (&live.step, received) {
            (AnswerStep::Sources(sources), _) => {
                ClientEvent::AnswerSources(AnswerSources { conversation_id, answer_id, attempt, sources })
            }
            (AnswerStep::Delta { offset, text }, Some(known)) if known.beginning == beginning => {
                let Some((offset, text)) = unsent(&mut known.text, *offset, text) else { return Ok(()) };
                ClientEvent::AnswerDelta(AnswerDelta { conversation_id, answer_id, attempt, offset, text })
            }
            (AnswerStep::Reasoning { offset, text }, Some(known)) if known.beginning == beginning => {
                let Some((offset, text)) = unsent(&mut known.reasoning, *offset, text) else { return Ok(()) };
                ClientEvent::AnswerReasoning(AnswerDelta {
                    conversation_id,
                    answer_id,
                    attempt,
                    offset,
                    text,
                })
            }
            (AnswerStep::Started { .. } | AnswerStep::Delta { .. } | AnswerStep::Reasoning { .. }, _) => {
                return Ok(());
            }
        };
        self.send(&event).await
    }

    /// Sends a beginning of an answer, and the text that it continues where the client lacks that.
    async fn begin_answer(
        &mut self,
        live: &AnswerProgress,
        kept: &str,
        after: Beginning,
    ) -> Result<(), StreamError> {
        let AnswerProgress { answer, question_id, beginning, .. } = *live;
        let AnswerRef { conversation_id, answer_id, .. } = answer;
        let (attempt, key) = (beginning.attempt, (conversation_id, answer_id));
        let known = self.received.answers.get(&key).copied();
        if known.is_some_and(|known| known.beginning >= beginning) {
            return Ok(());
        }
        let has_kept = known.is_some_and(|known| known.beginning == after && known.text >= kept.len());
        let from = if has_kept { kept.len() } else { 0 };
        self.received.answers.insert(key, ReceivedAnswer { beginning, text: from, reasoning: 0 });
        let started = AnswerStarted { conversation_id, answer_id, question_id, attempt, from };
        self.send(&ClientEvent::AnswerStarted(started)).await?;
        if has_kept || kept.is_empty() {
            return Ok(());
        }
        self.received.answers.insert(key, ReceivedAnswer { beginning, text: kept.len(), reasoning: 0 });
        let text = AnswerDelta { conversation_id, answer_id, attempt, offset: 0, text: kept };
        self.send(&ClientEvent::AnswerDelta(text)).await
    }
}

/// The part of a piece that the client has not received, with its offset. Counts it as received.
fn unsent<'a>(received: &mut usize, offset: usize, piece: &'a str) -> Option<(usize, &'a str)> {
    let new = piece.get(received.checked_sub(offset)?..).filter(|new| !new.is_empty())?;
    let offset = *received;
    *received += new.len();
    Some((offset, new))
}

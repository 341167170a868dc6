//! Deltas of answers being written: decrypted, put in order and delivered.

use std::sync::Arc;

use aggregates::AnswerRef;
use async_nats::Message;
use nats::{LiveKind, LiveMessage};
use sealing::{AssociatedData, Subject};

use super::Live;
use super::answers::Taken;
use super::beginning::Beginning;
use super::stream_event::{AnswerProgress, StreamEvent};
use crate::runtime::subscription::{Delivery, Subscription};

/// Whether a message of an answer is missing that a replay may deliver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Continuity {
    Whole,
    Gap,
}

impl Live {
    /// Follows the live stream for ever, and replays it after messages may have been lost.
    pub(super) async fn follow_answers(&self) {
        let mut messages = Subscription::new(self.nats.clone(), self.subjects.all_live());
        loop {
            match messages.next().await {
                Delivery::Subscribed => self.replay_live().await,
                Delivery::Message(message) => {
                    if self.take_live(&message).await == Continuity::Gap {
                        self.replays.request(message.subject.to_string());
                    }
                }
            }
        }
    }

    /// Applies a message of the live stream and delivers what is new in it.
    pub(super) async fn take_live(&self, message: &Message) -> Continuity {
        let Some(answer) = answer_of(message.subject.as_str()) else {
            return Continuity::Whole;
        };
        let Ok(live) = LiveMessage::from_bytes(&message.payload) else {
            return Continuity::Whole;
        };
        if live.answer_id != answer.answer_id {
            return Continuity::Whole;
        }
        let Some(text) = self.decrypt_live(answer, &live).await else {
            return Continuity::Whole;
        };
        let mut state = self.state();
        match state.answers.take_live(answer, &live, text) {
            Taken::Gap if state.answers.may_replay(answer) => Continuity::Gap,
            Taken::Gap | Taken::Nothing => Continuity::Whole,
            Taken::Step(step) => {
                let LiveMessage { question_id, attempt, beginning: number, .. } = live;
                let beginning = Beginning { attempt, number };
                let progress = AnswerProgress { answer, question_id, beginning, step };
                state.listeners.deliver(answer.owner, &StreamEvent::Live(Arc::new(progress)));
                Continuity::Whole
            }
        }
    }

    async fn decrypt_live(&self, answer: AnswerRef, live: &LiveMessage) -> Option<Vec<u8>> {
        if matches!(live.kind, LiveKind::Started { .. }) {
            return Some(Vec::new());
        }
        let AnswerRef { owner, conversation_id, answer_id } = answer;
        let subject = Subject::Conversation(conversation_id.uuid());
        let key = self.store.keyring().content(owner, subject).await.ok().flatten()?;
        let message = live.label();
        let aad =
            AssociatedData::Live { conversation_id, answer_id, attempt: live.attempt, message: &message };
        key.open(&aad, &live.sealed).ok()
    }
}

/// The answer in a live subject: `<prefix>.live.<owner>.<conversation>.<answer>`.
fn answer_of(subject: &str) -> Option<AnswerRef> {
    let mut tokens = subject.split('.').skip(2);
    let owner = tokens.next()?.parse().ok()?;
    let conversation_id = tokens.next()?.parse().ok()?;
    Some(AnswerRef { owner, conversation_id, answer_id: tokens.next()?.parse().ok()? })
}

//! Answers being written: what the live stream says of them, opened, put in order and passed on.

use std::sync::Arc;

use aggregates::{ConversationId, UserId};
use async_nats::Message;
use futures::StreamExt as _;
use nats::{LiveKind, LiveMessage};
use sealing::{Coordinates, Subject};

use super::answers::Taken;
use super::stream_event::{Happening, LiveHappening};
use super::{Hub, PAUSE};

/// Whether what was received of an answer has a hole that a replay may fill.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Continuity {
    Whole,
    Gap,
}

impl Hub {
    /// Follows the live stream, for ever.
    pub(crate) async fn follow_answers(&self) {
        loop {
            match self.nats.subscribe(self.subjects.all_live()).await {
                Ok(mut messages) => {
                    self.replay_live().await;
                    while let Some(message) = messages.next().await {
                        // Something before it was missed: the stream has it, or the worker sends all of it once more.
                        if self.take_live(&message).await == Continuity::Gap {
                            self.replay_in_background(message.subject.to_string());
                        }
                    }
                }
                Err(error) => tracing::warn!(%error, "could not follow answers being written"),
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Takes a message of the live stream in and passes on what is new in it.
    pub(crate) async fn take_live(&self, message: &Message) -> Continuity {
        let Some((owner, conversation_id)) = owner_and_conversation(message.subject.as_str()) else {
            return Continuity::Whole;
        };
        let Ok(live) = LiveMessage::from_bytes(&message.payload) else {
            return Continuity::Whole;
        };
        let Some(text) = self.open_live(owner, conversation_id, &live).await else {
            return Continuity::Whole;
        };
        let mut present = self.present();
        match present.answers.take_live(owner, conversation_id, &live, text) {
            Taken::Gap if present.answers.may_replay(live.answer_id) => Continuity::Gap,
            Taken::Gap | Taken::Nothing => Continuity::Whole,
            Taken::Step(step) => {
                let LiveMessage { question_id, answer_id, attempt, .. } = live;
                let happening = LiveHappening { conversation_id, question_id, answer_id, attempt, step };
                present.listeners.tell(owner, &Happening::Live(Arc::new(happening)));
                Continuity::Whole
            }
        }
    }

    async fn open_live(
        &self,
        owner: UserId,
        conversation_id: ConversationId,
        live: &LiveMessage,
    ) -> Option<Vec<u8>> {
        if matches!(live.kind, LiveKind::Started) {
            return Some(Vec::new());
        }
        let subject = Subject::Conversation(conversation_id.uuid());
        let key = self.store.keyring().content(owner, subject).await.ok().flatten()?;
        let message = live.kind.place();
        let place = Coordinates::Live {
            conversation_id,
            answer_id: live.answer_id,
            attempt: live.attempt,
            message: &message,
        };
        key.open(&place, &live.sealed).ok()
    }
}

/// The owner and conversation named by a live subject: `<prefix>.live.<owner>.<conversation>.<answer>`.
fn owner_and_conversation(subject: &str) -> Option<(UserId, ConversationId)> {
    let mut tokens = subject.split('.').skip(2);
    Some((tokens.next()?.parse().ok()?, tokens.next()?.parse().ok()?))
}

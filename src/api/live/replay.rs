//! Replays of the live stream: after the connection was replaced, and where a message of one
//! answer is missing.

use std::collections::HashSet;
use std::pin::pin;
use std::sync::{Mutex, PoisonError};

use futures::StreamExt as _;
use rag::error_chain::ErrorChain;
use tokio::sync::mpsc;

use super::Live;
use crate::runtime::live_messages::{self, ReplayError};

/// Requested replays that wait. A request that finds the queue full is dropped; the next gap repeats it.
const QUEUE: usize = 256;
/// Replays that run at the same time.
const CONCURRENT: usize = 4;

/// The queue of requested replays. A subject is in it at most once, whether its replay waits or runs.
#[derive(Debug)]
pub(super) struct Replays {
    subjects: Mutex<HashSet<String>>,
    sender: mpsc::Sender<String>,
    receiver: tokio::sync::Mutex<mpsc::Receiver<String>>,
}

impl Default for Replays {
    fn default() -> Self {
        let (sender, receiver) = mpsc::channel(QUEUE);
        Self { subjects: Mutex::default(), sender, receiver: tokio::sync::Mutex::new(receiver) }
    }
}

impl Replays {
    /// Requests a replay of one subject, unless one is waiting or running. Never waits.
    pub(super) fn request(&self, subject: String) {
        let mut subjects = self.subjects();
        if !subjects.contains(&subject) && self.sender.try_send(subject.clone()).is_ok() {
            subjects.insert(subject);
        }
    }

    async fn next(&self) -> Option<String> {
        self.receiver.lock().await.recv().await
    }

    fn finish(&self, subject: &str) {
        self.subjects().remove(subject);
    }

    fn subjects(&self) -> std::sync::MutexGuard<'_, HashSet<String>> {
        self.subjects.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Live {
    /// Replays all answers of the live stream, and drops those that have ended.
    pub(super) async fn replay_live(&self) {
        if let Err(error) = self.replay(self.subjects.all_live()).await {
            tracing::debug!(error = %ErrorChain(&error), "the live stream could not be replayed");
        }
        let known = self.state().answers.all();
        for answer in known {
            let id = answer.conversation_id.uuid();
            let Ok(conversation) = self.store.conversations().latest(id).await else {
                continue;
            };
            if conversation.answer(answer.answer_id).is_none_or(|state| state.status.has_ended()) {
                self.state().answers.end(answer);
            }
        }
    }

    /// Runs requested replays for ever.
    pub(super) async fn run_replays(&self) {
        let requests = futures::stream::unfold(&self.replays, async |replays| {
            replays.next().await.map(|subject| (subject, replays))
        });
        let replaying = requests.for_each_concurrent(CONCURRENT, async |subject| {
            if let Err(error) = self.replay(subject.clone()).await {
                tracing::debug!(error = %ErrorChain(&error), "an answer could not be replayed");
            }
            self.replays.finish(&subject);
        });
        replaying.await;
    }

    async fn replay(&self, subject: String) -> Result<(), ReplayError> {
        measures::catalogue::LIVE_REPLAYS.increment(&[]);
        let mut messages = pin!(live_messages::replay(&self.nats, &self.subjects, subject));
        while let Some(message) = messages.next().await {
            self.take_live(&message?).await;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_subject_is_replayed_once_however_often_it_is_requested() {
        let replays = Replays::default();
        for _ in 0..3 {
            replays.request("colloquy.live.a".to_owned());
        }
        assert_eq!(replays.next().await.as_deref(), Some("colloquy.live.a"));
        replays.request("colloquy.live.a".to_owned());
        assert!(replays.receiver.lock().await.try_recv().is_err());
        replays.finish("colloquy.live.a");
        replays.request("colloquy.live.a".to_owned());
        assert!(replays.next().await.is_some());
    }

    #[test]
    fn requests_beyond_the_queue_are_dropped() {
        let replays = Replays::default();
        for number in 0..=QUEUE {
            replays.request(format!("colloquy.live.{number}"));
        }
        assert_eq!(replays.subjects().len(), QUEUE);
    }
}

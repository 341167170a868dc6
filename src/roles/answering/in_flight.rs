//! Answers that this process is working on, so that each can be stopped. Leases tell those of other
//! processes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aggregates::AnswerId;
use tokio_util::sync::CancellationToken;

/// Answers in progress. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(super) struct InFlight {
    answers: Arc<Mutex<HashMap<AnswerId, CancellationToken>>>,
}

/// An answer in progress, until dropped.
#[derive(Debug)]
pub(super) struct Handle {
    in_flight: InFlight,
    answer_id: AnswerId,
    stopped: CancellationToken,
}

impl InFlight {
    /// Starts an answer; `None` if it is in progress already.
    pub(super) fn take(&self, answer_id: AnswerId) -> Option<Handle> {
        let stopped = CancellationToken::new();
        let mut answers = self.answers();
        if answers.contains_key(&answer_id) {
            return None;
        }
        answers.insert(answer_id, stopped.clone());
        Some(Handle { in_flight: self.clone(), answer_id, stopped })
    }

    /// Stops work on an answer that is in progress.
    pub(super) fn stop(&self, answer_id: AnswerId) {
        if let Some(stopped) = self.answers().get(&answer_id) {
            stopped.cancel();
        }
    }

    fn answers(&self) -> MutexGuard<'_, HashMap<AnswerId, CancellationToken>> {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Handle {
    /// Waits until the answer's owner has stopped it.
    pub(super) async fn stopped(&self) {
        self.stopped.cancelled().await;
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.in_flight.answers().remove(&self.answer_id);
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    const ANSWER: AnswerId = AnswerId::new(Uuid::from_u128(1));

    #[test]
    fn an_answer_is_in_flight_once_and_free_again_afterwards() {
        let in_flight = InFlight::default();
        let first = in_flight.take(ANSWER);
        assert!(first.is_some() && in_flight.take(ANSWER).is_none());
        drop(first);
        assert!(in_flight.take(ANSWER).is_some());
    }

    #[tokio::test]
    async fn a_stop_reaches_the_answer_in_flight() {
        let in_flight = InFlight::default();
        let handle = in_flight.take(ANSWER).unwrap();
        in_flight.stop(ANSWER);
        handle.stopped().await;
    }
}

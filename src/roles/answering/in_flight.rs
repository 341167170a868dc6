//! Answers that this process is working on, so that each can be stopped. Leases tell those of other
//! processes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio_util::sync::CancellationToken;

use super::processor::Request;

/// Answers in progress. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(super) struct InFlight {
    answers: Arc<Mutex<HashMap<Request, CancellationToken>>>,
}

/// An answer in progress, until dropped.
#[derive(Debug)]
pub(super) struct Handle {
    in_flight: InFlight,
    request: Request,
    stopped: CancellationToken,
}

impl InFlight {
    /// Starts an answer; `None` if it is in progress already.
    pub(super) fn take(&self, request: Request) -> Option<Handle> {
        let stopped = CancellationToken::new();
        let mut answers = self.answers();
        if answers.contains_key(&request) {
            return None;
        }
        answers.insert(request, stopped.clone());
        Some(Handle { in_flight: self.clone(), request, stopped })
    }

    /// Stops work on an answer that is in progress.
    pub(super) fn stop(&self, request: Request) {
        if let Some(stopped) = self.answers().get(&request) {
            stopped.cancel();
        }
    }

    fn answers(&self) -> MutexGuard<'_, HashMap<Request, CancellationToken>> {
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
        self.in_flight.answers().remove(&self.request);
    }
}

#[cfg(test)]
mod tests {
    use aggregates::{AnswerId, ConversationId};
    use uuid::Uuid;

    use super::*;

    const ANSWER: Request = Request {
        conversation_id: ConversationId::new(Uuid::from_u128(1)),
        answer_id: AnswerId::new(Uuid::from_u128(2)),
    };

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

    #[tokio::test]
    async fn a_stop_in_another_conversation_leaves_the_answer_alone() {
        let in_flight = InFlight::default();
        let handle = in_flight.take(ANSWER).unwrap();
        let conversation_id = ConversationId::new(Uuid::from_u128(9));
        in_flight.stop(Request { conversation_id, ..ANSWER });
        assert!(futures::FutureExt::now_or_never(handle.stopped()).is_none());
    }
}

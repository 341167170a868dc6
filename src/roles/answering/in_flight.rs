//! Answers that this process is working on, so that each can be stopped, and no owner takes all slots. Leases
//! tell those of other processes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aggregates::{AnswerRef, UserId};
use tokio_util::sync::CancellationToken;

/// Answers in progress. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(super) struct InFlight {
    answers: Arc<Mutex<HashMap<AnswerRef, CancellationToken>>>,
}

/// An answer in progress, until dropped.
#[derive(Debug)]
pub(super) struct Handle {
    in_flight: InFlight,
    answer: AnswerRef,
    stopped: CancellationToken,
    _counted: measures::Held,
}

impl InFlight {
    /// Starts an answer; `None` if it is in progress already.
    pub(super) fn take(&self, answer: AnswerRef) -> Option<Handle> {
        let stopped = CancellationToken::new();
        let mut answers = self.answers();
        if answers.contains_key(&answer) {
            return None;
        }
        answers.insert(answer, stopped.clone());
        let counted = measures::catalogue::ANSWERS_IN_FLIGHT.hold(&[]);
        Some(Handle { in_flight: self.clone(), answer, stopped, _counted: counted })
    }

    /// Whether an answer is in progress.
    pub(super) fn contains(&self, answer: AnswerRef) -> bool {
        self.answers().contains_key(&answer)
    }

    /// Stops work on an answer that is in progress.
    pub(super) fn stop(&self, answer: AnswerRef) {
        if let Some(stopped) = self.answers().get(&answer) {
            stopped.cancel();
        }
    }

    /// The owners with at least this many answers in progress.
    pub(super) fn owners_with(&self, answers: usize) -> Vec<UserId> {
        let mut counts: HashMap<UserId, usize> = HashMap::new();
        for answer in self.answers().keys() {
            *counts.entry(answer.owner).or_default() += 1;
        }
        counts.into_iter().filter(|(_, count)| *count >= answers).map(|(owner, _)| owner).collect()
    }

    fn answers(&self) -> MutexGuard<'_, HashMap<AnswerRef, CancellationToken>> {
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
        self.in_flight.answers().remove(&self.answer);
    }
}

#[cfg(test)]
mod tests {
    use aggregates::{AnswerId, ConversationId};
    use futures::FutureExt as _;
    use uuid::Uuid;

    use super::*;

    const OWNER: UserId = UserId::new(Uuid::from_u128(3));
    const ANSWER: AnswerRef = AnswerRef {
        owner: OWNER,
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

    #[test]
    fn a_stop_of_the_same_id_of_another_user_or_conversation_leaves_the_answer_alone() {
        let in_flight = InFlight::default();
        let handle = in_flight.take(ANSWER).unwrap();
        in_flight.stop(AnswerRef { owner: UserId::new(Uuid::from_u128(9)), ..ANSWER });
        in_flight.stop(AnswerRef { conversation_id: ConversationId::new(Uuid::from_u128(9)), ..ANSWER });
        assert!(handle.stopped().now_or_never().is_none());
    }

    #[test]
    fn an_owner_is_named_from_the_number_of_answers_on() {
        let in_flight = InFlight::default();
        let _first = in_flight.take(ANSWER);
        assert!(in_flight.owners_with(2).is_empty());
        let second = in_flight.take(AnswerRef { answer_id: AnswerId::new(Uuid::from_u128(5)), ..ANSWER });
        assert_eq!(in_flight.owners_with(2), [OWNER]);
        drop(second);
        assert!(in_flight.owners_with(2).is_empty());
    }
}

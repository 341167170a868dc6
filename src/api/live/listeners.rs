//! The listeners of each owner.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use aggregates::UserId;
use tokio::sync::mpsc;

use super::StreamEvent;

/// Events that wait for a slow listener, and their bytes. A listener that lags further behind is disconnected
/// and resumes.
const LAG_EVENTS: usize = 1_024;
const LAG_BYTES: usize = 4 << 20;

/// All listeners by owner.
#[derive(Debug, Default)]
pub(crate) struct Listeners {
    by_owner: HashMap<UserId, Vec<ListenerSender>>,
}

/// The sending half of a listener's queue.
#[derive(Debug)]
struct ListenerSender {
    sender: mpsc::Sender<StreamEvent>,
    bytes: Arc<AtomicUsize>,
}

/// Events that wait for a listener.
#[derive(Debug)]
pub struct ListenerQueue {
    events: mpsc::Receiver<StreamEvent>,
    bytes: Arc<AtomicUsize>,
}

impl ListenerQueue {
    /// The next event. `None` after a disconnection, when everything before it was received.
    pub async fn next(&mut self) -> Option<StreamEvent> {
        let event = self.events.recv().await?;
        self.bytes.fetch_sub(event.bytes(), Ordering::AcqRel);
        Some(event)
    }
}

impl ListenerSender {
    /// Whether the event was queued.
    fn deliver(&self, event: &StreamEvent) -> bool {
        let bytes = event.bytes();
        // One event of any size is accepted by an empty queue.
        let waiting = self.bytes.fetch_add(bytes, Ordering::AcqRel);
        (waiting == 0 || waiting + bytes <= LAG_BYTES) && self.sender.try_send(event.clone()).is_ok()
    }
}

impl Listeners {
    /// Adds a listener and returns its queue.
    pub(crate) fn add(&mut self, owner: UserId) -> ListenerQueue {
        let (sender, events) = mpsc::channel(LAG_EVENTS);
        let bytes = Arc::new(AtomicUsize::new(0));
        let listeners = self.by_owner.entry(owner).or_default();
        listeners.retain(|other| !other.sender.is_closed());
        listeners.push(ListenerSender { sender, bytes: Arc::clone(&bytes) });
        ListenerQueue { events, bytes }
    }

    pub(crate) fn has(&self, owner: UserId) -> bool {
        self.by_owner.contains_key(&owner)
    }

    /// Delivers an event to all listeners of an owner. A listener that is closed or lags too far
    /// behind is disconnected.
    pub(crate) fn deliver(&mut self, owner: UserId, event: &StreamEvent) {
        let Some(listeners) = self.by_owner.get_mut(&owner) else {
            return;
        };
        listeners.retain(|listener| listener.deliver(event));
        if listeners.is_empty() {
            self.by_owner.remove(&owner);
        }
    }

    /// Disconnects the listeners of an owner, so that their clients reconnect and resume.
    pub(crate) fn disconnect(&mut self, owner: UserId) {
        self.by_owner.remove(&owner);
    }

    pub(crate) fn clear(&mut self) {
        self.by_owner.clear();
    }
}

#[cfg(test)]
mod tests {
    use aggregates::{AnswerId, AnswerRef, ConversationId, QuestionId};
    use uuid::Uuid;

    use super::*;
    use crate::api::live::{AnswerProgress, AnswerStep, Beginning};

    fn delta(bytes: usize) -> StreamEvent {
        StreamEvent::Live(Arc::new(AnswerProgress {
            answer: AnswerRef {
                owner: UserId::SHARED,
                conversation_id: ConversationId::new(Uuid::nil()),
                answer_id: AnswerId::new(Uuid::nil()),
            },
            question_id: QuestionId::new(Uuid::nil()),
            beginning: Beginning::of_attempt(1),
            step: AnswerStep::Delta { offset: 0, text: "x".repeat(bytes) },
        }))
    }

    #[tokio::test]
    async fn a_listener_with_too_many_bytes_to_read_is_disconnected() {
        let mut listeners = Listeners::default();
        let owner = UserId::SHARED;
        let mut slow = listeners.add(owner);
        let mut brisk = listeners.add(owner);
        for _ in 0..8 {
            listeners.deliver(owner, &delta(1 << 20));
            assert!(brisk.next().await.is_some());
        }
        let mut received = 0;
        while slow.next().await.is_some() {
            received += 1;
        }
        assert_eq!(received, 3);
        listeners.deliver(owner, &delta(LAG_BYTES * 2));
        assert!(brisk.next().await.is_some());
    }
}

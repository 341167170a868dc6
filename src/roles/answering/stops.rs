//! Stops work on answers that their owners have stopped.

use aggregates::conversation::ConversationEvent;
use aggregates::{ConversationId, Event};
use async_nats::Client;
use nats::{Envelope, Subjects};
use store::Store;

use super::in_flight::InFlight;
use super::processor::Request;
use crate::runtime::subscription::{Delivery, Subscription};

/// Follows `AnswerStopped` events for ever. A missed event does no harm: the conversation refuses to record
/// the answer. A message counts if the store has the answer's end.
pub(super) async fn follow(store: &Store, nats: Client, subjects: &Subjects, in_flight: &InFlight) {
    let mut stopped = Subscription::new(nats, subjects.answers_stopped());
    loop {
        let Delivery::Message(message) = stopped.next().await else { continue };
        if let Ok(recorded) = Envelope::read(&message.payload)
            && let Event::Conversation(ConversationEvent::AnswerStopped { answer_id, .. }) = recorded.event
        {
            let conversation_id = ConversationId::new(recorded.aggregate_id);
            let answer = (conversation_id, answer_id);
            if store.ended_answers(&[answer]).await.is_ok_and(|ended| ended.contains(&answer_id)) {
                in_flight.stop(Request { conversation_id, answer_id });
            }
        }
    }
}

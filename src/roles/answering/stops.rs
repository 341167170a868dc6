//! Stops work on answers that their owners have stopped.

use aggregates::Event;
use aggregates::conversation::ConversationEvent;
use async_nats::Client;
use nats::{Envelope, Subjects};

use super::in_flight::InFlight;
use crate::runtime::subscription::{Delivery, Subscription};

/// Follows `AnswerStopped` events for ever. A missed event does no harm: the conversation refuses to record
/// the answer.
pub(super) async fn follow(nats: Client, subjects: &Subjects, in_flight: &InFlight) {
    let mut stopped = Subscription::new(nats, subjects.answers_stopped());
    loop {
        let Delivery::Message(message) = stopped.next().await else { continue };
        if let Ok(recorded) = Envelope::read(&message.payload)
            && let Event::Conversation(ConversationEvent::AnswerStopped { answer_id, .. }) = recorded.event
        {
            in_flight.stop(answer_id);
        }
    }
}

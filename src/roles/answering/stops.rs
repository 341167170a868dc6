//! Stops work on answers that their owners have stopped.

use aggregates::Event;
use aggregates::conversation::ConversationEvent;
use aggregates::{AnswerRef, ConversationId};
use async_nats::Client;
use nats::{Envelope, Subjects};
use store::Store;

use super::in_flight::InFlight;
use crate::runtime::subscription::{Delivery, Subscription};

/// Follows `AnswerStopped` events for ever: a subscription that breaks off is made again, and a panic ends
/// the worker and with it the process. A missed event does no harm: the conversation refuses to record the
/// answer. A message counts if the store has the answer's end.
pub(super) async fn follow(store: &Store, nats: Client, subjects: &Subjects, in_flight: &InFlight) {
    let mut stopped = Subscription::new(nats, subjects.answers_stopped());
    loop {
        let Delivery::Message(message) = stopped.next().await else { continue };
        if let Ok(recorded) = Envelope::read(&message.payload)
            && let Event::Conversation(ConversationEvent::AnswerStopped { answer_id, .. }) = recorded.event
        {
            let conversation_id = ConversationId::new(recorded.aggregate_id);
            let answer = AnswerRef { owner: recorded.owner, conversation_id, answer_id };
            if in_flight.contains(answer) && has_ended(store, answer).await {
                in_flight.stop(answer);
            }
        }
    }
}

async fn has_ended(store: &Store, answer: AnswerRef) -> bool {
    let conversation = store.conversations().latest(answer.conversation_id.uuid()).await;
    conversation.is_ok_and(|conversation| {
        conversation.answer(answer.answer_id).is_some_and(|state| state.status.has_ended())
    })
}

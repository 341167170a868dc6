//! Hears of answers that were stopped, as soon as the sealer has published it.

use std::time::Duration;

use aggregates::Event;
use aggregates::conversation::ConversationEvent;
use async_nats::Client;
use futures::StreamExt as _;
use nats::{Envelope, Subjects};

use super::in_flight::InHand;

/// How long NATS is left alone after it failed.
const PAUSE: Duration = Duration::from_millis(500);

/// Stops work on whatever its owner has stopped, for ever. What is missed shows when the answer is to be recorded.
pub(crate) async fn follow(nats: &Client, subjects: &Subjects, in_hand: &InHand) {
    loop {
        match nats.subscribe(subjects.answers_stopped()).await {
            Ok(mut stops) => {
                while let Some(message) = stops.next().await {
                    if let Ok(recorded) = Envelope::read(&message.payload)
                        && let Event::Conversation(ConversationEvent::AnswerStopped { answer_id, .. }) =
                            recorded.event
                    {
                        in_hand.stop(answer_id);
                    }
                }
            }
            Err(error) => tracing::warn!(%error, "could not listen for stopped answers"),
        }
        tokio::time::sleep(PAUSE).await;
    }
}

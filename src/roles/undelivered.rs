//! Deliveries that this release cannot read.

use std::time::Duration;

use aggregates::operation::DeadLetterKind;
use aggregates::{UserId, Version};
use async_nats::jetstream::Message;
use nats::{Envelope, InvalidEnvelope};
use rag::error_chain::ErrorChain;
use uuid::Uuid;

use crate::runtime::backoff::Backoff;
use crate::runtime::consumer::AckDecision;
use store::{NewDeadLetter, Store};

/// Deliveries of a message before it becomes a dead letter. During an update, a process of another release
/// may read it.
const DELIVERIES: u32 = 4;
/// Delays between them.
const RETRY: Backoff = Backoff::new(Duration::from_millis(500), Duration::from_secs(4));

/// Decides on a message that cannot be read: it is delivered again, and becomes a dead letter in the end.
pub(super) async fn undelivered(
    store: &Store,
    kind: DeadLetterKind,
    message: &Message,
    error: &InvalidEnvelope,
) -> AckDecision {
    let deliveries = deliveries_of(message);
    if deliveries < DELIVERIES {
        return AckDecision::RetryAfter(RETRY.delay_before(deliveries));
    }
    tracing::error!(error = %ErrorChain(error), "a delivered event could not be decoded");
    let letter = letter(kind, message, error, deliveries);
    match store.keep_dead_letter(&letter).await {
        Ok(()) => AckDecision::Reject,
        Err(error) => {
            tracing::warn!(error = %ErrorChain(&error), "a dead letter could not be stored");
            AckDecision::RetryAfter(RETRY.delay_before(deliveries))
        }
    }
}

/// Number of deliveries of a message.
pub(super) fn deliveries_of(message: &Message) -> u32 {
    message.info().map_or(1, |info| u32::try_from(info.delivered).unwrap_or(1))
}

fn letter(kind: DeadLetterKind, message: &Message, error: &InvalidEnvelope, attempts: u32) -> NewDeadLetter {
    let detail = ErrorChain(error).to_string();
    let parsed = Envelope::parse(&message.payload).ok();
    let position = nats::place_of(message).map_or(0, |(position, _)| position.0);
    let (owner, aggregate_id, event_id, sequence) = parsed
        .map_or((Uuid::nil(), Uuid::nil(), Uuid::from_u128(position.into()), 0), |event| {
            (event.owner, event.aggregate_id, event.event_id, event.sequence)
        });
    let subject_id = if kind == DeadLetterKind::Document && sequence > 0 { aggregate_id } else { event_id };
    NewDeadLetter {
        kind,
        owner: UserId::new(owner),
        aggregate_id,
        subject_id,
        sequence: Version(sequence.unsigned_abs()),
        cause: "unreadable",
        detail,
        attempts,
    }
}

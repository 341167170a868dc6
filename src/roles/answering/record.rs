//! Records how an answer ended: as an event, and where it failed as a dead letter for an operator, too.

use std::time::Duration;

use aggregates::conversation::{
    Answer, ConversationCommand, FailureReason, Intent, Provenance, RecordAnswer, Usage,
};
use aggregates::{Actor, Metadata, UserId};
use chrono::Utc;
use serde::Serialize;
use tokio::time::Instant;

use super::failure::ATTEMPTS;
use super::processor::{AnswerProcessor, Request};
use crate::runtime::consumer::AckDecision;
use store::{AnswerLease, ExecuteError, Requested, StoreError};

/// How long, and how often, an ending is tried to be recorded while the store is away. Longer than a restart takes.
const RECORD_WITHIN: Duration = Duration::from_mins(1);
const RECORD_PAUSE: Duration = Duration::from_millis(500);
/// How long a dead letter may take.
const LETTER_TIMEOUT: Duration = Duration::from_secs(2);
/// How long a request is left alone whose ending could not be recorded.
const PAUSE: Duration = Duration::from_secs(5);

/// How an answer ends when nobody stops it.
#[derive(Debug, Clone)]
pub(super) enum Ending {
    /// With a text.
    Answered(Box<(Answer, Provenance, Usage)>),
    /// Without.
    Failed(FailureReason),
}

/// What an operator finds of an answer that failed: ids and numbers, never a text.
#[derive(Serialize)]
struct DeadLetter {
    kind: &'static str,
    #[serde(flatten)]
    ids: DeadIds,
    owner: UserId,
    attempts: u32,
    reason: FailureReason,
}

#[derive(Serialize)]
struct DeadIds {
    conversation_id: aggregates::ConversationId,
    answer_id: aggregates::AnswerId,
    requested_by: aggregates::EventId,
}

impl AnswerProcessor {
    /// Records the end of an answer. Whoever was first decides how it ended; to come second changes nothing.
    pub(super) async fn end(
        &self,
        request: Request,
        owner: UserId,
        lease: &AnswerLease,
        requested: &Requested,
        ending: Ending,
    ) -> AckDecision {
        // A claim after the last attempt is only there to say that there will be no other.
        let attempt = lease.attempt.min(ATTEMPTS);
        let metadata = Metadata {
            owner,
            actor: Actor::Worker,
            correlation_id: requested.correlation_id.unwrap_or(requested.event_id.uuid()),
            causation_id: Some(requested.event_id),
            traceparent: requested.traceparent.clone(),
        };
        let recorded = self.record(request, &metadata, attempt, &ending).await;
        let (recorded, ending) = match (recorded, ending) {
            // There is no key to seal an answer with: its owner had everything erased meanwhile.
            (Err(Unrecorded::KeyDestroyed), Ending::Answered(_)) => {
                let failed = Ending::Failed(FailureReason::Internal);
                (self.record(request, &metadata, attempt, &failed).await, failed)
            }
            decided => decided,
        };
        match recorded {
            Ok(()) => {
                self.wake.notify();
                if let Ending::Failed(reason) = ending {
                    self.send_dead_letter(request, &metadata, requested, attempt, reason).await;
                }
                self.forget(lease).await;
                AckDecision::Ack
            }
            Err(error) => {
                tracing::error!(%error, answer.id = %request.answer_id, "the end of an answer could not be recorded");
                self.let_go(lease).await;
                AckDecision::RetryAfter(PAUSE)
            }
        }
    }

    async fn record(
        &self,
        request: Request,
        metadata: &Metadata,
        attempt: u32,
        ending: &Ending,
    ) -> Result<(), Unrecorded> {
        let id = request.conversation_id.uuid();
        let deadline = Instant::now() + RECORD_WITHIN;
        loop {
            let command = command(request, attempt, ending.clone());
            let executed = self.store.conversations().execute(id, command, metadata, None).await;
            match executed {
                Ok(_) => return Ok(()),
                Err(ExecuteError::Store(error)) if error.is_away() && Instant::now() < deadline => {
                    tracing::warn!(%error, answer.id = %request.answer_id, "the store is away: an answer waits");
                    tokio::select! {
                        () = tokio::time::sleep(RECORD_PAUSE) => {}
                        () = self.closing.cancelled() => return Err(Unrecorded::Store(error)),
                    }
                }
                Err(ExecuteError::Store(StoreError::KeyDestroyed)) => return Err(Unrecorded::KeyDestroyed),
                Err(ExecuteError::Store(error)) => return Err(Unrecorded::Store(error)),
                Err(ExecuteError::Refused(refused)) => return Err(Unrecorded::Refused(refused)),
            }
        }
    }

    /// Best effort: the event says the same to the person, the log to the operator.
    async fn send_dead_letter(
        &self,
        request: Request,
        metadata: &Metadata,
        requested: &Requested,
        attempts: u32,
        reason: FailureReason,
    ) {
        tracing::error!(answer.id = %request.answer_id, attempts, ?reason, "an answer was given up");
        let letter = DeadLetter {
            kind: "answer",
            ids: DeadIds {
                conversation_id: request.conversation_id,
                answer_id: request.answer_id,
                requested_by: requested.event_id,
            },
            owner: metadata.owner,
            attempts,
            reason,
        };
        let sent = async {
            let letter = serde_json::to_vec(&letter).map_err(|error| error.to_string())?;
            let subject = self.subjects.dead("answers");
            let ack = self.jetstream.publish(subject, letter.into()).await;
            ack.map_err(|error| error.to_string())?.await.map_err(|error| error.to_string())
        };
        if let Ok(Err(error)) = tokio::time::timeout(LETTER_TIMEOUT, sent).await {
            tracing::warn!(error, answer.id = %request.answer_id, "a dead letter was not kept");
        }
    }
}

fn command(request: Request, attempt: u32, ending: Ending) -> ConversationCommand {
    let answer_id = request.answer_id;
    let intent = match ending {
        Ending::Answered(answered) => {
            let (answer, provenance, usage) = *answered;
            Intent::RecordAnswer(RecordAnswer { answer_id, attempt, provenance, usage, answer })
        }
        Ending::Failed(reason) => Intent::RecordFailure { answer_id, attempt, reason },
    };
    ConversationCommand { by: Actor::Worker, at: Utc::now(), expected: None, intent }
}

/// Why an ending was not recorded.
#[derive(Debug, thiserror::Error)]
enum Unrecorded {
    #[error("seal an answer: its key was destroyed")]
    KeyDestroyed,
    #[error(transparent)]
    Store(StoreError),
    #[error(transparent)]
    Refused(aggregates::conversation::ConversationRefused),
}

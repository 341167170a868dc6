//! Records the end of an answer as an event, and a failure also as a dead letter for operators.

use std::time::Duration;

use aggregates::conversation::{
    Answer, ConversationCommand, ConversationRefused, FailureReason, Intent, Provenance, RecordAnswer, Usage,
};
use aggregates::operation::DeadLetterKind;
use aggregates::{Actor, AnswerRef, Metadata, UserId};
use chrono::Utc;
use rag::error_chain::ErrorChain;
use serde::Serialize;
use tokio::time::Instant;

use super::failure::ATTEMPTS;
use super::processor::{AnswerProcessor, QueueDecision, UNREADABLE_PAUSE};
use tracing::{Instrument as _, Span};

use crate::language_models::count_tokens;
use crate::telemetry::traces;
use store::{AnswerLease, ExecuteError, NewDeadLetter, Requested, StoreError};

/// Time for which recording is retried while the store is away, longer than a restart takes, and the delays.
const RECORD_WITHIN: Duration = Duration::from_mins(1);
const RECORD_PAUSE: Duration = Duration::from_millis(500);
/// Time limit for publishing a dead letter.
const LETTER_TIMEOUT: Duration = Duration::from_secs(2);
/// Cause of a dead letter whose conversation cannot be read.
const UNREADABLE: &str = "unreadable";
/// Delay of a request whose end could not be recorded.
const PAUSE: Duration = Duration::from_secs(5);

/// The end of an answer that its owner does not stop.
#[derive(Debug, Clone)]
pub(super) enum Ending {
    /// With a text.
    Answered(Box<(Answer, Provenance, Usage)>),
    /// Without a text, and the error, which names no text of a person.
    Failed(FailureReason, String),
    /// Without a text, because its owner or its conversation was erased. No dead letter reports it.
    Erased,
}

/// Whether a recorded end tells the tokens of the attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    Yes,
    No,
    /// The answer has an end, or may have one, which can be that of this attempt.
    Unknown,
}

impl Ending {
    /// The tokens of the language model, if the end tells them.
    fn tokens(&self) -> Option<Usage> {
        match self {
            Self::Answered(answered) => answered.1.language_model.as_ref().map(|_| answered.2),
            Self::Failed(..) | Self::Erased => None,
        }
    }
}

/// Dead letter of a failed answer: ids and numbers, never texts.
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
    /// Records the end of an answer. The first recorded end counts; a second one has no effect.
    pub(super) async fn end(
        &self,
        lease: &AnswerLease,
        requested: &Requested,
        mut ending: Ending,
    ) -> (QueueDecision, Told) {
        let answer = lease.answer;
        // A worker that takes the answer after the last attempt only records the failure.
        let attempt = lease.attempt.min(ATTEMPTS);
        let metadata = Metadata {
            owner: answer.owner,
            actor: Actor::Worker,
            correlation_id: requested.correlation_id.unwrap_or(requested.event_id.uuid()),
            causation_id: Some(requested.event_id),
            traceparent: traces::traceparent_of(&Span::current()).or_else(|| requested.traceparent.clone()),
        };
        let mut recorded =
            self.record(answer, &metadata, attempt, &ending).instrument(tracing::info_span!("record")).await;
        if let (Err(Unrecorded::Erased), Ending::Answered(_)) = (&recorded, &ending) {
            ending = Ending::Erased;
            recorded = self.record(answer, &metadata, attempt, &ending).await;
        }
        let told = match (&recorded, ending.tokens()) {
            (_, None) => Told::No,
            (Ok(Recorded::Now), Some(usage)) => {
                count_tokens(usage);
                Told::Yes
            }
            (Ok(Recorded::Before) | Err(_), Some(_)) => Told::Unknown,
        };
        (self.after_record(lease, requested, (attempt, &metadata), recorded, ending).await, told)
    }

    /// What becomes of the answer in the queue after the attempt to record its end.
    async fn after_record(
        &self,
        lease: &AnswerLease,
        requested: &Requested,
        (attempt, metadata): (u32, &Metadata),
        recorded: Result<Recorded, Unrecorded>,
        ending: Ending,
    ) -> QueueDecision {
        let answer = lease.answer;
        match recorded {
            Ok(Recorded::Now) => {
                self.wake.notify();
                if let Ending::Failed(reason, error) = ending {
                    self.keep_dead_letter(lease, reason.name(), error).await;
                    self.send_dead_letter(answer, metadata, requested, attempt, reason).await;
                }
                QueueDecision::Remove
            }
            // The answer ended before.
            Ok(Recorded::Before) => QueueDecision::Remove,
            // No later attempt changes the decision, so the answer is settled.
            Err(error @ (Unrecorded::Refused(_) | Unrecorded::Erased)) => {
                tracing::warn!(error = %ErrorChain(&error), answer.id = %answer.answer_id, "an answer accepts no end");
                QueueDecision::Remove
            }
            Err(error @ Unrecorded::Unreadable(_)) => {
                tracing::warn!(error = %ErrorChain(&error), answer.id = %answer.answer_id, "a conversation is not readable for this release");
                QueueDecision::DeclineFor(UNREADABLE_PAUSE)
            }
            Err(error) => {
                tracing::error!(error = %ErrorChain(&error), answer.id = %answer.answer_id, "the end of an answer could not be recorded");
                // No later attempt can read the conversation either. The letter keeps the answer
                // from being lost.
                let lasts = matches!(&error, Unrecorded::Store(error) if error.is_of_data());
                let detail = ErrorChain(&error).to_string();
                let is_kept = lasts && self.keep_dead_letter(lease, UNREADABLE, detail).await;
                if is_kept { QueueDecision::Remove } else { QueueDecision::RetryAfter(PAUSE) }
            }
        }
    }

    /// Keeps a dead letter for operators; `false` if it could not be stored.
    async fn keep_dead_letter(&self, lease: &AnswerLease, cause: &'static str, detail: String) -> bool {
        let AnswerRef { owner, conversation_id, answer_id } = lease.answer;
        let letter = NewDeadLetter {
            kind: DeadLetterKind::Answer,
            owner,
            aggregate_id: conversation_id.uuid(),
            subject_id: answer_id.uuid(),
            sequence: lease.sequence,
            cause,
            detail,
            attempts: lease.attempt.min(ATTEMPTS),
        };
        let kept = self.store.keep_dead_letter(&letter).await;
        if let Err(error) = &kept {
            tracing::warn!(error = %ErrorChain(error), answer.id = %answer_id, "a dead letter could not be stored");
        }
        kept.is_ok()
    }

    async fn record(
        &self,
        answer: AnswerRef,
        metadata: &Metadata,
        attempt: u32,
        ending: &Ending,
    ) -> Result<Recorded, Unrecorded> {
        let id = answer.conversation_id.uuid();
        let deadline = Instant::now() + RECORD_WITHIN;
        loop {
            let command = command(answer, attempt, ending.clone());
            let executed = self.store.conversations().execute(id, command, metadata, None).await;
            match executed {
                Ok(executed) if executed.events.is_empty() => return Ok(Recorded::Before),
                Ok(_) => return Ok(Recorded::Now),
                Err(ExecuteError::Store(error)) if error.is_unavailable() && Instant::now() < deadline => {
                    tracing::warn!(error = %ErrorChain(&error), answer.id = %answer.answer_id, "an answer waits for the store");
                    tokio::select! {
                        () = tokio::time::sleep(RECORD_PAUSE) => {}
                        () = self.closing.cancelled() => return Err(Unrecorded::Store(error)),
                    }
                }
                Err(
                    ExecuteError::Store(StoreError::KeyDestroyed | StoreError::OwnerErased)
                    | ExecuteError::Refused(ConversationRefused::Deleted),
                ) => return Err(Unrecorded::Erased),
                Err(ExecuteError::Store(error)) if error.is_unreadable() => {
                    return Err(Unrecorded::Unreadable(error));
                }
                Err(ExecuteError::Store(error)) => return Err(Unrecorded::Store(error)),
                Err(ExecuteError::Refused(refused)) => return Err(Unrecorded::Refused(refused)),
            }
        }
    }

    /// Publishes a dead letter. A failure is only logged: the event informs the owner, the log the operator.
    async fn send_dead_letter(
        &self,
        answer: AnswerRef,
        metadata: &Metadata,
        requested: &Requested,
        attempts: u32,
        reason: FailureReason,
    ) {
        tracing::error!(answer.id = %answer.answer_id, attempts, ?reason, "an answer failed after its last attempt");
        let letter = DeadLetter {
            kind: "answer",
            ids: DeadIds {
                conversation_id: answer.conversation_id,
                answer_id: answer.answer_id,
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
            tracing::warn!(error, answer.id = %answer.answer_id, "a dead letter could not be published");
        }
    }
}

fn command(answer: AnswerRef, attempt: u32, ending: Ending) -> ConversationCommand {
    let answer_id = answer.answer_id;
    let intent = match ending {
        Ending::Answered(answered) => {
            let (answer, provenance, usage) = *answered;
            Intent::RecordAnswer(RecordAnswer { answer_id, attempt, provenance, usage, answer })
        }
        Ending::Failed(reason, _) => Intent::RecordFailure { answer_id, attempt, reason },
        Ending::Erased => Intent::RecordFailure { answer_id, attempt, reason: FailureReason::Internal },
    };
    ConversationCommand { by: Actor::Worker, at: Utc::now(), expected: None, intent }
}

/// End of the answer.
enum Recorded {
    /// By this record.
    Now,
    /// Before, so that this record had no effect.
    Before,
}

/// Why the end of an answer was not recorded.
#[derive(Debug, thiserror::Error)]
enum Unrecorded {
    /// No text is accepted any more; a failure, which has none, is.
    #[error("the owner or the conversation was erased")]
    Erased,
    #[error(transparent)]
    Store(StoreError),
    /// The conversation has an event that this release does not know.
    #[error(transparent)]
    Unreadable(StoreError),
    #[error(transparent)]
    Refused(ConversationRefused),
}

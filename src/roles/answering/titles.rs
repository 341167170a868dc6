//! Proposes titles of conversations, beside the answers: with the language model, after the first answer that
//! a model completed. A title of the owner's is never replaced. Answers that wait for a slot go first: until it
//! has a title, a conversation is named by its question.

use std::time::Duration;

use aggregates::conversation::{ConversationCommand, Intent, SpendingPurpose};
use aggregates::{Actor, AnswerRef, Metadata, ModelName, Title};
use chrono::Utc;
use futures::StreamExt as _;
use rag::error_chain::ErrorChain;
use rag::generate::Meter;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use uuid::Uuid;

use super::processor::{AnswerProcessor, Job};
use super::record::Ending;
use super::spending::Spent;
use crate::language_models::usage_of;

/// Conversations that wait for a title. Further ones get none.
pub(super) const WAITING: usize = 64;
/// Titles that are proposed at the same time.
const AT_ONCE: usize = 2;
/// Time for which a title waits while answers wait.
const YIELD_TIMEOUT: Duration = Duration::from_mins(1);

/// The first question of a conversation and its answer.
pub(super) struct Untitled {
    answer: AnswerRef,
    correlation_id: Uuid,
    model: Option<ModelName>,
    question: String,
    text: String,
}

impl Untitled {
    /// `None` where a conversation has a title or earlier answers, or where no model wrote the answer.
    pub(super) fn of(job: &Job, ending: &Ending) -> Option<Self> {
        let Ending::Answered(answered) = ending else { return None };
        let (answer, provenance, _) = answered.as_ref();
        let is_first = job.asked.is_untitled && job.asked.history.is_empty();
        (is_first && provenance.language_model.is_some()).then(|| Self {
            answer: job.lease.answer,
            correlation_id: job.requested.correlation_id.unwrap_or(job.requested.event_id.uuid()),
            model: job.asked.model.clone(),
            question: job.asked.question.clone(),
            text: answer.text.clone(),
        })
    }
}

/// Proposes titles for ever.
pub(super) async fn follow(processor: &AnswerProcessor, untitled: mpsc::Receiver<Untitled>) {
    let proposing =
        ReceiverStream::new(untitled).for_each_concurrent(AT_ONCE, |untitled| propose(processor, untitled));
    proposing.await;
    std::future::pending::<()>().await;
}

async fn propose(processor: &AnswerProcessor, untitled: Untitled) {
    let Some(model) = processor.language_models.find(untitled.model.as_ref()) else { return };
    processor.work.room(YIELD_TIMEOUT).await;
    let meter = Meter::default();
    let proposed =
        rag::title::propose(&model.metered(meter.clone()), &untitled.question, &untitled.text).await;
    if let Some(usage) = usage_of(&meter) {
        let (purpose, correlation_id) = (SpendingPurpose::Title, untitled.correlation_id);
        let spent = Spent { purpose, attempt: None, correlation_id, usage };
        processor.record_spending(untitled.answer, untitled.model.as_ref(), spent).await;
    }
    let Some(title) = proposed.and_then(|title| Title::parse(&title).ok()) else { return };
    let AnswerRef { owner, conversation_id, .. } = untitled.answer;
    let intent = Intent::ProposeTitle(title);
    let command = ConversationCommand { by: Actor::Worker, at: Utc::now(), expected: None, intent };
    let metadata = Metadata {
        owner,
        actor: Actor::Worker,
        correlation_id: untitled.correlation_id,
        causation_id: None,
        traceparent: None,
    };
    let conversations = processor.store.conversations();
    match conversations.execute(conversation_id.uuid(), command, &metadata, None).await {
        Ok(_) => processor.wake.notify(),
        Err(error) => tracing::debug!(error = %ErrorChain(&error), "a title could not be recorded"),
    }
}

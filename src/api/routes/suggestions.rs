//! `POST /v1/conversations/{id}/answers/{answer_id}/suggestions`: further questions after an answer.

use std::sync::Arc;
use std::time::Duration;

use aggregates::conversation::{
    AnswerStatus, Conversation, ConversationEvent, RecordSpending, SpendingPurpose,
};
use aggregates::{AggregateType, AnswerId, ConversationId, Event};
use axum::Json;
use axum::extract::{FromRef, Path, State};
use rag::generate::Meter;
use serde::Serialize;
use tokio::sync::oneshot;
use utoipa::ToSchema;

use crate::api::ApiState;
use crate::api::caller::command_metadata;
use crate::api::identity::Caller;
use crate::api::limits::Limits;
use crate::api::middleware::trace::Trace;
use crate::api::models::ModelChoices;
use crate::api::problem::Problem;
use crate::api::reads::params::parse_id;
use crate::api::stream::Streams;
use crate::language_models::{SpendingRecord, usage_of};
use crate::runtime::wake::SequencerWake;
use store::Store;

/// Time for which recording of the tokens is retried while the store is away.
const RECORD_WITHIN: Duration = Duration::from_secs(5);

/// Questions that the language model suggests.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct Suggestions {
    /// One to three questions.
    items: Vec<String>,
}

/// Asks language models for suggestions.
#[derive(Debug, Clone)]
pub(in crate::api) struct Suggesting {
    store: Store,
    wake: SequencerWake,
    models: ModelChoices,
    streams: Arc<Streams>,
}

impl FromRef<ApiState> for Suggesting {
    fn from_ref(state: &ApiState) -> Self {
        Self {
            store: Store::from_ref(state),
            wake: SequencerWake::from_ref(state),
            models: ModelChoices::from_ref(state),
            streams: Arc::from_ref(state),
        }
    }
}

/// Suggest questions after an answer
///
/// Asks the language model of the conversation for up to three questions, which takes up to 40 s. Its tokens
/// count in the usage and the budgets of the caller. Nothing is kept: each request asks again.
#[utoipa::path(post, path = "/v1/conversations/{conversation_id}/answers/{answer_id}/suggestions",
    operation_id = "suggest_questions", tag = "Commands",
    params(("conversation_id" = uuid::Uuid, Path), ("answer_id" = uuid::Uuid, Path)),
    responses((status = 200, body = Suggestions), (status = 404), (status = 409), (status = 429), (status = 503)),
    security(("bearer" = [])))]
pub(in crate::api) async fn suggest(
    State(suggesting): State<Suggesting>,
    State(limits): State<Arc<Limits>>,
    trace: Trace,
    caller: Caller,
    Path((conversation, answer)): Path<(String, String)>,
) -> Result<Json<Suggestions>, Problem> {
    let conversation_id: ConversationId = parse_id(&conversation, "conversation_id")?;
    let answer_id: AnswerId = parse_id(&answer, "answer_id")?;
    limits.commands.count(&caller.user)?;
    let permit = limits.suggestions.take(caller.user)?;
    let conversation = suggesting.store.conversations().latest(conversation_id.uuid()).await?;
    if conversation.owner() != Some(caller.user) || conversation.is_deleted() {
        return Err(Problem::not_found());
    }
    suggesting.store.conversations().services().check_changes(&conversation)?;
    let (question, text) = suggesting.exchange(conversation_id, &conversation, answer_id).await?;
    let model = suggesting.models.chat(conversation.model()).ok_or_else(Problem::no_language_model)?.clone();
    suggesting.models.check_budgets(&limits.budgets, &suggesting.store, caller.user).await??;
    let (sender, suggested) = oneshot::channel();
    let metadata = command_metadata(caller.user, &trace);
    // A client that goes away ends the request, and the tokens are counted all the same.
    let streams = Arc::clone(&suggesting.streams);
    streams.spawn(async move {
        let meter = Meter::default();
        let questions = rag::suggest::questions(&model.metered(meter.clone()), &question, &text).await;
        let _ = sender.send(questions);
        if let Some(usage) = usage_of(&meter) {
            let (purpose, model) = (SpendingPurpose::Suggestions, model.name().to_owned());
            let spending = RecordSpending { answer_id, purpose, attempt: None, model, usage };
            let record = SpendingRecord { conversation_id, spending, metadata };
            record.write(&suggesting.store, &suggesting.wake, RECORD_WITHIN).await;
        }
        drop(permit);
    });
    let items = suggested.await.ok().flatten().ok_or_else(Problem::model_unavailable)?;
    Ok(Json(Suggestions { items }))
}

impl Suggesting {
    /// The texts of an ended answer and of its question.
    async fn exchange(
        &self,
        id: ConversationId,
        conversation: &Conversation,
        answer_id: AnswerId,
    ) -> Result<(String, String), Problem> {
        let state = conversation.answer(answer_id).ok_or_else(Problem::not_found)?;
        match state.status {
            AnswerStatus::Completed | AnswerStatus::Stopped => {}
            AnswerStatus::Requested | AnswerStatus::Failed => return Err(Problem::answer_without_text()),
        }
        let asked = conversation.asked_by(state.question_id).ok_or_else(Problem::not_found)?;
        let sequences = [asked, state.changed_at];
        let mut events = self.store.events_at(AggregateType::Conversation, id.uuid(), &sequences).await?;
        self.store.decrypt_events(&mut events).await?;
        let (mut question, mut answer) = (None, None);
        for recorded in events {
            match recorded.event {
                Event::Conversation(ConversationEvent::QuestionAsked { private, .. }) => {
                    question = private.open().map(|asked| asked.text.as_str().to_owned());
                }
                Event::Conversation(
                    ConversationEvent::AnswerCompleted { private, .. }
                    | ConversationEvent::AnswerStopped { private, .. },
                ) => answer = private.open().map(|answer| answer.text.clone()),
                _ => {}
            }
        }
        let question = question.ok_or_else(Problem::not_found)?;
        let answer =
            answer.filter(|text| !text.trim().is_empty()).ok_or_else(Problem::answer_without_text)?;
        Ok((question, answer))
    }
}

//! `GET /v1/conversations/{id}/answers/{answer_id}/provenance`: why an answer is as it is.

use aggregates::conversation::{
    AnswerStatus, ConversationEvent, CutOff, FoundPassage, InstructionScope, PassageScore, Timings,
};
use aggregates::{AggregateType, AnswerId, ConversationId, Event, QuestionId};
use axum::Json;
use axum::extract::{Path, State};
use chrono::{DateTime, Utc};
use projections::messages::MessageUsage;
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::identity::Caller;
use crate::api::problem::Problem;
use crate::api::reads::params::parse_id;
use store::Store;

/// Explanation of an answer, recorded with the answer.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct AnswerProvenance {
    /// Id of the answer.
    #[schema(value_type = uuid::Uuid)]
    answer_id: AnswerId,
    /// Id of the question.
    #[schema(value_type = uuid::Uuid)]
    question_id: QuestionId,
    /// Attempt that completed the answer, from 1.
    attempt: u32,
    /// Time when the answer was completed.
    completed_at: DateTime<Utc>,
    /// Model that embedded the question.
    embedding_model: String,
    /// Version of the searched index.
    index_version: String,
    /// Passages that the answer was written from, best first.
    passages: Vec<GivenPassage>,
    /// Passages that the searches found, best first, with the outcome of each: the first 24 and those that were
    /// selected. Empty for an answer of an earlier release.
    found: Vec<FoundPassage>,
    /// Language model that wrote the answer; `null` for a quoted answer.
    #[schema(required)]
    language_model: Option<String>,
    /// Version of the prompt templates; empty for a quoted answer.
    prompt_version: String,
    /// SHA-256 of the messages that were sent, in hexadecimal; empty for a quoted answer.
    prompt_sha256: String,
    /// Whether the answer consists of sentences of the passages.
    quoted: bool,
    /// Instructions that the language model was given, beside the rules of the service.
    instructions: Vec<InstructionScope>,
    /// Temperature that the owner chose; `null` for that of the configuration.
    #[schema(required)]
    temperature: Option<f64>,
    /// Tokens of the answer.
    usage: MessageUsage,
    /// Durations of the steps; `null` for an answer of an earlier release.
    #[schema(required)]
    timings: Option<Timings>,
    /// Reason for which the text ends before the answer does.
    #[schema(required)]
    cut_off: Option<CutOff>,
}

/// A passage that the answer was written from.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct GivenPassage {
    /// Id of the document.
    document_id: uuid::Uuid,
    /// Index of the passage within the document, from 0.
    passage: u32,
    /// Place among the passages, from 1.
    rank: usize,
    /// Relevance to the question. Scores are comparable within one answer only.
    score: f32,
    /// Numbers under which the answer cites the passage.
    cited_as: Vec<u32>,
}

/// Get the provenance of an answer
///
/// For its owner, once the answer is completed.
#[utoipa::path(get, path = "/v1/conversations/{conversation_id}/answers/{answer_id}/provenance",
    operation_id = "get_provenance", tag = "Queries",
    params(("conversation_id" = uuid::Uuid, Path), ("answer_id" = uuid::Uuid, Path)),
    responses((status = 200, body = AnswerProvenance), (status = 404)), security(("bearer" = [])))]
pub(in crate::api) async fn get(
    State(store): State<Store>,
    caller: Caller,
    Path((conversation, answer)): Path<(String, String)>,
) -> Result<Json<AnswerProvenance>, Problem> {
    let conversation_id: ConversationId = parse_id(&conversation, "conversation_id")?;
    let answer_id: AnswerId = parse_id(&answer, "answer_id")?;
    let conversation = store.conversations().latest(conversation_id.uuid()).await?;
    if conversation.owner() != Some(caller.user) || conversation.is_deleted() {
        return Err(Problem::not_found());
    }
    let state = conversation.answer(answer_id).filter(|answer| answer.status == AnswerStatus::Completed);
    let sequence = state.ok_or_else(Problem::not_found)?.changed_at;
    let id = conversation_id.uuid();
    let mut events = store.events_at(AggregateType::Conversation, id, &[sequence]).await?;
    store.decrypt_events(&mut events).await?;
    let recorded = events.pop().ok_or_else(Problem::not_found)?;
    let completed_at = recorded.recorded_at;
    let Event::Conversation(event) = recorded.event else { return Err(Problem::not_found()) };
    let ConversationEvent::AnswerCompleted { question_id, attempt, provenance, usage, private, .. } = event
    else {
        return Err(Problem::not_found());
    };
    let answer = private.open().cloned().unwrap_or_default();
    let given = |(number, PassageScore { document_id, passage, score }): (usize, PassageScore)| {
        let is_it = |citation: &&aggregates::conversation::Citation| {
            citation.document_id == document_id && citation.passage == passage
        };
        let cited_as = answer.citations.iter().filter(is_it).map(|citation| citation.number).collect();
        GivenPassage { document_id: document_id.uuid(), passage, rank: number + 1, score, cited_as }
    };
    Ok(Json(AnswerProvenance {
        answer_id,
        question_id,
        attempt,
        completed_at,
        embedding_model: provenance.embedding_model,
        index_version: provenance.index_version,
        passages: provenance.passages.into_iter().enumerate().map(given).collect(),
        found: provenance.found,
        language_model: provenance.language_model,
        prompt_version: provenance.prompt_version,
        prompt_sha256: provenance.prompt_sha256,
        quoted: provenance.quoted,
        instructions: provenance.instructions,
        temperature: provenance.temperature.map(f64::from),
        usage: MessageUsage {
            prompt_tokens: usage.prompt_tokens,
            completion_tokens: usage.completion_tokens,
        },
        timings: provenance.timings,
        cut_off: answer.cut_off,
    }))
}

//! Events of streams as clients receive them.

use aggregates::conversation::Citation;
use aggregates::{AnswerId, ConversationId, DocumentId, QuestionId};
use axum::response::sse;
use projections::conversations::ConversationRow;
use projections::documents::DocumentRow;
use projections::messages::Message;
use serde::{Serialize, Serializer};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

use crate::knowledge::indexing::Stage;

/// An event of `/v1/stream` and `/v1/conversations/{conversation_id}/stream`: `event` is the field `event:`
/// of the server-sent event, `data` the JSON of its field `data:`.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = StreamEvent)]
#[serde(tag = "event", content = "data")]
pub(in crate::api) enum ClientEvent<'a> {
    /// The row of a conversation changed.
    #[serde(rename = "conversation")]
    Conversation(ConversationChanged),
    /// A question was asked.
    #[serde(rename = "question")]
    Question(Box<Message>),
    /// An attempt to answer began, or began anew. All earlier text, reasoning and sources are void.
    #[serde(rename = "answer.started")]
    AnswerStarted(AnswerStarted),
    /// Passages were found, before the first text.
    #[serde(rename = "answer.sources")]
    AnswerSources(AnswerSources<'a>),
    /// Reasoning of the language model was appended. It is not part of the text.
    #[serde(rename = "answer.reasoning")]
    AnswerReasoning(AnswerDelta<'a>),
    /// Text was appended.
    #[serde(rename = "answer.delta")]
    AnswerDelta(AnswerDelta<'a>),
    /// The answer is complete.
    #[serde(rename = "answer.completed")]
    AnswerCompleted(Box<Message>),
    /// The answer was stopped; its text so far is kept.
    #[serde(rename = "answer.stopped")]
    AnswerStopped(Box<Message>),
    /// The answer failed.
    #[serde(rename = "answer.failed")]
    AnswerFailed(Box<Message>),
    /// The row of a document changed.
    #[serde(rename = "document")]
    Document(DocumentChanged),
    /// Indexing of a document made progress.
    #[serde(rename = "document.progress")]
    DocumentProgress(DocumentProgress),
}

impl ClientEvent<'_> {
    /// Encodes the event for a stream, under the id that a client resumes after.
    pub(super) fn encode(&self, id: String) -> Result<EncodedEvent, serde_json::Error> {
        let name = self.name();
        match self {
            Self::Conversation(data) => EncodedEvent::new(name, id, data),
            Self::AnswerStarted(data) => EncodedEvent::new(name, id, data),
            Self::AnswerSources(data) => EncodedEvent::new(name, id, data),
            Self::AnswerDelta(data) | Self::AnswerReasoning(data) => EncodedEvent::new(name, id, data),
            Self::Question(data)
            | Self::AnswerCompleted(data)
            | Self::AnswerStopped(data)
            | Self::AnswerFailed(data) => EncodedEvent::new(name, id, data),
            Self::Document(data) => EncodedEvent::new(name, id, data),
            Self::DocumentProgress(data) => EncodedEvent::new(name, id, data),
        }
    }

    /// The same name as in the serialized form.
    const fn name(&self) -> &'static str {
        match self {
            Self::Conversation(_) => "conversation",
            Self::Question(_) => "question",
            Self::AnswerStarted(_) => "answer.started",
            Self::AnswerSources(_) => "answer.sources",
            Self::AnswerReasoning(_) => "answer.reasoning",
            Self::AnswerDelta(_) => "answer.delta",
            Self::AnswerCompleted(_) => "answer.completed",
            Self::AnswerStopped(_) => "answer.stopped",
            Self::AnswerFailed(_) => "answer.failed",
            Self::Document(_) => "document",
            Self::DocumentProgress(_) => "document.progress",
        }
    }
}

/// An encoded event, and its size.
#[derive(Debug)]
pub(in crate::api) struct EncodedEvent {
    pub(super) event: sse::Event,
    pub(super) bytes: usize,
}

impl EncodedEvent {
    /// An event whose data is a value in JSON, on one line.
    pub(in crate::api) fn new(
        name: &str,
        id: String,
        data: &impl Serialize,
    ) -> Result<Self, serde_json::Error> {
        let data = serde_json::to_string(data)?;
        let bytes = data.len() + id.len();
        Ok(Self { event: sse::Event::default().event(name).id(id).data(data), bytes })
    }
}

/// The current row of a conversation.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub(in crate::api) enum ConversationChanged {
    /// Row as in the list.
    Row(Box<ConversationRow>),
    /// The conversation does not exist any more.
    Deleted(ConversationDeleted),
}

/// A conversation that does not exist any more.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct ConversationDeleted {
    /// Id of the conversation.
    #[schema(value_type = uuid::Uuid)]
    pub(super) id: ConversationId,
    /// Always `true`.
    pub(super) deleted: True,
}

/// The current row of a document.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub(in crate::api) enum DocumentChanged {
    /// Row as in the list.
    Row(Box<DocumentRow>),
    /// The document does not exist any more.
    Deleted(DocumentDeleted),
}

/// A document that does not exist any more.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct DocumentDeleted {
    /// Id of the document.
    #[schema(value_type = uuid::Uuid)]
    pub(super) id: DocumentId,
    /// Always `true`.
    pub(super) deleted: True,
}

/// Start of an attempt to answer a question.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct AnswerStarted {
    /// Id of the conversation.
    #[schema(value_type = uuid::Uuid)]
    pub(super) conversation_id: ConversationId,
    /// Id of the answer.
    #[schema(value_type = uuid::Uuid)]
    pub(super) answer_id: AnswerId,
    /// Id of the question.
    #[schema(value_type = uuid::Uuid)]
    pub(super) question_id: QuestionId,
    /// Number of the attempt, from 1.
    pub(super) attempt: u32,
    /// UTF-8 bytes of the earlier text that the attempt continues; 0 voids all of it.
    pub(super) from: usize,
}

/// Passages found for an answer.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct AnswerSources<'a> {
    /// Id of the conversation.
    #[schema(value_type = uuid::Uuid)]
    pub(super) conversation_id: ConversationId,
    /// Id of the answer.
    #[schema(value_type = uuid::Uuid)]
    pub(super) answer_id: AnswerId,
    /// Number of the attempt, from 1.
    pub(super) attempt: u32,
    /// Passages in the order of their numbers.
    pub(super) sources: &'a [Citation],
}

/// Text appended to an answer, or to the reasoning before it.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct AnswerDelta<'a> {
    /// Id of the conversation.
    #[schema(value_type = uuid::Uuid)]
    pub(super) conversation_id: ConversationId,
    /// Id of the answer.
    #[schema(value_type = uuid::Uuid)]
    pub(super) answer_id: AnswerId,
    /// Number of the attempt, from 1.
    pub(super) attempt: u32,
    /// UTF-8 bytes of the text before this part.
    pub(super) offset: usize,
    /// Text that follows the first `offset` bytes.
    pub(super) text: &'a str,
}

/// Progress of indexing a document. The event `document` reports the end.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct DocumentProgress {
    /// Id of the document.
    #[schema(value_type = uuid::Uuid)]
    pub(super) id: DocumentId,
    /// The current phase.
    pub(super) stage: Stage,
    /// Units of the phase that are done.
    pub(super) done: u32,
    /// Units of the phase.
    pub(super) total: u32,
}

/// The constant `true`.
#[derive(Debug, Clone, Copy)]
pub(in crate::api) struct True;

impl Serialize for True {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bool(true)
    }
}

impl PartialSchema for True {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new().schema_type(Type::Boolean).enum_values(Some([true])).into()
    }
}

impl ToSchema for True {}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use aggregates::Version;
    use aggregates::conversation::AnswerStatus;
    use axum::body::to_bytes;
    use axum::response::{IntoResponse as _, Sse};
    use serde_json::Value;

    use super::*;
    use crate::api::snapshots::{
        answer, assert_text, citation, conversation_row, document_row, id, question,
    };

    /// One event of each kind.
    fn events(sources: &[Citation]) -> Vec<ClientEvent<'_>> {
        let (conversation_id, answer_id) = (ConversationId::new(id(1)), AnswerId::new(id(3)));
        let (question_id, document_id) = (QuestionId::new(id(2)), DocumentId::new(id(9)));
        let (attempt, row) = (1, ConversationRow { version: Version(3), ..conversation_row() });
        vec![
            ClientEvent::Conversation(ConversationChanged::Row(Box::new(row))),
            ClientEvent::Conversation(ConversationChanged::Deleted(ConversationDeleted {
                id: conversation_id,
                deleted: True,
            })),
            ClientEvent::Question(Box::new(question())),
            ClientEvent::AnswerStarted(AnswerStarted {
                conversation_id,
                answer_id,
                question_id,
                attempt,
                from: 0,
            }),
            ClientEvent::AnswerSources(AnswerSources { conversation_id, answer_id, attempt, sources }),
            ClientEvent::AnswerReasoning(AnswerDelta {
                conversation_id,
                answer_id,
                attempt,
                offset: 0,
                text: "Lamps are lit at",
            }),
            ClientEvent::AnswerDelta(AnswerDelta {
                conversation_id,
                answer_id,
                attempt,
                offset: 12,
                text: "lit at\ndusk",
            }),
            ClientEvent::AnswerCompleted(Box::new(answer(AnswerStatus::Completed))),
            ClientEvent::AnswerStopped(Box::new(answer(AnswerStatus::Stopped))),
            ClientEvent::AnswerFailed(Box::new(answer(AnswerStatus::Failed))),
            ClientEvent::Document(DocumentChanged::Row(Box::new(document_row()))),
            ClientEvent::Document(DocumentChanged::Deleted(DocumentDeleted {
                id: document_id,
                deleted: True,
            })),
            ClientEvent::DocumentProgress(DocumentProgress {
                id: document_id,
                stage: Stage::Embedding,
                done: 3,
                total: 8,
            }),
        ]
    }

    #[tokio::test]
    async fn each_event_matches_its_snapshot() {
        let sources = [citation()];
        let encoded =
            events(&sources).into_iter().map(|event| event.encode("17.15".to_owned()).unwrap().event);
        let stream = futures::stream::iter(encoded.map(Ok::<_, Infallible>).collect::<Vec<_>>());
        let body = to_bytes(Sse::new(stream).into_response().into_body(), 100_000).await.unwrap();
        assert_text("stream_events", std::str::from_utf8(&body).unwrap());
    }

    #[test]
    fn an_event_is_named_as_in_the_openapi_document() {
        for event in events(&[]) {
            let serialized: Value = serde_json::to_value(&event).unwrap();
            assert_eq!(serialized["event"], event.name());
        }
    }
}

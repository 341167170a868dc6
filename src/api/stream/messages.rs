//! Messages that events of the ledger lead to.

use aggregates::conversation::{Answer, AnswerStatus, Conversation, ConversationEvent, MessageRole, Rating};
use aggregates::{AnswerId, ConversationId, Event, QuestionId, RecordedEvent};
use projections::RawJson;
use projections::messages::{Message, MessageUsage};

/// The message of a question, from the event that asked it.
pub(super) fn question_message(event: &RecordedEvent, conversation: &Conversation) -> Option<Message> {
    let Event::Conversation(ConversationEvent::QuestionAsked { question_id, parent_id, private }) =
        &event.event
    else {
        return None;
    };
    let siblings = conversation.questions_beside(*question_id).into_iter().map(QuestionId::uuid).collect();
    let (documents, document_tags, named_documents) =
        private.open().map(Message::chosen_by).unwrap_or_default();
    Some(Message {
        id: question_id.uuid(),
        role: MessageRole::User,
        text: private
            .open()
            .map(|question| RawJson::from(&question.text.as_str().to_owned()))
            .unwrap_or_default(),
        parent_id: parent_id.map(AnswerId::uuid),
        documents,
        document_tags,
        named_documents,
        siblings,
        ..blank(event)
    })
}

/// The message of an answer, from the event that ended it.
pub(super) fn ended_message(event: &RecordedEvent, conversation: &Conversation) -> Option<Message> {
    let Event::Conversation(conversation_event) = &event.event else { return None };
    match conversation_event {
        ConversationEvent::AnswerCompleted { answer_id, question_id, provenance, usage, private, .. } => {
            let answer = private.open();
            let usage = MessageUsage {
                prompt_tokens: usage.prompt_tokens,
                completion_tokens: usage.completion_tokens,
            };
            Some(Message {
                model: Message::model_name(provenance.language_model.clone(), provenance.quoted),
                quoted: provenance.quoted,
                usage: Some(usage),
                ..ended(event, conversation, *answer_id, *question_id, answer)
            })
        }
        ConversationEvent::AnswerStopped { answer_id, question_id, private } => {
            let answer = private.open();
            Some(Message {
                status: AnswerStatus::Stopped,
                ..ended(event, conversation, *answer_id, *question_id, answer)
            })
        }
        ConversationEvent::AnswerFailed { answer_id, question_id, reason, .. } => Some(Message {
            status: AnswerStatus::Failed,
            failure: Some((*reason).into()),
            ..ended(event, conversation, *answer_id, *question_id, None)
        }),
        _ => None,
    }
}

fn ended(
    event: &RecordedEvent,
    conversation: &Conversation,
    answer_id: AnswerId,
    question_id: QuestionId,
    answer: Option<&Answer>,
) -> Message {
    Message {
        id: answer_id.uuid(),
        text: answer.map(|answer| RawJson::from(&answer.text)).unwrap_or_default(),
        citations: answer.map(|answer| answer.citations.clone()).unwrap_or_default(),
        reasoning: answer.map(|answer| answer.reasoning.clone()).filter(|reasoning| !reasoning.is_empty()),
        cut_off: answer.and_then(|answer| answer.cut_off),
        parent_id: Some(question_id.uuid()),
        siblings: conversation.answers_to(question_id).into_iter().map(AnswerId::uuid).collect(),
        rating: conversation.answer(answer_id).map_or(Rating::None, |answer| answer.rating),
        ..blank(event)
    }
}

fn blank(event: &RecordedEvent) -> Message {
    Message {
        id: event.aggregate_id,
        conversation_id: ConversationId::new(event.aggregate_id),
        role: MessageRole::Assistant,
        text: RawJson::default(),
        parent_id: None,
        siblings: vec![],
        status: AnswerStatus::Completed,
        documents: vec![],
        document_tags: vec![],
        named_documents: vec![],
        citations: vec![],
        reasoning: None,
        cut_off: None,
        model: None,
        quoted: false,
        usage: None,
        rating: Rating::None,
        failure: None,
        created_at: event.recorded_at,
    }
}

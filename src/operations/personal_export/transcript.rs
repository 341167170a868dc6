//! A conversation in an export: all branches, as JSON and as Markdown.

use std::collections::HashMap;
use std::fmt::Write as _;

use aggregates::conversation::{Answer, Citation, ConversationEvent, Rating, Usage};
use aggregates::{AnswerId, Event, Private, RecordedEvent, Temperature};
use chrono::{DateTime, Utc};
use serde::Serialize;
use uuid::Uuid;

/// A whole conversation.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Transcript {
    id: Uuid,
    title: Option<String>,
    tags: Vec<String>,
    pinned: bool,
    archived: bool,
    /// The text that the language model is given for all answers.
    instructions: Option<String>,
    temperature: Option<Temperature>,
    deleted_at: Option<DateTime<Utc>>,
    started_at: Option<DateTime<Utc>>,
    messages: Vec<Message>,
    /// Whether events are missing that this version cannot read.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    incomplete: bool,
    #[serde(skip)]
    places: HashMap<Uuid, usize>,
}

#[derive(Debug, Serialize)]
struct Message {
    id: Uuid,
    role: &'static str,
    /// The answer that a question follows, or the question of an answer.
    parent_id: Option<Uuid>,
    text: String,
    status: &'static str,
    citations: Vec<Citation>,
    model: Option<String>,
    usage: Option<Usage>,
    rating: Rating,
    comment: Option<String>,
    created_at: DateTime<Utc>,
}

impl Transcript {
    /// Folds the decrypted events of a conversation. `is_whole` tells whether these are all of them.
    pub(crate) fn of(id: Uuid, events: &[RecordedEvent], is_whole: bool) -> Self {
        let mut transcript = Self { id, incomplete: !is_whole, ..Self::default() };
        for recorded in events {
            if let Event::Conversation(event) = &recorded.event {
                transcript.fold(event, recorded.recorded_at);
            }
        }
        transcript
    }

    fn fold(&mut self, event: &ConversationEvent, at: DateTime<Utc>) {
        use ConversationEvent as Happened;
        match event {
            Happened::ConversationStarted { .. } => self.started_at = Some(at),
            Happened::QuestionAsked { question_id, parent_id, private } => {
                let text = private.open().map(|asked| asked.text.as_str()).unwrap_or_default();
                let parent = parent_id.map(AnswerId::uuid);
                self.add(Message::new(question_id.uuid(), "user", parent, text, "completed", at));
            }
            Happened::AnswerRequested { question_id, answer_id, .. } => {
                let parent = Some(question_id.uuid());
                self.add(Message::new(answer_id.uuid(), "assistant", parent, "", "requested", at));
            }
            Happened::AnswerCompleted { answer_id, provenance, usage, private, .. } => {
                self.end(*answer_id, "completed", Some(private), |answer| {
                    answer.model.clone_from(&provenance.language_model);
                    answer.usage = Some(*usage);
                });
            }
            Happened::AnswerStopped { answer_id, private, .. } => {
                self.end(*answer_id, "stopped", Some(private), |_| {});
            }
            Happened::AnswerFailed { answer_id, .. } => self.end(*answer_id, "failed", None, |_| {}),
            Happened::AnswerRated { answer_id, rating, private } => {
                if let Some(answer) = self.message(answer_id.uuid()) {
                    answer.rating = *rating;
                    answer.comment =
                        private.open().and_then(|rated| Some(rated.comment.as_ref()?.as_str().to_owned()));
                }
            }
            Happened::ConversationRenamed { private, .. } => {
                self.title = private.open().map(|named| named.title.as_str().to_owned());
            }
            Happened::ConversationTagged { private } => {
                let tags = private.open().map(|tagged| serde_json::to_value(&tagged.tags));
                self.tags = tags.and_then(|tags| serde_json::from_value(tags.ok()?).ok()).unwrap_or_default();
            }
            Happened::ConversationInstructed { temperature, private } => {
                self.temperature = *temperature;
                let instructed = private.open().and_then(|private| private.instructions.as_ref());
                self.instructions = instructed.map(|text| text.as_str().to_owned());
            }
            Happened::ConversationPinned => self.pinned = true,
            Happened::ConversationUnpinned => self.pinned = false,
            Happened::ConversationArchived => self.archived = true,
            Happened::ConversationUnarchived => self.archived = false,
            Happened::ConversationDeleted { at } => self.deleted_at = Some(*at),
            Happened::ConversationRestored => self.deleted_at = None,
            Happened::ConversationErased | Happened::TokensSpent { .. } => {}
        }
    }

    fn add(&mut self, message: Message) {
        self.places.insert(message.id, self.messages.len());
        self.messages.push(message);
    }

    fn message(&mut self, id: Uuid) -> Option<&mut Message> {
        self.messages.get_mut(*self.places.get(&id)?)
    }

    fn end(
        &mut self,
        id: AnswerId,
        status: &'static str,
        private: Option<&Private<Answer>>,
        more: impl FnOnce(&mut Message),
    ) {
        let Some(answer) = self.message(id.uuid()) else { return };
        answer.status = status;
        if let Some(said) = private.and_then(Private::open) {
            answer.text.clone_from(&said.text);
            answer.citations.clone_from(&said.citations);
        }
        more(answer);
    }

    /// The conversation as Markdown.
    pub(crate) fn markdown(&self) -> String {
        let opening = self.messages.first().map(|message| message.text.lines().next().unwrap_or_default());
        let title = self.title.as_deref().or(opening).unwrap_or("A conversation");
        let mut text = format!("# {title}\n");
        if self.incomplete {
            text.push_str(
                "\n*Parts of this conversation cannot be read by this version, and are missing here.*\n",
            );
        }
        let mut before = None;
        for message in &self.messages {
            let who = if message.role == "user" { "You" } else { "Answer" };
            let _ = write!(text, "\n## {who} · {}", message.created_at.format("%Y-%m-%d %H:%M UTC"));
            if message.status != "completed" {
                let _ = write!(text, " · {}", message.status);
            }
            text.push('\n');
            // A message that does not follow the previous one belongs to another branch.
            if message.parent_id != before {
                let after = self.messages.iter().position(|other| Some(other.id) == message.parent_id);
                if let Some(number) = after {
                    let _ = writeln!(text, "\n*Follows message {}.*", number + 1);
                }
            }
            let _ = writeln!(text, "\n{}", message.text);
            for citation in &message.citations {
                let _ = write!(text, "\n[{}] {}: {}\n", citation.number, citation.title, citation.snippet);
            }
            before = Some(message.id);
        }
        text
    }
}

impl Message {
    fn new(
        id: Uuid,
        role: &'static str,
        parent_id: Option<Uuid>,
        text: &str,
        status: &'static str,
        created_at: DateTime<Utc>,
    ) -> Self {
        Self {
            id,
            role,
            parent_id,
            text: text.to_owned(),
            status,
            citations: vec![],
            model: None,
            usage: None,
            rating: Rating::None,
            comment: None,
            created_at,
        }
    }
}

//! A conversation in an export: all branches, as JSON and as Markdown.
//!
//! A conversation has thousands of messages with texts of up to a few hundred kilobytes. So its outline is in
//! memory, without the texts, and the messages are written in groups, each with its texts.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::io;

use aggregates::conversation::{Answer, Citation, ConversationEvent, Rating, Usage};
use aggregates::{AnswerId, Event, Private, RecordedEvent, Temperature, Version};
use chrono::{DateTime, Utc};
use serde::Serialize;
use uuid::Uuid;

/// The characters of the first question that stand in for a title.
const TITLE_CHARACTERS: usize = 200;

/// A conversation without the texts of its messages.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Outline {
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
    /// Whether events are missing that this version cannot read.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    incomplete: bool,
    #[serde(skip)]
    messages: Vec<Message>,
    #[serde(skip)]
    places: HashMap<Uuid, usize>,
    /// The beginning of the first question.
    #[serde(skip)]
    opening: Option<String>,
}

/// A message without its text.
#[derive(Debug)]
pub(crate) struct Message {
    id: Uuid,
    role: &'static str,
    /// The answer that a question follows, or the question of an answer.
    parent_id: Option<Uuid>,
    status: &'static str,
    model: Option<String>,
    usage: Option<Usage>,
    rating: Rating,
    comment: Option<String>,
    created_at: DateTime<Utc>,
    /// The event that has the text.
    text_at: Option<Version>,
}

/// The text of a message.
#[derive(Debug, Default)]
pub(crate) struct Text {
    text: String,
    citations: Vec<Citation>,
}

/// A message as the export has it.
#[derive(Serialize)]
struct Written<'a> {
    id: Uuid,
    role: &'static str,
    parent_id: Option<Uuid>,
    text: &'a str,
    status: &'static str,
    citations: &'a [Citation],
    model: Option<&'a str>,
    usage: Option<Usage>,
    rating: Rating,
    comment: Option<&'a str>,
    created_at: DateTime<Utc>,
}

impl Outline {
    pub(crate) fn new(id: Uuid) -> Self {
        Self { id, ..Self::default() }
    }

    /// Folds the next decrypted event.
    pub(crate) fn add(&mut self, recorded: &RecordedEvent) {
        if let Event::Conversation(event) = &recorded.event {
            self.fold(event, recorded);
        }
    }

    /// Notes that events are missing.
    pub(crate) const fn lacks_events(&mut self) {
        self.incomplete = true;
    }

    /// The messages in their order.
    pub(crate) fn messages(&self) -> &[Message] {
        &self.messages
    }

    fn fold(&mut self, event: &ConversationEvent, recorded: &RecordedEvent) {
        use ConversationEvent as Happened;
        let (at, sequence) = (recorded.recorded_at, recorded.sequence);
        match event {
            Happened::ConversationStarted { .. } => self.started_at = Some(at),
            Happened::QuestionAsked { question_id, parent_id, private } => {
                if self.messages.is_empty() {
                    let text = private.open().and_then(|asked| asked.text.as_str().lines().next());
                    self.opening = text.map(|line| line.chars().take(TITLE_CHARACTERS).collect());
                }
                let parent = parent_id.map(AnswerId::uuid);
                let asked = Message::new(question_id.uuid(), "user", parent, "completed", at);
                self.push(Message { text_at: Some(sequence), ..asked });
            }
            Happened::AnswerRequested { question_id, answer_id, .. } => {
                let parent = Some(question_id.uuid());
                self.push(Message::new(answer_id.uuid(), "assistant", parent, "requested", at));
            }
            Happened::AnswerCompleted { answer_id, provenance, usage, .. } => {
                self.end(*answer_id, "completed", Some(sequence), |answer| {
                    answer.model.clone_from(&provenance.language_model);
                    answer.usage = Some(*usage);
                });
            }
            Happened::AnswerStopped { answer_id, .. } => {
                self.end(*answer_id, "stopped", Some(sequence), |_| {});
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

    fn push(&mut self, message: Message) {
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
        text_at: Option<Version>,
        more: impl FnOnce(&mut Message),
    ) {
        let Some(answer) = self.message(id.uuid()) else { return };
        (answer.status, answer.text_at) = (status, text_at);
        more(answer);
    }

    /// The conversation as JSON up to its messages, which follow as [`Self::message_json`], and its end.
    pub(crate) fn json_frame(&self) -> io::Result<(Vec<u8>, &'static [u8])> {
        let mut opening = serde_json::to_vec_pretty(self)?;
        // The brace that ends the object, and the line break before it.
        opening.truncate(opening.len().saturating_sub(2));
        opening.extend_from_slice(b",\n  \"messages\": [");
        let end: &[u8] = if self.messages.is_empty() { b"]\n}" } else { b"\n  ]\n}" };
        Ok((opening, end))
    }

    /// A message as an element of the JSON of the conversation.
    pub(crate) fn message_json(&self, message: &Message, text: &Text) -> io::Result<Vec<u8>> {
        let is_first = self.messages.first().is_some_and(|first| first.id == message.id);
        let mut element = String::from(if is_first { "\n    " } else { ",\n    " });
        // A text in JSON has no line break of its own.
        element.push_str(&serde_json::to_string_pretty(&message.with(text))?.replace('\n', "\n    "));
        Ok(element.into_bytes())
    }

    /// The conversation as Markdown up to its messages.
    pub(crate) fn markdown_opening(&self) -> String {
        let title = self.title.as_deref().or(self.opening.as_deref()).unwrap_or("A conversation");
        let mut text = format!("# {title}\n");
        if self.incomplete {
            text.push_str(
                "\n*Parts of this conversation cannot be read by this version, and are missing here.*\n",
            );
        }
        text
    }

    /// A message as Markdown.
    pub(crate) fn message_markdown(&self, message: &Message, written: &Text) -> String {
        let who = if message.role == "user" { "You" } else { "Answer" };
        let mut text = format!("\n## {who} · {}", message.created_at.format("%Y-%m-%d %H:%M UTC"));
        if message.status != "completed" {
            let _ = write!(text, " · {}", message.status);
        }
        text.push('\n');
        let place = self.places.get(&message.id).copied().unwrap_or_default();
        let before =
            place.checked_sub(1).and_then(|before| self.messages.get(before)).map(|before| before.id);
        // A message that does not follow the previous one belongs to another branch.
        if message.parent_id != before
            && let Some(number) = message.parent_id.and_then(|parent| self.places.get(&parent))
        {
            let _ = writeln!(text, "\n*Follows message {}.*", number + 1);
        }
        let _ = writeln!(text, "\n{}", written.text);
        for citation in &written.citations {
            let _ = write!(text, "\n[{}] {}: {}\n", citation.number, citation.title, citation.snippet);
        }
        text
    }
}

impl Text {
    /// The text in a decrypted event; `None` if it has none.
    pub(crate) fn of(event: &Event) -> Option<Self> {
        let Event::Conversation(event) = event else { return None };
        match event {
            ConversationEvent::QuestionAsked { private, .. } => {
                let text = private.open().map(|asked| asked.text.as_str().to_owned());
                Some(Self { text: text.unwrap_or_default(), citations: vec![] })
            }
            ConversationEvent::AnswerCompleted { private, .. }
            | ConversationEvent::AnswerStopped { private, .. } => Some(Self::of_answer(private)),
            _ => None,
        }
    }

    fn of_answer(private: &Private<Answer>) -> Self {
        let answer = private.open();
        answer.map_or_else(Self::default, |answer| Self {
            text: answer.text.clone(),
            citations: answer.citations.clone(),
        })
    }
}

impl Message {
    fn new(
        id: Uuid,
        role: &'static str,
        parent_id: Option<Uuid>,
        status: &'static str,
        created_at: DateTime<Utc>,
    ) -> Self {
        Self {
            id,
            role,
            parent_id,
            status,
            model: None,
            usage: None,
            rating: Rating::None,
            comment: None,
            created_at,
            text_at: None,
        }
    }

    /// The event that has the text; `None` for an answer without one.
    pub(crate) const fn text_at(&self) -> Option<Version> {
        self.text_at
    }

    fn with<'a>(&'a self, text: &'a Text) -> Written<'a> {
        Written {
            id: self.id,
            role: self.role,
            parent_id: self.parent_id,
            text: &text.text,
            status: self.status,
            citations: &text.citations,
            model: self.model.as_deref(),
            usage: self.usage,
            rating: self.rating,
            comment: self.comment.as_deref(),
            created_at: self.created_at,
        }
    }
}

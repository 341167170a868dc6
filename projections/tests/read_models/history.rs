//! A ledger in memory: each event that a test appends gets its position, its keys and
//! its sealed private part.

use std::collections::HashMap;

use aggregates::account::AccountEvent;
use aggregates::conversation::{
    Answer, Citation, ConversationEvent, FailureReason, Provenance, Question, Rating, RatingComment, Tagged,
    Titled, TitledBy, Usage,
};
use aggregates::document::{DocumentEvent, DocumentScope, DocumentTitle};
use aggregates::{
    AggregateType, AnswerId, ConversationId, DocumentId, Event, EventId, Position, Private, QuestionId,
    QuestionText, RecordedEvent, Tags, Title, UserId, Version,
};
use chrono::{DateTime, TimeDelta, Utc};
use projections::DecryptedEvent;
use sealing::{AssociatedData, BlindKey, ContentKey, MasterKey, Subject, UserKey};
use sqlx::PgPool;
use uuid::Uuid;

/// The time of the first event, in seconds since 1970. Each event is a second after the one before.
const FIRST_EVENT: i64 = 1_700_000_000;

/// The events of a test, in the order of the ledger.
pub(crate) struct History {
    pub(crate) events: Vec<DecryptedEvent>,
    master: MasterKey,
    users: HashMap<UserId, (UserKey, Vec<u8>)>,
    conversations: HashMap<ConversationId, (UserId, ContentKey, Vec<u8>)>,
    documents: HashMap<DocumentId, (UserId, ContentKey)>,
    sequences: HashMap<Uuid, u64>,
}

impl History {
    pub(crate) fn new() -> Self {
        Self {
            events: vec![],
            master: MasterKey::parse(&"2a".repeat(32).into()).unwrap(),
            users: HashMap::new(),
            conversations: HashMap::new(),
            documents: HashMap::new(),
            sequences: HashMap::new(),
        }
    }

    /// A new user opens an account.
    pub(crate) fn user(&mut self) -> UserId {
        let user = UserId::new(Uuid::new_v4());
        self.users.insert(user, self.master.new_user_key(user).unwrap());
        let event = Event::Account(AccountEvent::AccountOpened { owner: user });
        self.push(AggregateType::Account, user.uuid(), user, event);
        user
    }

    pub(crate) fn append_to_account(&mut self, user: UserId, event: AccountEvent) {
        self.push(AggregateType::Account, user.uuid(), user, Event::Account(event));
    }

    /// A user starts a conversation.
    pub(crate) fn start_conversation(&mut self, owner: UserId) -> ConversationId {
        let id = ConversationId::new(Uuid::now_v7());
        let (key, wrapped) = self.users[&owner].0.new_content_key(Subject::Conversation(id.uuid())).unwrap();
        self.conversations.insert(id, (owner, key, wrapped));
        self.append_to_conversation(id, ConversationEvent::ConversationStarted { owner });
        id
    }

    /// A user adds a document.
    pub(crate) fn add_document(&mut self, owner: UserId, title: &str) -> DocumentId {
        let id = DocumentId::new(Uuid::now_v7());
        let (key, _) = self.users[&owner].0.new_content_key(Subject::Document(id.uuid())).unwrap();
        self.documents.insert(id, (owner, key));
        let added = DocumentEvent::DocumentAdded {
            owner,
            scope: DocumentScope::User,
            media_type: "text/plain".into(),
            size: 17,
            sha256: "00".repeat(32),
            private: Private::Open(DocumentTitle { title: title.into() }),
        };
        self.append_to_document(id, added);
        id
    }

    pub(crate) fn append_to_document(&mut self, id: DocumentId, event: DocumentEvent) {
        let owner = self.documents[&id].0;
        self.push(AggregateType::Document, id.uuid(), owner, Event::Document(event));
    }

    pub(crate) fn append_to_conversation(&mut self, id: ConversationId, event: ConversationEvent) {
        let owner = self.conversations[&id].0;
        self.push(AggregateType::Conversation, id.uuid(), owner, Event::Conversation(event));
    }

    /// A question and the request for its answer.
    pub(crate) fn ask(
        &mut self,
        id: ConversationId,
        parent_id: Option<AnswerId>,
        text: &str,
    ) -> (QuestionId, AnswerId) {
        let question_id = QuestionId::new(Uuid::now_v7());
        let private = Private::Open(Question {
            text: QuestionText::parse(text).unwrap(),
            documents: Vec::new(),
            by_tags: None,
        });
        self.append_to_conversation(id, ConversationEvent::QuestionAsked { question_id, parent_id, private });
        (question_id, self.request(id, question_id))
    }

    /// A request for an answer to a question that was asked before.
    pub(crate) fn request(&mut self, id: ConversationId, question_id: QuestionId) -> AnswerId {
        let answer_id = AnswerId::new(Uuid::now_v7());
        self.append_to_conversation(
            id,
            ConversationEvent::AnswerRequested { question_id, answer_id, model: None },
        );
        answer_id
    }

    /// An answer is completed.
    pub(crate) fn complete(
        &mut self,
        id: ConversationId,
        (question_id, answer_id): (QuestionId, AnswerId),
        text: &str,
    ) {
        let citation = Citation {
            number: 1,
            document_id: DocumentId::new(Uuid::nil()),
            title: "Canarytitle".into(),
            passage: 2,
            place: None,
            snippet: "Canarysnippet".into(),
            score: 0.5,
        };
        self.append_to_conversation(
            id,
            ConversationEvent::AnswerCompleted {
                answer_id,
                question_id,
                attempt: 1,
                provenance: Provenance { language_model: Some("model".into()), ..Provenance::default() },
                usage: Usage { prompt_tokens: 100, completion_tokens: 10 },
                private: Private::Open(Answer {
                    text: text.into(),
                    citations: vec![citation],
                    ..Answer::default()
                }),
            },
        );
    }

    /// A question and its completed answer.
    pub(crate) fn turn(
        &mut self,
        id: ConversationId,
        parent: Option<AnswerId>,
        question: &str,
        answer: &str,
    ) -> (QuestionId, AnswerId) {
        let ids = self.ask(id, parent, question);
        self.complete(id, ids, answer);
        ids
    }

    /// An answer is stopped.
    pub(crate) fn stop(
        &mut self,
        id: ConversationId,
        (question_id, answer_id): (QuestionId, AnswerId),
        text: &str,
    ) {
        let private = Private::Open(Answer { text: text.into(), ..Answer::default() });
        self.append_to_conversation(id, ConversationEvent::AnswerStopped { answer_id, question_id, private });
    }

    /// An answer fails.
    pub(crate) fn fail(&mut self, id: ConversationId, (question_id, answer_id): (QuestionId, AnswerId)) {
        let reason = FailureReason::ModelRefused;
        self.append_to_conversation(
            id,
            ConversationEvent::AnswerFailed { answer_id, question_id, attempt: 5, reason },
        );
    }

    pub(crate) fn rate(&mut self, id: ConversationId, answer_id: AnswerId, rating: Rating) {
        let private = Private::Open(RatingComment { comment: None });
        self.append_to_conversation(id, ConversationEvent::AnswerRated { answer_id, rating, private });
    }

    pub(crate) fn rename(&mut self, id: ConversationId, title: &str) {
        let private = Private::Open(Titled { title: Title::parse(title).unwrap() });
        self.append_to_conversation(
            id,
            ConversationEvent::ConversationRenamed { by: TitledBy::User, private },
        );
    }

    pub(crate) fn tag(&mut self, id: ConversationId, tags: &[&str]) {
        let private = Private::Open(Tagged { tags: Tags::parse(tags).unwrap() });
        self.append_to_conversation(id, ConversationEvent::ConversationTagged { private });
    }

    pub(crate) fn delete(&mut self, id: ConversationId) {
        let at = self.now();
        self.append_to_conversation(id, ConversationEvent::ConversationDeleted { at });
    }

    /// The time of the next event.
    pub(crate) fn now(&self) -> DateTime<Utc> {
        DateTime::from_timestamp(FIRST_EVENT, 0).unwrap()
            + TimeDelta::seconds(i64::try_from(self.events.len()).unwrap())
    }

    pub(crate) fn key(&self, id: ConversationId) -> &ContentKey {
        &self.conversations[&id].1
    }

    pub(crate) fn document_key(&self, id: DocumentId) -> &ContentKey {
        &self.documents[&id].1
    }

    pub(crate) fn blind(&self, user: UserId) -> BlindKey {
        self.users[&user].0.blind_key()
    }

    /// The same events after all keys were destroyed.
    pub(crate) fn without_keys(&self) -> Vec<DecryptedEvent> {
        self.events
            .iter()
            .map(|event| {
                let recorded = event.recorded.clone();
                let mut payload = payload_of(&recorded.event);
                payload.as_object_mut().unwrap().remove("private");
                let event = Event::from_payload(recorded.aggregate, payload).unwrap();
                DecryptedEvent {
                    recorded: RecordedEvent { event, ..recorded },
                    content_key: None,
                    blind_key: None,
                }
            })
            .collect()
    }

    /// Inserts the wrapped keys, as the store does.
    pub(crate) async fn store_keys(&self, pool: &PgPool) {
        const INSERT: &str =
            "INSERT INTO keys (kind, id, owner, wrapped_by, wrapped) VALUES ($1, $2, $3, '', $4)
                              ON CONFLICT DO NOTHING";
        for (user, (_, wrapped)) in &self.users {
            let insert = sqlx::query(INSERT).bind("user").bind(user.uuid()).bind(user.uuid()).bind(wrapped);
            insert.execute(pool).await.unwrap();
        }
        for (id, (owner, _, wrapped)) in &self.conversations {
            let insert =
                sqlx::query(INSERT).bind("conversation").bind(id.uuid()).bind(owner.uuid()).bind(wrapped);
            insert.execute(pool).await.unwrap();
        }
    }

    fn push(&mut self, aggregate: AggregateType, aggregate_id: Uuid, owner: UserId, event: Event) {
        let sequence = self.sequences.entry(aggregate_id).or_default();
        *sequence += 1;
        let sequence = Version(*sequence);
        let conversation = self.conversations.get(&ConversationId::new(aggregate_id)).map(|known| &known.1);
        let document = self.documents.get(&DocumentId::new(aggregate_id)).map(|known| &known.1);
        let content_key = conversation.or(document).cloned();
        let aad = AssociatedData::Event { aggregate, aggregate_id, sequence, event_type: event.name() };
        let sealed = private_of(&event).map(|json| content_key.as_ref().unwrap().seal(&aad, &json).unwrap());
        let recorded = RecordedEvent {
            position: Position(self.events.len() as u64 + 1),
            aggregate,
            aggregate_id,
            sequence,
            event_id: EventId::new(Uuid::now_v7()),
            owner,
            recorded_at: self.now(),
            event,
            sealed,
        };
        let blind_key = self.users.get(&owner).map(|(key, _)| key.blind_key());
        self.events.push(DecryptedEvent { recorded, content_key, blind_key });
    }
}

fn payload_of(event: &Event) -> serde_json::Value {
    match event {
        Event::Conversation(event) => serde_json::to_value(event),
        Event::Document(event) => serde_json::to_value(event),
        Event::Account(event) => serde_json::to_value(event),
        Event::AuditTrail(event) => serde_json::to_value(event),
        Event::Operation(event) => serde_json::to_value(event),
    }
    .unwrap()
}

fn private_of(event: &Event) -> Option<Vec<u8>> {
    payload_of(event)
        .get("private")
        .filter(|private| !private.is_null())
        .map(|private| private.to_string().into_bytes())
}

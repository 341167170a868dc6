//! A ledger in memory: what happens gets its position, its keys, and its private part sealed.

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
use projections::Opened;
use sealing::{AssociatedData, BlindKey, ContentKey, MasterKey, Subject, UserKey};
use sqlx::PgPool;
use uuid::Uuid;

/// The beginning of all histories.
const BEGAN: i64 = 1_790_000_000;

/// What has happened, ready to be projected.
pub(crate) struct History {
    pub(crate) events: Vec<Opened>,
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

    /// A person comes.
    pub(crate) fn user(&mut self) -> UserId {
        let user = UserId::new(Uuid::new_v4());
        self.users.insert(user, self.master.new_user_key(user).unwrap());
        let event = Event::Account(AccountEvent::AccountOpened { owner: user });
        self.push(AggregateType::Account, user.uuid(), user, event);
        user
    }

    /// Something happens to a person's account.
    pub(crate) fn of_account(&mut self, user: UserId, event: AccountEvent) {
        self.push(AggregateType::Account, user.uuid(), user, Event::Account(event));
    }

    /// A person begins a conversation.
    pub(crate) fn begin(&mut self, owner: UserId) -> ConversationId {
        let id = ConversationId::new(Uuid::now_v7());
        let (key, wrapped) = self.users[&owner].0.new_content_key(Subject::Conversation(id.uuid())).unwrap();
        self.conversations.insert(id, (owner, key, wrapped));
        self.happen(id, ConversationEvent::ConversationStarted { owner });
        id
    }

    /// A person brings a document.
    pub(crate) fn bring(&mut self, owner: UserId, title: &str) -> DocumentId {
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
        self.of_document(id, added);
        id
    }

    /// Something happens to a document.
    pub(crate) fn of_document(&mut self, id: DocumentId, event: DocumentEvent) {
        let owner = self.documents[&id].0;
        self.push(AggregateType::Document, id.uuid(), owner, Event::Document(event));
    }

    /// Something happens in a conversation.
    pub(crate) fn happen(&mut self, id: ConversationId, event: ConversationEvent) {
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
        let private = Private::Open(Question { text: QuestionText::parse(text).unwrap() });
        self.happen(id, ConversationEvent::QuestionAsked { question_id, parent_id, private });
        (question_id, self.request(id, question_id))
    }

    /// One more answer is wanted.
    pub(crate) fn request(&mut self, id: ConversationId, question_id: QuestionId) -> AnswerId {
        let answer_id = AnswerId::new(Uuid::now_v7());
        self.happen(id, ConversationEvent::AnswerRequested { question_id, answer_id });
        answer_id
    }

    /// An answer is whole.
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
            snippet: "Canarysnippet".into(),
            score: 0.5,
        };
        self.happen(
            id,
            ConversationEvent::AnswerCompleted {
                answer_id,
                question_id,
                attempt: 1,
                provenance: Provenance { language_model: Some("model".into()), ..Provenance::default() },
                usage: Usage { prompt_tokens: 100, completion_tokens: 10 },
                private: Private::Open(Answer { text: text.into(), citations: vec![citation] }),
            },
        );
    }

    /// A question with its whole answer.
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

    /// An answer ends in the middle.
    pub(crate) fn stop(
        &mut self,
        id: ConversationId,
        (question_id, answer_id): (QuestionId, AnswerId),
        text: &str,
    ) {
        let private = Private::Open(Answer { text: text.into(), citations: vec![] });
        self.happen(id, ConversationEvent::AnswerStopped { answer_id, question_id, private });
    }

    /// An answer is given up.
    pub(crate) fn fail(&mut self, id: ConversationId, (question_id, answer_id): (QuestionId, AnswerId)) {
        let reason = FailureReason::ModelRefused;
        self.happen(id, ConversationEvent::AnswerFailed { answer_id, question_id, attempt: 5, reason });
    }

    pub(crate) fn rate(&mut self, id: ConversationId, answer_id: AnswerId, rating: Rating) {
        let private = Private::Open(RatingComment { comment: None });
        self.happen(id, ConversationEvent::AnswerRated { answer_id, rating, private });
    }

    pub(crate) fn rename(&mut self, id: ConversationId, title: &str) {
        let private = Private::Open(Titled { title: Title::parse(title).unwrap() });
        self.happen(id, ConversationEvent::ConversationRenamed { by: TitledBy::User, private });
    }

    pub(crate) fn tag(&mut self, id: ConversationId, tags: &[&str]) {
        let private = Private::Open(Tagged { tags: Tags::parse(tags).unwrap() });
        self.happen(id, ConversationEvent::ConversationTagged { private });
    }

    pub(crate) fn delete(&mut self, id: ConversationId) {
        let at = self.now();
        self.happen(id, ConversationEvent::ConversationDeleted { at });
    }

    /// When the next event will have happened.
    pub(crate) fn now(&self) -> DateTime<Utc> {
        DateTime::from_timestamp(BEGAN, 0).unwrap()
            + TimeDelta::seconds(i64::try_from(self.events.len()).unwrap())
    }

    pub(crate) fn key(&self, id: ConversationId) -> &ContentKey {
        &self.conversations[&id].1
    }

    pub(crate) fn blind(&self, user: UserId) -> BlindKey {
        self.users[&user].0.blind_key()
    }

    /// The same events as whoever comes after the keys were destroyed sees them.
    pub(crate) fn without_keys(&self) -> Vec<Opened> {
        self.events
            .iter()
            .map(|opened| {
                let recorded = opened.recorded.clone();
                let mut payload = payload_of(&recorded.event);
                payload.as_object_mut().unwrap().remove("private");
                let event = Event::from_payload(recorded.aggregate, payload).unwrap();
                Opened { recorded: RecordedEvent { event, ..recorded }, key: None, blind: None }
            })
            .collect()
    }

    /// Puts the wrapped keys where the store keeps them.
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
        let key = conversation.or(document).cloned();
        let aad = AssociatedData::Event { aggregate, aggregate_id, sequence, event_type: event.name() };
        let sealed = private_of(&event).map(|json| key.as_ref().unwrap().seal(&aad, &json).unwrap());
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
        let blind = self.users.get(&owner).map(|(key, _)| key.blind_key());
        self.events.push(Opened { recorded, key, blind });
    }
}

fn payload_of(event: &Event) -> serde_json::Value {
    match event {
        Event::Conversation(event) => serde_json::to_value(event),
        Event::Document(event) => serde_json::to_value(event),
        Event::Account(event) => serde_json::to_value(event),
        Event::AuditTrail(event) => serde_json::to_value(event),
    }
    .unwrap()
}

fn private_of(event: &Event) -> Option<Vec<u8>> {
    payload_of(event)
        .get("private")
        .filter(|private| !private.is_null())
        .map(|private| private.to_string().into_bytes())
}

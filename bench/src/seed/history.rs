//! The seeded history: events, keys and ledger entries exactly as store and sequencer write them.

use aggregates::account::AccountEvent;
use aggregates::conversation::{
    Answer, Citation, ConversationEvent, PassageScore, Provenance, Question, Usage,
};
use aggregates::{
    Actor, AggregateType, ConversationId, DocumentId, Metadata, Private, QuestionText, UserId, Version,
};
use anyhow::Context as _;
use chrono::{DateTime, TimeDelta, Utc};
use sealing::{AssociatedData, ContentKey, MasterKey, Subject, UserKey};
use serde_json::Value;
use serde_json::value::RawValue;
use store::{GENESIS, LedgerHash, StoredEvent};
use uuid::{Builder, Uuid};

use super::copy::Rows;
use crate::population::{self, FIRST_DAY, Numbers};
use crate::settings::{LONG_TURNS, TURNS};

/// Conversations that go on side by side.
pub(super) const SIDE_BY_SIDE: usize = 500;

/// A part of the history, as rows for each table.
#[derive(Debug)]
pub(super) struct Chapter {
    pub(super) events: Vec<u8>,
    pub(super) ledger: Vec<u8>,
    pub(super) keys: Vec<u8>,
    pub(super) last_position: i64,
}

/// Writes the history, chapter by chapter.
#[derive(Debug)]
pub(super) struct Historian {
    master: MasterKey,
    user_keys: Vec<UserKey>,
    position: i64,
    hash: LedgerHash,
    events: Rows,
    ledger: Rows,
    keys: Rows,
}

/// A conversation that is being written.
struct Open {
    number: usize,
    id: ConversationId,
    owner: UserId,
    key: ContentKey,
    sequence: u64,
}

/// Fields of an event besides its payload.
struct Place<'a> {
    aggregate: AggregateType,
    id: Uuid,
    sequence: u64,
    owner: UserId,
    name: &'a str,
    actor: Actor,
    key: Option<&'a ContentKey>,
}

impl Historian {
    pub(super) fn new(master: MasterKey) -> Self {
        Self {
            master,
            user_keys: vec![],
            position: 0,
            hash: GENESIS,
            events: Rows::new(),
            ledger: Rows::new(),
            keys: Rows::new(),
        }
    }

    /// Opens the accounts.
    pub(super) fn accounts(&mut self, users: usize) -> anyhow::Result<Chapter> {
        for number in 0..users {
            let owner = population::user(number);
            let (key, wrapped) = self.master.new_user_key(owner)?;
            let by = self.master.id().to_owned();
            self.write_key(Subject::User(owner), owner, &by, &wrapped);
            self.user_keys.push(key);
            let event = AccountEvent::AccountOpened { owner };
            let place = Place {
                aggregate: AggregateType::Account,
                id: owner.uuid(),
                sequence: 1,
                owner,
                name: event.name(),
                actor: Actor::User(owner),
                key: None,
            };
            self.record(&place, serde_json::to_value(&event)?)?;
        }
        Ok(self.chapter())
    }

    /// Conversations beside each other, turn by turn.
    pub(super) fn conversations(&mut self, numbers: std::ops::Range<usize>) -> anyhow::Result<Chapter> {
        let mut open = Vec::with_capacity(numbers.len());
        for number in numbers {
            open.push(self.begin(number)?);
        }
        self.turns(&mut open, TURNS)?;
        Ok(self.chapter())
    }

    /// The long conversation, whose number is the first that is free. A second question after its last answer
    /// but one gives it two branches.
    pub(super) fn long_conversation(&mut self, number: usize) -> anyhow::Result<Chapter> {
        let mut open = [self.begin(number)?];
        self.turns(&mut open, LONG_TURNS)?;
        let [long] = &mut open;
        self.ask_after(long, LONG_TURNS, Some(LONG_TURNS - 2))?;
        self.answer(long, LONG_TURNS)?;
        Ok(self.chapter())
    }

    fn turns(&mut self, open: &mut [Open], turns: usize) -> anyhow::Result<()> {
        for turn in 0..turns {
            for conversation in &mut *open {
                self.ask(conversation, turn)?;
            }
            for conversation in &mut *open {
                self.answer(conversation, turn)?;
            }
        }
        Ok(())
    }

    fn begin(&mut self, number: usize) -> anyhow::Result<Open> {
        let user = number % self.user_keys.len();
        let (owner, id) = (population::user(user), population::conversation(number));
        let subject = Subject::Conversation(id.uuid());
        let user_key = self.user_keys.get(user).context("a conversation of an unknown user")?;
        let (key, wrapped) = user_key.new_content_key(subject)?;
        self.write_key(subject, owner, "", &wrapped);
        Ok(Open { number, id, owner, key, sequence: 0 })
    }

    fn ask(&mut self, open: &mut Open, turn: usize) -> anyhow::Result<()> {
        self.ask_after(open, turn, turn.checked_sub(1))
    }

    fn ask_after(&mut self, open: &mut Open, turn: usize, before: Option<usize>) -> anyhow::Result<()> {
        let number = open.number;
        if turn == 0 {
            self.happen(open, &ConversationEvent::ConversationStarted { owner: open.owner }, false)?;
        }
        let question_id = population::question(number, turn);
        let text = QuestionText::parse(&population::question_text(number, turn))?;
        let asked = ConversationEvent::QuestionAsked {
            question_id,
            parent_id: before.map(|before| population::answer(number, before)),
            private: Private::Open(Question { text, documents: Vec::new(), by_tags: None }),
        };
        self.happen(open, &asked, false)?;
        let answer_id = population::answer(number, turn);
        self.happen(open, &ConversationEvent::AnswerRequested { question_id, answer_id, model: None }, false)
    }

    fn answer(&mut self, open: &mut Open, turn: usize) -> anyhow::Result<()> {
        let number = open.number;
        let document_id = DocumentId::new(Uuid::from_u128(number as u128 % 100 + 1));
        let completed = ConversationEvent::AnswerCompleted {
            answer_id: population::answer(number, turn),
            question_id: population::question(number, turn),
            attempt: 1,
            provenance: Provenance {
                embedding_model: "minilm-l6-v2-int8".to_owned(),
                index_version: "passages_minilm-l6-v2-int8_384".to_owned(),
                passages: vec![PassageScore { document_id, passage: 3, score: 0.5 }],
                language_model: Some("seeded".to_owned()),
                prompt_sha256: "00".repeat(32),
                ..Provenance::default()
            },
            usage: Usage { prompt_tokens: 900, completion_tokens: 110 },
            private: Private::Open(Answer {
                text: population::answer_text(number, turn),
                citations: vec![Citation {
                    number: 1,
                    document_id,
                    title: "Seeded document".to_owned(),
                    passage: 3,
                    place: None,
                    snippet: population::question_text(number, turn + TURNS),
                    score: 0.5,
                }],
                ..Answer::default()
            }),
        };
        self.happen(open, &completed, true)
    }

    fn happen(&mut self, open: &mut Open, event: &ConversationEvent, worker: bool) -> anyhow::Result<()> {
        open.sequence += 1;
        let place = Place {
            aggregate: AggregateType::Conversation,
            id: open.id.uuid(),
            sequence: open.sequence,
            owner: open.owner,
            name: event.name(),
            actor: if worker { Actor::Worker } else { Actor::User(open.owner) },
            key: Some(&open.key),
        };
        self.record(&place, serde_json::to_value(event)?)
    }

    /// Encrypts as the store does on append, and chains as the sequencer does.
    fn record(&mut self, place: &Place<'_>, mut payload: Value) -> anyhow::Result<()> {
        let private = payload.as_object_mut().and_then(|fields| fields.remove("private"));
        let private = match (private, place.key) {
            (Some(private), Some(key)) if !private.is_null() => {
                let aad = AssociatedData::Event {
                    aggregate: place.aggregate,
                    aggregate_id: place.id,
                    sequence: Version(place.sequence),
                    event_type: place.name,
                };
                Some(key.seal(&aad, &serde_json::to_vec(&private)?)?)
            }
            _ => None,
        };
        self.position += 1;
        let (id, correlation_id) = self.ids();
        let metadata = Metadata {
            owner: place.owner,
            actor: place.actor,
            correlation_id,
            causation_id: None,
            traceparent: None,
        };
        let mut metadata = metadata.to_map();
        metadata.remove("owner");
        let event = StoredEvent {
            aggregate_type: place.aggregate.name().to_owned(),
            aggregate_id: place.id,
            sequence: place.sequence.cast_signed(),
            event_type: place.name.to_owned(),
            event_version: "1".to_owned(),
            event_id: id,
            owner: place.owner.uuid(),
            payload: RawValue::from_string(payload.to_string())?,
            metadata: RawValue::from_string(serde_json::to_string(&metadata)?)?,
            private,
            recorded_at: self.now(),
        };
        self.hash = event.chain(&self.hash);
        self.write(&event);
        Ok(())
    }

    /// An event's id and its request's.
    fn ids(&self) -> (Uuid, Uuid) {
        let mut numbers = Numbers(self.position.unsigned_abs() << 8);
        let mut random = [0; 10];
        for byte in &mut random {
            *byte = numbers.next().to_be_bytes()[0];
        }
        let milliseconds = self.now().timestamp_millis().unsigned_abs();
        let make = |random: &[u8; 10]| Builder::from_unix_timestamp_millis(milliseconds, random).into_uuid();
        let event_id = make(&random);
        random.reverse();
        (event_id, make(&random))
    }

    fn now(&self) -> DateTime<Utc> {
        let first = DateTime::from_timestamp_millis(FIRST_DAY.cast_signed()).unwrap_or_default();
        first + TimeDelta::milliseconds(self.position * 4_000)
    }

    fn write(&mut self, event: &StoredEvent) {
        let (kind, id) = (event.aggregate_type.as_bytes(), event.aggregate_id);
        self.events
            .row(11)
            .bytes(kind)
            .uuid(id)
            .bigint(event.sequence)
            .bytes(event.event_type.as_bytes())
            .bytes(event.event_version.as_bytes())
            .uuid(event.event_id)
            .uuid(event.owner)
            .bytes(event.payload.get().as_bytes())
            .bytes(event.metadata.get().as_bytes())
            .optional(event.private.as_deref())
            .time(event.recorded_at);
        self.ledger
            .row(6)
            .bigint(self.position)
            .bytes(kind)
            .uuid(id)
            .bigint(event.sequence)
            .uuid(event.owner)
            .bytes(&self.hash);
    }

    fn write_key(&mut self, subject: Subject, owner: UserId, wrapped_by: &str, wrapped: &[u8]) {
        self.keys
            .row(5)
            .bytes(subject.kind().as_bytes())
            .uuid(subject.id())
            .uuid(owner.uuid())
            .bytes(wrapped_by.as_bytes())
            .bytes(wrapped);
    }

    fn chapter(&mut self) -> Chapter {
        let take = |rows: &mut Rows| std::mem::replace(rows, Rows::new()).finish();
        Chapter {
            events: take(&mut self.events),
            ledger: take(&mut self.ledger),
            keys: take(&mut self.keys),
            last_position: self.position,
        }
    }
}

//! Store, sequencer and projector in this process, with a database and subjects of their own.

use std::sync::Arc;

use aggregates::account::AccountCommand;
use aggregates::conversation::{AskQuestion, ConversationCommand, Intent};
use aggregates::{Actor, AnswerId, ConversationId, Metadata, Position, QuestionId, QuestionText, UserId};
use async_nats::Client;
use chrono::{DateTime, Utc};
use colloquy::roles::{projector, sequencer};
use colloquy::runtime::wake::SequencerWake;
use nats::Subjects;
use sealing::MasterKey;
use sqlx::{Connection as _, PgConnection, PgPool};
use store::{Database, Keyring, PreparedStatements, Store};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::product::prepared_statements;
use super::{service, waiting::until};

/// The middle of the product, without its edges.
pub(crate) struct Backbone {
    pub(crate) database_url: String,
    /// The connections of the store.
    pub(crate) pool: PgPool,
    pub(crate) store: Store,
    pub(crate) nats: Client,
    pub(crate) subjects: Subjects,
    pub(crate) wake: SequencerWake,
    pub(crate) cancel: CancellationToken,
}

/// Aggregates that a projector quarantines within an hour for one cause.
pub(crate) const QUARANTINE_LIMIT: u32 = 8;

/// A master key for tests.
pub(crate) fn master_key() -> MasterKey {
    MasterKey::parse(&"2a".repeat(32).into()).unwrap()
}

/// A new empty database on the run's PostgreSQL.
pub(crate) async fn new_database() -> String {
    let url = service("COLLOQUY_TEST_POSTGRES_URL");
    let name = format!("t_{}", Uuid::now_v7().simple());
    let mut connection = PgConnection::connect(&url).await.unwrap();
    sqlx::query(&format!("CREATE DATABASE {name}")).execute(&mut connection).await.unwrap();
    let (server, _) = url.rsplit_once('/').unwrap();
    format!("{server}/{name}")
}

/// A pool of connections to a database.
pub(crate) fn connect(database_url: &str, connections: u32) -> PgPool {
    Database::connect(&database_url.into(), connections).unwrap().into()
}

/// A connection to a NATS server.
pub(crate) async fn connect_nats(url: String) -> Client {
    let config = nats::ConnectionConfig::new(url);
    nats::connect(&config, "test", &nats::Problems::default()).await.unwrap()
}

impl Backbone {
    /// A migrated store, and nothing running.
    pub(crate) async fn new() -> Self {
        let database_url = new_database().await;
        store::migrate(&database_url.as_str().into()).await.unwrap();
        Self::on(database_url).await
    }

    /// The same on a database that is there already.
    pub(crate) async fn on(database_url: String) -> Self {
        Self::by(database_url, prepared_statements()).await
    }

    /// The same, with or without prepared statements.
    pub(crate) async fn by(database_url: String, prepared: PreparedStatements) -> Self {
        let database = Database::connect_by(&database_url.as_str().into(), 8, prepared).unwrap();
        let keyring = Arc::new(Keyring::new(database.clone(), master_key()));
        Self {
            pool: database.clone().into(),
            store: Store::new(database, keyring),
            nats: connect_nats(service("COLLOQUY_TEST_NATS_URL")).await,
            subjects: Subjects::new(&format!("t{}", Uuid::now_v7().simple())),
            wake: SequencerWake::local(),
            cancel: CancellationToken::new(),
            database_url,
        }
    }

    /// Starts a sequencer.
    pub(crate) fn sequence(&self) -> tokio::task::JoinHandle<()> {
        let (store, nats, subjects) = (self.store.clone(), self.nats.clone(), self.subjects.clone());
        let (wake, cancel) = (self.wake.clone(), self.cancel.clone());
        tokio::spawn(async move {
            let sequencing = Box::pin(sequencer::run(store, nats, subjects, wake));
            cancel.run_until_cancelled(sequencing).await;
        })
    }

    /// Starts a projector.
    pub(crate) fn project(&self) -> tokio::task::JoinHandle<()> {
        let (store, nats, subjects) = (self.store.clone(), self.nats.clone(), self.subjects.clone());
        let cancel = self.cancel.clone();
        tokio::spawn(async move {
            cancel.run_until_cancelled(projector::run(store, nats, subjects, QUARANTINE_LIMIT)).await;
        })
    }

    /// A user with an account.
    pub(crate) async fn user(&self) -> UserId {
        let user = UserId::new(Uuid::new_v4());
        let command = (user, AccountCommand::Open);
        self.store.accounts().execute(user.uuid(), command, &metadata(user), None).await.unwrap();
        self.wake.notify();
        user
    }

    /// Carries out what a user wants of a conversation.
    pub(crate) async fn command(
        &self,
        user: UserId,
        conversation: ConversationId,
        intent: Intent,
    ) -> Vec<&'static str> {
        self.command_at(user, conversation, Utc::now(), intent).await
    }

    /// The same as of a clock that says so.
    pub(crate) async fn command_at(
        &self,
        user: UserId,
        conversation: ConversationId,
        at: DateTime<Utc>,
        intent: Intent,
    ) -> Vec<&'static str> {
        let command = ConversationCommand { by: Actor::User(user), at, expected: None, intent };
        let done = self
            .store
            .conversations()
            .execute(conversation.uuid(), command, &metadata(user), None)
            .await
            .unwrap();
        self.wake.notify();
        done.events.iter().map(aggregates::conversation::ConversationEvent::name).collect()
    }

    /// Asks a question in a conversation, which begins with it if it is new.
    pub(crate) async fn ask(
        &self,
        user: UserId,
        conversation: ConversationId,
        text: &str,
    ) -> (QuestionId, AnswerId) {
        let ask = AskQuestion {
            question_id: QuestionId::new(Uuid::now_v7()),
            answer_id: AnswerId::new(Uuid::now_v7()),
            text: QuestionText::parse(text).unwrap(),
            parent_id: None,
            documents: Vec::new(),
            by_tags: None,
            model: None,
        };
        let ids = (ask.question_id, ask.answer_id);
        self.command(user, conversation, Intent::Ask(ask)).await;
        ids
    }

    /// Takes the database back in time: to its history up to a position, with empty read models.
    pub(crate) async fn go_back(&self, position: u64) {
        let rows = projections::ReadModel::ALL.map(|model| format!("DELETE FROM {};", model.name())).concat();
        let back = sqlx::raw_sql(&format!(
            "BEGIN; ALTER TABLE events DISABLE TRIGGER USER; ALTER TABLE ledger DISABLE TRIGGER USER;
             DELETE FROM events e USING ledger l WHERE l.position > {position} AND e.aggregate_type = l.aggregate_type
                AND e.aggregate_id = l.aggregate_id AND e.sequence = l.sequence;
             DELETE FROM ledger WHERE position > {position}; DELETE FROM outbox;
             UPDATE checkpoints SET position = 0; {rows}
             ALTER TABLE events ENABLE TRIGGER USER; ALTER TABLE ledger ENABLE TRIGGER USER; COMMIT"
        ))
        .execute(&self.pool)
        .await;
        back.unwrap();
    }

    /// Waits until the ledger has so many events.
    pub(crate) async fn sealed(&self, events: u64) {
        until("the ledger has the events", async || {
            (self.store.ledger_head().await.ok()?.0 >= Position(events)).then_some(())
        })
        .await;
    }

    /// Waits until the read models have seen so many events.
    pub(crate) async fn projected(&self, events: u64) {
        until("the read models have the events", async || {
            let position = projections::lowest_checkpoint(self.store.read_models()).await.ok()?;
            (position >= Position(events)).then_some(())
        })
        .await;
    }
}

/// A new conversation's id.
pub(crate) fn conversation() -> ConversationId {
    ConversationId::new(Uuid::now_v7())
}

fn metadata(user: UserId) -> Metadata {
    Metadata {
        owner: user,
        actor: Actor::User(user),
        correlation_id: Uuid::now_v7(),
        causation_id: None,
        traceparent: None,
    }
}

//! Connections that end between or during requests.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use aggregates::AggregateType;
use colloquy::roles::Role;
use serde_json::json;
use sqlx::PgPool;
use store::PreparedStatements;
use uuid::Uuid;

use super::Pooled;
use crate::support::backbone::{Backbone, connect, conversation, new_database};
use crate::support::link::Link;
use crate::support::person::Person;
use crate::support::product::{Product, configuration};
use crate::support::waiting::until;

/// Time within which a connection that was cut without a word is noticed.
const NOTICED_WITHIN: Duration = Duration::from_secs(10);

/// A product whose connections to the database a test cuts, and a person with a conversation.
struct Cuttable {
    link: Link,
    direct: PgPool,
    _product: Product,
    person: Person,
    known: Uuid,
}

impl Cuttable {
    async fn start(prepared: PreparedStatements) -> Self {
        let direct_url = new_database().await;
        let (before, rest) = direct_url.rsplit_once('@').unwrap();
        let (server, name) = rest.split_once('/').unwrap();
        let link = Link::to(server.parse().unwrap()).await;
        let mut config = configuration(direct_url.clone());
        config.app.database_url = format!("{before}@{}/{name}", link.address()).into();
        config.app.database_prepared_statements = prepared;
        let product = Product::on(config, &[Role::Api, Role::Sequencer, Role::Projector]).await;
        let (person, known) = (Person::new(&product).await, Uuid::now_v7());
        person.ask(known, "before").await;
        person.until_shown(&format!("/v1/conversations/{known}"), |row| row["version"] == json!(3)).await;
        Self { link, direct: connect(&direct_url, 1), _product: product, person, known }
    }

    /// One request of each kind; none may fail.
    async fn first_requests_succeed(&self) {
        let Self { person, known, .. } = self;
        let path = format!("/v1/conversations/{known}/messages?limit=7");
        let (list, messages, _) = tokio::join!(
            person.get_once("/v1/conversations?limit=7"),
            person.get(&path),
            person.ask(Uuid::now_v7(), "the first one"),
        );
        assert_eq!((list.status, messages.status), (200, 200), "{list:?} {messages:?}");
    }

    async fn first_requests_succeed_after_each_loss(&self) {
        // Idle connections were closed.
        self.link.cut(1);
        self.first_requests_succeed().await;
        // The server ended all sessions.
        let ended = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                      WHERE datname = current_database() AND pid <> pg_backend_pid()";
        sqlx::raw_sql(ended).execute(&self.direct).await.unwrap();
        self.first_requests_succeed().await;
        // The database has to wake up.
        self.link.refuse();
        let waking = async {
            self.link.tried().await;
            self.link.mend();
        };
        tokio::join!(self.first_requests_succeed(), waking);
    }
}

#[tokio::test]
async fn the_first_requests_after_a_loss_of_all_connections_succeed() {
    Cuttable::start(PreparedStatements::On).await.first_requests_succeed_after_each_loss().await;
}

#[tokio::test]
#[ignore = "another mode of the same test: `make test-release`"]
async fn they_succeed_without_prepared_statements_as_well() {
    Cuttable::start(PreparedStatements::Off).await.first_requests_succeed_after_each_loss().await;
}

/// Asks until `done`; the conversations that were accepted and those that were refused.
async fn ask_until(
    person: Person,
    done: Arc<AtomicBool>,
    accepted: Arc<AtomicUsize>,
) -> (Vec<Uuid>, Vec<Uuid>) {
    let (mut written, mut refused) = (Vec::new(), Vec::new());
    while !done.load(Ordering::Relaxed) {
        let id = Uuid::now_v7();
        let ask = json!({"type": "ask", "question_id": Uuid::now_v7(), "text": "under load"});
        let answered = person.command(id, &ask).await;
        match (answered.status, answered.body["type"].as_str()) {
            (202, _) => {
                accepted.fetch_add(1, Ordering::Relaxed);
                written.push(id);
            }
            (503, Some("urn:colloquy:problem:outcome-unknown")) => {}
            (503, _) => refused.push(id),
            _ => panic!("{answered:?}"),
        }
    }
    (written, refused)
}

#[tokio::test]
#[ignore = "takes long: `make test-release`"]
async fn while_the_pooler_restarts_under_load_commands_are_durable_or_refused() {
    let pooled = Pooled::with_defaults().await;
    let config = pooled.configuration(PreparedStatements::Off);
    let product = Product::on(config, &[Role::Api, Role::Sequencer, Role::Projector]).await;
    let person = Person::new(&product).await;
    person.ask(Uuid::now_v7(), "before").await;
    let (done, accepted) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let asking: Vec<_> = (0..6)
        .map(|_| tokio::spawn(ask_until(person.clone(), Arc::clone(&done), Arc::clone(&accepted))))
        .collect();
    for _ in 0..3 {
        let before = accepted.load(Ordering::Relaxed);
        until("commands are accepted under load", async || {
            (accepted.load(Ordering::Relaxed) >= before + 20).then_some(())
        })
        .await;
        pooled.pooler.kill().await.unwrap();
        pooled.pooler.start().await.unwrap();
    }
    let after = accepted.load(Ordering::Relaxed);
    until("commands are accepted again", async || (accepted.load(Ordering::Relaxed) > after).then_some(()))
        .await;
    done.store(true, Ordering::Relaxed);
    let direct = Backbone::on(pooled.direct_url.clone()).await;
    for task in asking {
        let (written, refused) = task.await.unwrap();
        for (ids, is_there) in [(written, true), (refused, false)] {
            for id in ids {
                let events = direct.store.aggregate_events(AggregateType::Conversation, id).await.unwrap();
                assert_eq!(!events.is_empty(), is_there, "{id}");
            }
        }
    }
}

#[tokio::test]
#[ignore = "takes long: `make test-release`"]
async fn connections_to_the_pooler_that_are_cut_without_a_word_are_noticed_in_time() {
    let pooled = Pooled::with_defaults().await;
    let (link, url) = Link::to_database(&pooled.url).await;
    let remote = Backbone::by(url, PreparedStatements::Off).await;
    let user = remote.user().await;
    futures::future::join_all((0..16).map(|_| remote.ask(user, conversation(), "before"))).await;
    link.silence();
    let began = Instant::now();
    until("the database answers again", async || remote.store.ledger_head().await.ok()).await;
    remote.ask(user, conversation(), "after").await;
    assert!(began.elapsed() < NOTICED_WITHIN, "noticed after {:?}", began.elapsed());
}

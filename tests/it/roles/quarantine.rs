//! An event that cannot be applied stops one conversation in the read models that need it, and nothing else.

use aggregates::conversation::{Answer, Intent};
use aggregates::operation::{QuarantineCause, QuarantineOutcome};
use aggregates::{AggregateType, ConversationId, Position, UserId};
use colloquy::operations::quarantine::{NotReleased, Quarantine};
use colloquy::operations::rebuild;
use projections::quarantine::DEFAULT_LIMIT;
use projections::quarantine::{self, QuarantinedAggregate};
use projections::{ReadModel, faults};
use serde_json::Value;
use uuid::Uuid;

use super::publishing::until_stream_is_of_the_ledger;
use crate::support::backbone::{Backbone, conversation};
use crate::support::poison::Poison;
use crate::support::waiting::until;

fn operator(backbone: &Backbone) -> Quarantine {
    Quarantine {
        store: backbone.store.clone(),
        nats: backbone.nats.clone(),
        subjects: backbone.subjects.clone(),
        wake: backbone.wake.clone(),
    }
}

/// Asks, and stops the answer.
async fn talk(backbone: &Backbone, user: UserId, id: ConversationId, text: &str) {
    let (_, answer_id) = backbone.ask(user, id, text).await;
    let so_far = Answer { text: "As far as it goes.".into(), ..Answer::default() };
    backbone.command(user, id, Intent::Stop { answer_id, so_far }).await;
}

/// Waits until the read models are level with all that is committed.
async fn level(backbone: &Backbone) -> Position {
    until("the read models are level", async || {
        backbone.wake.notify();
        let waiting: i64 =
            sqlx::query_scalar("SELECT count(*) FROM outbox").fetch_one(&backbone.pool).await.ok()?;
        let head = backbone.store.ledger_head().await.ok()?.0;
        let level = projections::lowest_checkpoint(backbone.store.read_models()).await.ok()?;
        (waiting == 0 && level >= head).then_some(level)
    })
    .await
}

async fn held(backbone: &Backbone) -> Vec<QuarantinedAggregate> {
    quarantine::list(backbone.store.read_models(), None, 100).await.unwrap()
}

async fn rows(backbone: &Backbone, table: &str, column: &str, id: Uuid) -> i64 {
    let count = format!("SELECT count(*) FROM {table} WHERE {column} = $1");
    sqlx::query_scalar(&count).bind(id).fetch_one(&backbone.pool).await.unwrap()
}

/// The recorded changes of the quarantine: type, read model and cause or outcome.
async fn recorded(backbone: &Backbone, expected: usize) -> Vec<(String, String, String)> {
    until("the changes are recorded", async || {
        let payloads: Vec<Value> = sqlx::query_scalar(
            "SELECT payload FROM events WHERE aggregate_type = 'operation' ORDER BY recorded_at, event_id",
        )
        .fetch_all(&backbone.pool)
        .await
        .ok()?;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let all: Vec<_> = payloads
            .iter()
            .map(|payload| {
                let why = if payload["cause"].is_string() { &payload["cause"] } else { &payload["outcome"] };
                (text(&payload["type"]), text(&payload["read_model"]), text(why))
            })
            .collect();
        (all.len() >= expected).then_some(all)
    })
    .await
}

async fn assert_rebuilds_yield_the_same(backbone: &Backbone) {
    for (model, differences) in
        rebuild::check(&backbone.store, &ReadModel::ALL, DEFAULT_LIMIT, |_, _| {}).await.unwrap()
    {
        assert_eq!(differences, [], "{model:?}");
    }
}

#[tokio::test]
async fn a_bug_that_panics_at_one_conversation_under_load_leaves_everything_else_level() {
    let backbone = Backbone::new().await;
    let tasks = [backbone.sequence(), backbone.project()];
    let (user, id) = (backbone.user().await, conversation());
    talk(&backbone, user, id, "Before the bug.").await;
    level(&backbone).await;
    faults::panic_at(ReadModel::Messages, id.uuid());
    let mut others = vec![];
    for number in 0..24 {
        let (other, theirs) = (backbone.user().await, conversation());
        talk(&backbone, other, theirs, "Somebody else asks at the same time.").await;
        if number % 4 == 0 {
            talk(&backbone, user, id, "And the conversation goes on.").await;
        }
        others.push(theirs);
    }
    level(&backbone).await;
    let [held_in_messages] = held(&backbone).await.try_into().unwrap();
    assert_eq!(
        (held_in_messages.aggregate_id, held_in_messages.cause),
        (id.uuid(), QuarantineCause::Panicked)
    );
    assert_eq!(rows(&backbone, "messages", "conversation_id", id.uuid()).await, 0);
    assert_eq!(rows(&backbone, "conversations", "id", id.uuid()).await, 1, "the list has no bug");
    for other in others {
        assert_eq!(rows(&backbone, "messages", "conversation_id", other.uuid()).await, 2);
    }
    assert_rebuilds_yield_the_same(&backbone).await;
    let failed = operator(&backbone).release(id.uuid(), None, false).await.unwrap();
    assert!(failed.iter().all(|released| released.failed.is_some()), "the bug is still there");

    faults::mend(id.uuid());
    talk(&backbone, user, id, "Later events wait behind the first.").await;
    level(&backbone).await;
    assert_eq!(rows(&backbone, "messages", "conversation_id", id.uuid()).await, 0);
    let released = operator(&backbone).release(id.uuid(), None, false).await.unwrap();
    assert!(released.iter().all(|released| released.failed.is_none()), "{released:?}");
    talk(&backbone, user, id, "And it goes on as before.").await;
    level(&backbone).await;
    assert_eq!(rows(&backbone, "messages", "conversation_id", id.uuid()).await, 2 * (1 + 6 + 1 + 1));
    assert_eq!(held(&backbone).await, []);
    assert_rebuilds_yield_the_same(&backbone).await;
    let messages = || "messages".to_owned();
    let [panicked, retried] = [QuarantineCause::Panicked.name(), QuarantineOutcome::Retried.name()];
    assert_eq!(
        recorded(&backbone, 3).await,
        [
            ("Quarantined".to_owned(), messages(), panicked.to_owned()),
            ("Quarantined".to_owned(), messages(), panicked.to_owned()),
            ("QuarantineEnded".to_owned(), messages(), retried.to_owned()),
        ]
    );
    tasks.iter().for_each(tokio::task::JoinHandle::abort);
}

#[tokio::test]
async fn events_of_later_releases_and_damaged_ones_quarantine_their_conversations_alone() {
    let backbone = Backbone::new().await;
    let tasks = [backbone.sequence(), backbone.project()];
    let user = backbone.user().await;
    let poisons = [
        (Poison::of_a_later_type(AggregateType::Conversation), QuarantineCause::Unreadable, 4),
        (Poison::of_a_later_version(), QuarantineCause::Unreadable, 4),
        (Poison::with_a_corrupt_payload(), QuarantineCause::Unreadable, 4),
        (Poison::undecryptable(), QuarantineCause::Undecryptable, 3),
    ];
    let mut expected = vec![];
    for (poison, cause, models) in &poisons {
        let id = conversation();
        talk(&backbone, user, id, "Something of worth.").await;
        poison.append(&backbone.pool, id.uuid()).await;
        expected.push((id, *cause, *models));
    }
    let healthy = conversation();
    talk(&backbone, user, healthy, "Nothing is wrong here.").await;
    let level_at = level(&backbone).await;
    assert!(level_at.0 > 0);
    let held_now = held(&backbone).await;
    for (id, cause, models) in &expected {
        let of_it: Vec<_> = held_now.iter().filter(|held| held.aggregate_id == id.uuid()).collect();
        assert_eq!(of_it.len(), *models, "{of_it:?}");
        assert!(of_it.iter().all(|held| held.cause == *cause && held.owner == user), "{of_it:?}");
        assert_eq!(rows(&backbone, "conversations", "id", id.uuid()).await, 0);
    }
    assert_eq!(rows(&backbone, "messages", "conversation_id", healthy.uuid()).await, 2);
    assert_rebuilds_yield_the_same(&backbone).await;

    for (id, ..) in &expected {
        let released = operator(&backbone).release(id.uuid(), None, true).await.unwrap();
        assert!(released.iter().all(|released| released.failed.is_none()), "{released:?}");
        assert_eq!(rows(&backbone, "messages", "conversation_id", id.uuid()).await, 2, "without the event");
    }
    assert_eq!(held(&backbone).await, []);
    level(&backbone).await;
    assert_rebuilds_yield_the_same(&backbone).await;
    let nothing = operator(&backbone).release(healthy.uuid(), None, false).await.unwrap_err();
    assert!(matches!(nothing, NotReleased::NotQuarantined), "{nothing:?}");
    tasks.iter().for_each(tokio::task::JoinHandle::abort);
}

#[tokio::test]
async fn events_of_later_releases_in_accounts_trails_and_operations_hold_nobody_up() {
    let backbone = Backbone::new().await;
    let tasks = [backbone.sequence(), backbone.project()];
    let (user, id) = (backbone.user().await, conversation());
    Poison::of_a_later_type(AggregateType::Account).append(&backbone.pool, user.uuid()).await;
    for kind in ["operation", "audit_trail", "garden"] {
        sqlx::query(
            "WITH appended AS (
                 INSERT INTO events (aggregate_type, aggregate_id, sequence, event_type, event_version, event_id, owner,
                                     payload, metadata)
                 VALUES ($1, gen_random_uuid(), 1, 'Somewhat Later\\r\\n>', '1', gen_random_uuid(),
                         '00000000-0000-0000-0000-000000000000', '{\"type\": \"Later\"}',
                         '{\"traceparent\": \"00-a\\r\\nX: y\"}')
                 RETURNING aggregate_type, aggregate_id, sequence, owner)
             INSERT INTO outbox (aggregate_type, aggregate_id, sequence, owner) SELECT * FROM appended",
        )
        .bind(kind)
        .execute(&backbone.pool)
        .await
        .unwrap();
    }
    talk(&backbone, user, id, "Does it go on?").await;
    level(&backbone).await;
    let [account] = held(&backbone).await.try_into().unwrap();
    assert_eq!((account.read_model.as_str(), account.aggregate_id), ("accounts", user.uuid()));
    assert_eq!(rows(&backbone, "messages", "conversation_id", id.uuid()).await, 2);
    // The stream begins with what the read models lacked when it was created.
    until_stream_is_of_the_ledger(&backbone).await;
    tasks.iter().for_each(tokio::task::JoinHandle::abort);
}

#[tokio::test]
async fn a_row_that_postgres_refuses_quarantines_its_conversation() {
    let backbone = Backbone::new().await;
    let (user, id, other) = (backbone.user().await, conversation(), conversation());
    sqlx::raw_sql(&format!("ALTER TABLE conversations ADD CONSTRAINT refused CHECK (id <> '{id}')"))
        .execute(&backbone.pool)
        .await
        .unwrap();
    let tasks = [backbone.sequence(), backbone.project()];
    talk(&backbone, user, id, "Refused.").await;
    talk(&backbone, user, other, "Accepted.").await;
    level(&backbone).await;
    let [refused] = held(&backbone).await.try_into().unwrap();
    assert_eq!((refused.cause, refused.aggregate_id), (QuarantineCause::Refused, id.uuid()));
    assert!(refused.detail.starts_with("23514: "), "{refused:?}");
    assert_eq!(rows(&backbone, "conversations", "id", other.uuid()).await, 1);
    assert_eq!(rows(&backbone, "messages", "conversation_id", id.uuid()).await, 2);
    sqlx::raw_sql("ALTER TABLE conversations DROP CONSTRAINT refused").execute(&backbone.pool).await.unwrap();
    operator(&backbone).release(id.uuid(), Some(ReadModel::Conversations), false).await.unwrap();
    assert_eq!(rows(&backbone, "conversations", "id", id.uuid()).await, 1);
    tasks.iter().for_each(tokio::task::JoinHandle::abort);
}

#[tokio::test]
async fn what_may_pass_quarantines_nothing() {
    let backbone = Backbone::new().await;
    let (user, id) = (backbone.user().await, conversation());
    let held_up = "CREATE FUNCTION pass() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF nextval('tries') < 4 THEN RAISE 'in a test' USING ERRCODE = %; END IF;
            RETURN NEW;
        END $$;
        CREATE TRIGGER pass BEFORE INSERT ON messages FOR EACH ROW EXECUTE FUNCTION pass();";
    sqlx::raw_sql(&format!("CREATE SEQUENCE tries; {}", held_up.replace('%', "'40001'")))
        .execute(&backbone.pool)
        .await
        .unwrap();
    let tasks = [backbone.sequence(), backbone.project()];
    talk(&backbone, user, id, "In conflict with another transaction.").await;
    level(&backbone).await;
    assert_eq!(held(&backbone).await, []);
    assert_eq!(rows(&backbone, "messages", "conversation_id", id.uuid()).await, 2);
    tasks.iter().for_each(tokio::task::JoinHandle::abort);
}

#[tokio::test]
async fn rows_of_the_outbox_that_no_position_can_be_given_to_hold_nothing_up() {
    let backbone = Backbone::new().await;
    let (user, id) = (backbone.user().await, conversation());
    let tasks = [backbone.sequence(), backbone.project()];
    talk(&backbone, user, id, "In order.").await;
    level(&backbone).await;
    sqlx::raw_sql(
        "INSERT INTO outbox (aggregate_type, aggregate_id, sequence, owner)
         SELECT aggregate_type, aggregate_id, sequence, owner FROM ledger;
         INSERT INTO outbox (aggregate_type, aggregate_id, sequence) VALUES ('conversation', gen_random_uuid(), 7)",
    )
    .execute(&backbone.pool)
    .await
    .unwrap();
    talk(&backbone, user, id, "And so is this.").await;
    level(&backbone).await;
    assert_eq!(rows(&backbone, "messages", "conversation_id", id.uuid()).await, 4);
    tasks.iter().for_each(tokio::task::JoinHandle::abort);
}

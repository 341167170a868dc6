//! What many aggregates fail at is a fault of the installation, and quarantines none of them.

use aggregates::operation::QuarantineCause;
use aggregates::{ConversationId, UserId};
use projections::quarantine::{self, DEFAULT_LIMIT, Mode, QuarantineSet};
use projections::{DecryptedEvent, LedgerBatch, QueryError, ReadModel, Rebuild, faults};
use sqlx::PgPool;

use crate::database::{LIMIT, apply, database};
use crate::history::History;

const AT_ONCE: u32 = 5;

/// People who each ask in a conversation of their own.
fn people(history: &mut History, count: usize) -> Vec<(UserId, ConversationId)> {
    let people = (0..count).map(|_| {
        let user = history.user();
        (user, asked_by(history, user))
    });
    people.collect()
}

fn asked_by(history: &mut History, user: UserId) -> ConversationId {
    let id = history.start_conversation(user);
    history.ask(id, None, "What does the sea carry?");
    id
}

async fn isolating(pool: &PgPool, events: &[DecryptedEvent]) -> Result<bool, QueryError> {
    let mut set = QuarantineSet::limited_to(AT_ONCE);
    projections::project(pool, &LedgerBatch::from(events), &mut set, Mode::Isolating, LIMIT).await
}

async fn refuse_messages(pool: &PgPool) {
    sqlx::raw_sql("ALTER TABLE messages ADD CONSTRAINT refused CHECK (false)").execute(pool).await.unwrap();
}

async fn accept_messages(pool: &PgPool) {
    sqlx::raw_sql("ALTER TABLE messages DROP CONSTRAINT refused").execute(pool).await.unwrap();
}

async fn held(pool: &PgPool) -> usize {
    quarantine::list(pool, None, 1_000).await.unwrap().len()
}

async fn count(pool: &PgPool, table: &str) -> usize {
    let count: i64 =
        sqlx::query_scalar(&format!("SELECT count(*) FROM {table}")).fetch_one(pool).await.unwrap();
    usize::try_from(count).unwrap()
}

fn mend(conversations: impl Iterator<Item = ConversationId>) {
    for id in conversations {
        faults::mend(id.uuid());
    }
}

#[tokio::test]
async fn a_table_that_refuses_everything_quarantines_nothing_and_is_filled_when_it_accepts_rows() {
    let mut history = History::new();
    let asked = people(&mut history, 8);
    let pool = database().await;
    refuse_messages(&pool).await;
    let refused = isolating(&pool, &history.events).await.unwrap_err();
    let is_braked = matches!(
        refused,
        QueryError::TooManyFailures { model: ReadModel::Messages, cause: QuarantineCause::Refused, .. }
    );
    assert!(is_braked && refused.lasting_cause().is_none(), "{refused}");
    assert_eq!((held(&pool).await, count(&pool, "conversations").await), (0, 0));
    accept_messages(&pool).await;
    isolating(&pool, &history.events).await.unwrap();
    assert_eq!((held(&pool).await, count(&pool, "messages").await), (0, 2 * asked.len()));
}

#[tokio::test]
async fn failures_one_after_the_other_are_counted_for_an_hour() {
    let mut history = History::new();
    let pool = database().await;
    refuse_messages(&pool).await;
    for already in 0..AT_ONCE {
        let before = history.events.len();
        people(&mut history, 1);
        isolating(&pool, &history.events[before..]).await.unwrap();
        assert_eq!(held(&pool).await, already as usize + 1);
    }
    let before = history.events.len();
    people(&mut history, 1);
    assert!(isolating(&pool, &history.events[before..]).await.is_err());
    let age = "UPDATE quarantine SET quarantined_at = quarantined_at - interval '61 minutes'";
    sqlx::query(age).execute(&pool).await.unwrap();
    isolating(&pool, &history.events[before..]).await.unwrap();
}

#[tokio::test]
async fn one_person_cannot_stop_the_read_models_of_others() {
    let mut history = History::new();
    let hostile = history.user();
    let poisoned: Vec<_> = (0..2 * AT_ONCE).map(|_| asked_by(&mut history, hostile)).collect();
    for id in &poisoned {
        faults::panic_at(ReadModel::Messages, id.uuid());
    }
    let pool = database().await;
    // Also where a batch has events of nobody else.
    isolating(&pool, &history.events).await.unwrap();
    assert_eq!((held(&pool).await, count(&pool, "messages").await), (poisoned.len(), 0));
    mend(poisoned.into_iter());
}

#[tokio::test]
async fn few_failures_of_several_people_among_many_others_are_quarantined() {
    let mut history = History::new();
    let all = people(&mut history, 3 * AT_ONCE as usize);
    let (poisoned, healthy) = all.split_at(AT_ONCE as usize + 1);
    for (_, id) in poisoned {
        faults::panic_at(ReadModel::SearchEntries, id.uuid());
    }
    let pool = database().await;
    isolating(&pool, &history.events).await.unwrap();
    assert_eq!(held(&pool).await, poisoned.len(), "the others are {}", healthy.len());
    mend(poisoned.iter().map(|(_, id)| *id));
}

#[tokio::test]
async fn a_rebuild_that_cannot_apply_most_events_replaces_nothing() {
    let mut history = History::new();
    let asked = people(&mut history, DEFAULT_LIMIT as usize + 1);
    let pool = database().await;
    apply(&pool, &history.events, 1_000).await;
    for (_, id) in &asked {
        faults::panic_at(ReadModel::Messages, id.uuid());
    }
    let batch = LedgerBatch::from(&history.events[..]);
    let mut rebuild = Rebuild::begin(&pool, ReadModel::Messages).await.unwrap();
    let refused = rebuild.apply(&pool, &batch, Mode::Isolating).await.unwrap_err();
    assert!(matches!(refused, QueryError::TooManyFailures { .. }), "{refused}");

    // What the live read model lacks for the same reason does not count.
    sqlx::query(
        "INSERT INTO quarantine (read_model, aggregate_type, aggregate_id, owner, position, sequence, event_type, cause, detail)
         SELECT 'messages', 'conversation', id, owner, 1, 1, 'ConversationStarted', 'panicked', '' FROM conversations",
    )
    .execute(&pool)
    .await
    .unwrap();
    let mut rebuild = Rebuild::begin(&pool, ReadModel::Messages).await.unwrap();
    rebuild.apply(&pool, &batch, Mode::Isolating).await.unwrap();
    mend(asked.iter().map(|(_, id)| *id));
}

#[tokio::test]
async fn a_rebuild_quarantines_up_to_its_own_limit() {
    let mut history = History::new();
    let asked = people(&mut history, 4);
    let pool = database().await;
    apply(&pool, &history.events, 1_000).await;
    for (_, id) in &asked {
        faults::panic_at(ReadModel::Messages, id.uuid());
    }
    let batch = LedgerBatch::from(&history.events[..]);
    for (limit, is_applied) in [(2, false), (4, true), (0, true)] {
        let rebuild = Rebuild::begin(&pool, ReadModel::Messages).await.unwrap();
        let applied = rebuild.limited_to(limit).apply(&pool, &batch, Mode::Isolating).await;
        assert_eq!(applied.is_ok(), is_applied, "{limit}: {applied:?}");
    }
    mend(asked.iter().map(|(_, id)| *id));
}

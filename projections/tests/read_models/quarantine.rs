//! An event that cannot be applied takes its aggregate out of the read model and changes nothing else.

use std::collections::{BTreeSet, HashMap};
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};

use aggregates::account::{AccountEvent, ErasureTarget};
use aggregates::operation::{OperationEvent, QuarantineCause, QuarantineOutcome};
use aggregates::{AggregateType, ConversationId, Event, Position, UserId};
use projections::quarantine::{self, Mode, QuarantineSet, Release};
use projections::{DecryptedEvent, LedgerBatch, ReadModel, Rebuild, UnappliedEvent, faults};
use sqlx::PgPool;
use tracing_subscriber::layer::SubscriberExt as _;
use uuid::Uuid;

use crate::batches::long_history;
use crate::database::{LIMIT, apply, database, project, rows};
use crate::history::History;

const OF_CONVERSATIONS: [ReadModel; 4] =
    [ReadModel::Conversations, ReadModel::Messages, ReadModel::SearchEntries, ReadModel::UsageDays];

/// Applies events as a projector does that searches whatever is at fault.
async fn isolating(pool: &PgPool, events: &[DecryptedEvent], unreadable: &[UnappliedEvent], batch: usize) {
    let mut set = QuarantineSet::default();
    for events in events.chunks(batch) {
        let positions: Vec<Position> = events.iter().map(|event| event.recorded.position).collect();
        let unreadable = unreadable.iter().filter(|event| positions.contains(&event.position)).cloned();
        let batch = LedgerBatch::new(positions.clone(), events.to_vec(), unreadable.collect());
        projections::project(pool, &batch, &mut set, Mode::Isolating, LIMIT).await.unwrap();
    }
}

async fn all(pool: &PgPool) -> Vec<Vec<String>> {
    let mut transaction = pool.begin().await.unwrap();
    let mut all = vec![];
    for model in ReadModel::ALL {
        all.push(rows(&mut transaction, model).await);
    }
    all
}

fn without(all: Vec<Vec<String>>, model: ReadModel, id: Uuid) -> Vec<Vec<String>> {
    let of = ReadModel::ALL.iter().position(|other| *other == model).unwrap();
    all.into_iter()
        .enumerate()
        .map(|(place, rows)| {
            rows.into_iter().filter(|row| place != of || !row.contains(&id.to_string())).collect()
        })
        .collect()
}

/// The conversation with the most events among those whose owner keeps the keys.
fn some_conversation(history: &History) -> Uuid {
    let mut events: HashMap<Uuid, usize> = HashMap::new();
    let is_end = |event: &&DecryptedEvent| {
        matches!(
            event.recorded.event,
            Event::Account(AccountEvent::StoreErased { store: ErasureTarget::Keys })
        )
    };
    let erased: BTreeSet<UserId> =
        history.events.iter().filter(is_end).map(|event| event.recorded.owner).collect();
    for DecryptedEvent { recorded, .. } in &history.events {
        if recorded.aggregate == AggregateType::Conversation && !erased.contains(&recorded.owner) {
            *events.entry(recorded.aggregate_id).or_default() += 1;
        }
    }
    let (id, count) = events.into_iter().max_by_key(|(id, count)| (*count, *id)).unwrap();
    assert!(count > 8, "{count}");
    id
}

async fn operations(pool: &PgPool) -> Vec<OperationEvent> {
    let noted = quarantine::unrecorded_operations(pool, 100).await.unwrap();
    noted.into_iter().map(|(_, event)| event).collect()
}

#[tokio::test]
async fn a_panic_in_one_conversation_leaves_every_other_row_as_it_would_be() {
    let history = long_history();
    let healthy = database().await;
    apply(&healthy, &history.events, 64).await;
    let id = some_conversation(&history);
    let whole = all(&healthy).await;
    for (model, batch) in [(ReadModel::Conversations, 50), (ReadModel::Messages, 10_000)] {
        let pool = database().await;
        faults::panic_at(model, id);
        let refused = project(&pool, &history.events).await.unwrap_err();
        assert_eq!(refused.lasting_cause().unwrap().0, QuarantineCause::Panicked, "{refused:?}");
        isolating(&pool, &history.events, &[], batch).await;
        faults::mend(id);
        assert_eq!(all(&pool).await, without(whole.clone(), model, id), "{model:?} {batch}");
        let held = quarantine::list(&pool, None, 10).await.unwrap();
        assert_eq!(held.len(), 1, "{held:?}");
        let first = history.events.iter().find(|event| event.recorded.aggregate_id == id).unwrap();
        assert_eq!((held[0].aggregate_id, held[0].position), (id, first.recorded.position));
        assert_eq!(held[0].read_model, model.name());
        assert_eq!(projections::lowest_checkpoint(&pool).await.unwrap().0, history.events.len() as u64);
        assert!(matches!(&operations(&pool).await[..], [OperationEvent::Quarantined { .. }]));
    }
}

/// Ends the quarantine of an aggregate with these events of it.
async fn release(pool: &PgPool, id: Uuid, events: &[DecryptedEvent], skip: bool) -> bool {
    let mut release = Release::begin(pool, id, None, skip).await.unwrap().unwrap();
    let of_it: Vec<_> = events.iter().filter(|event| event.recorded.aggregate_id == id).cloned().collect();
    for page in of_it.chunks(3) {
        release.apply(&LedgerBatch::new([], page.to_vec(), vec![])).await.unwrap();
    }
    release.end().await.unwrap().iter().all(|released| released.failed.is_none())
}

#[tokio::test]
async fn a_retry_after_the_cause_is_gone_yields_the_rows_of_a_life_without_the_fault() {
    let history = long_history();
    let healthy = database().await;
    apply(&healthy, &history.events, 64).await;
    let id = some_conversation(&history);
    let pool = database().await;
    for model in OF_CONVERSATIONS {
        faults::panic_at(model, id);
    }
    let (before, after) = history.events.split_at(history.events.len() / 2);
    isolating(&pool, before, &[], 50).await;
    assert!(!release(&pool, id, before, false).await, "the fault is still there");
    assert!(quarantine::list(&pool, None, 10).await.unwrap().iter().all(|held| held.attempts == 2));
    isolating(&pool, after, &[], 50).await;
    faults::mend(id);
    assert!(release(&pool, id, &history.events, false).await);
    assert_eq!(all(&pool).await, all(&healthy).await);
    assert_eq!(quarantine::list(&pool, None, 10).await.unwrap(), []);
    assert!(Release::begin(&pool, id, None, false).await.unwrap().is_none());
    let ended = operations(&pool).await.into_iter().filter(|event| {
        matches!(event, OperationEvent::QuarantineEnded { outcome: QuarantineOutcome::Retried, .. })
    });
    assert_eq!(ended.count(), 4, "conversations, messages, search entries and days of usage");
}

fn unreadable(history: &History, place: usize) -> UnappliedEvent {
    UnappliedEvent::of(&history.events[place].recorded, QuarantineCause::Unreadable, "a later version")
}

#[tokio::test]
async fn a_skipped_event_is_left_out_by_the_retry_and_by_a_rebuild() {
    let mut history = History::new();
    let user = history.user();
    let id = history.start_conversation(user);
    let first = history.ask(id, None, "What do glaciers carry?");
    history.stop(id, first, "Boulders.");
    history.rename(id, "Moraines");
    history.tag(id, &["ice"]);
    let renamed = history.events.len() - 2;
    let at_fault = [unreadable(&history, renamed)];
    let pool = database().await;
    isolating(&pool, &history.events, &at_fault, 3).await;
    let held = quarantine::of_aggregate(&pool, id.uuid()).await.unwrap();
    assert_eq!(held.len(), 4);
    assert!(held.iter().all(|held| held.cause == QuarantineCause::Unreadable));
    assert!(release(&pool, id.uuid(), &history.events, true).await);
    let shown = all(&pool).await;
    let mut others = history.events.clone();
    others.remove(renamed);
    let expected = database().await;
    let positions: Vec<_> = (1..=history.events.len() as u64).map(Position).collect();
    let batch = LedgerBatch::new(positions.clone(), others, vec![]);
    let mut set = QuarantineSet::default();
    projections::project(&expected, &batch, &mut set, Mode::Whole, LIMIT).await.unwrap();
    assert_eq!(shown, all(&expected).await);

    for model in ReadModel::ALL {
        let mut rebuild = Rebuild::begin(&pool, model).await.unwrap();
        let batch = LedgerBatch::new(positions.clone(), history.events.clone(), at_fault.to_vec());
        rebuild.apply(&pool, &batch, Mode::Whole).await.unwrap();
        assert_eq!(rebuild.lock(&pool).await.unwrap().compare().await.unwrap(), [], "{model:?}");
    }
}

#[tokio::test]
async fn a_rebuild_quarantines_as_the_projector_does_and_ends_what_it_can_apply() {
    let history = long_history();
    let pool = database().await;
    let (id, fault) = (some_conversation(&history), ReadModel::Messages);
    faults::panic_at(fault, id);
    isolating(&pool, &history.events, &[], 64).await;
    let shown = all(&pool).await;
    let rebuilt = async |mode| {
        let mut rebuild = Rebuild::begin(&pool, fault).await.unwrap();
        rebuild.apply(&pool, &LedgerBatch::from(&history.events[..]), mode).await.unwrap();
        rebuild
    };
    assert_eq!(rebuilt(Mode::Isolating).await.lock(&pool).await.unwrap().compare().await.unwrap(), []);
    rebuilt(Mode::Isolating).await.lock(&pool).await.unwrap().swap().await.unwrap();
    assert_eq!(all(&pool).await, shown);
    assert_eq!(operations(&pool).await.len(), 1, "nothing has changed");
    faults::mend(id);
    let keys = "INSERT INTO keys (kind, id, owner, wrapped_by, wrapped) SELECT 'user', owner, owner, '', '' FROM quarantine";
    sqlx::query(keys).execute(&pool).await.unwrap();
    rebuilt(Mode::Whole).await.lock(&pool).await.unwrap().swap().await.unwrap();
    let used = "SELECT id FROM last_reads WHERE read_on = (clock_timestamp() AT TIME ZONE 'UTC')::date";
    let used: Vec<Uuid> = sqlx::query_scalar(used).fetch_all(&pool).await.unwrap();
    assert_eq!(used, [id], "its owner can use it again");
    assert_eq!(quarantine::list(&pool, None, 10).await.unwrap(), []);
    assert!(matches!(
        &operations(&pool).await[..],
        [_, OperationEvent::QuarantineEnded { outcome: QuarantineOutcome::Rebuilt, .. }]
    ));
    let healthy = database().await;
    apply(&healthy, &history.events, 64).await;
    assert_eq!(all(&pool).await, all(&healthy).await);
}

#[tokio::test]
async fn an_event_that_does_not_decrypt_counts_all_the_same_and_shows_nowhere_else() {
    let mut history = History::new();
    let user = history.user();
    let id = history.start_conversation(user);
    let asked = history.ask(id, None, "What do rivers carry?");
    history.complete(id, asked, "Silt.");
    let place = history.events.len() - 1;
    let fault = UnappliedEvent::of(&history.events[place].recorded, QuarantineCause::Undecryptable, "…");
    let pool = database().await;
    isolating(&pool, &history.events, &[fault], 2).await;
    let [conversations, messages, search, usage, _, _] = all(&pool).await.try_into().unwrap();
    assert_eq!((conversations, messages, search, usage.len()), (vec![], vec![], vec![], 1));
}

#[tokio::test]
async fn the_erasure_of_a_conversation_ends_its_quarantine() {
    let mut history = History::new();
    let user = history.user();
    let (id, other) = (history.start_conversation(user), history.start_conversation(user));
    history.ask(id, None, "What do winds carry?");
    history.ask(other, None, "And currents?");
    let last = history.events.len() - 1;
    let at_fault = [unreadable(&history, last - 3), unreadable(&history, last)];
    history.append_to_conversation(id, aggregates::conversation::ConversationEvent::ConversationErased);
    for batch in [1, 100] {
        let pool = database().await;
        isolating(&pool, &history.events, &at_fault, batch).await;
        let held: BTreeSet<ConversationId> = quarantine::list(&pool, None, 100)
            .await
            .unwrap()
            .iter()
            .map(|held| ConversationId::new(held.aggregate_id))
            .collect();
        assert_eq!(held, BTreeSet::from([other]), "batches of {batch}");
    }
}

#[tokio::test]
async fn unreadable_events_of_kinds_without_a_read_model_hold_nothing_up() {
    let mut history = History::new();
    let user = history.user();
    let mut fault = unreadable(&history, history.events.len() - 1);
    let pool = database().await;
    for (place, aggregate) in [AggregateType::AuditTrail, AggregateType::Operation].into_iter().enumerate() {
        fault.aggregate = aggregate;
        fault.position = Position((history.events.len() + place) as u64 + 1);
        isolating_one(&pool, &history, &fault).await;
    }
    assert_eq!(quarantine::list(&pool, None, 100).await.unwrap(), []);
    assert_eq!(projections::lowest_checkpoint(&pool).await.unwrap(), fault.position);
    assert!(projections::accounts::get(&pool, user).await.unwrap().is_some());
}

async fn isolating_one(pool: &PgPool, history: &History, fault: &UnappliedEvent) {
    let positions = (1..=fault.position.0).map(Position);
    let batch = LedgerBatch::new(positions, history.events.clone(), vec![fault.clone()]);
    projections::project(pool, &batch, &mut QuarantineSet::default(), Mode::Whole, LIMIT).await.unwrap();
}

/// Collects the statements that are sent.
#[derive(Clone, Default)]
struct Statements(Arc<Mutex<Vec<String>>>);

impl<S: tracing::Subscriber> tracing_subscriber::Layer<S> for Statements {
    fn on_event(&self, event: &tracing::Event<'_>, _: tracing_subscriber::layer::Context<'_, S>) {
        struct Summary(String);
        impl tracing::field::Visit for Summary {
            fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn std::fmt::Debug) {
                if matches!(field.name(), "summary" | "db.statement") {
                    let _ = write!(self.0, "{value:?} ");
                }
            }
        }
        if event.metadata().target() == "sqlx::query" {
            let mut summary = Summary(String::new());
            event.record(&mut summary);
            self.0.lock().unwrap().push(summary.0);
        }
    }
}

#[tokio::test]
async fn nothing_is_asked_about_the_quarantine_until_it_changes() {
    let mut history = History::new();
    let user = history.user();
    let id = history.start_conversation(user);
    history.ask(id, None, "What do tides carry?");
    let pool = database().await;
    let mut set = QuarantineSet::default();
    let statements = Statements::default();
    let _collecting =
        tracing::subscriber::set_default(tracing_subscriber::registry().with(statements.clone()));
    let mut batches = vec![];
    for event in &history.events {
        let batch = LedgerBatch::from(std::slice::from_ref(event));
        projections::project(&pool, &batch, &mut set, Mode::Whole, LIMIT).await.unwrap();
        batches.push(std::mem::take(&mut *statements.0.lock().unwrap()));
    }
    let asks =
        |statements: &[String]| statements.iter().filter(|text| text.contains("FROM quarantine")).count();
    assert_eq!(asks(&batches[0]), 1, "a new projector reads it once: {:?}", batches[0]);
    assert!(batches[1..].iter().all(|statements| asks(statements) == 0), "{batches:#?}");
    // A question: the locks, erased owners, one row of the list read and written, a message, its words, and
    // the checkpoints, between the beginning and the commit.
    let question = &batches[2];
    assert!(question.len() <= 9, "{question:#?}");
}

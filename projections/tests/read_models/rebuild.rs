//! A rebuilt read model has the rows, the indexes and the row-level security of the one that it replaces.

use aggregates::Position;
use projections::conversations::Filter;
use projections::quarantine::Mode;
use projections::{Difference, LedgerBatch, QueryError, ReadModel, Rebuild};

use crate::batches::long_history;
use crate::database::{all_rows, apply, as_superuser, database, project, rows};
use crate::history::History;
use crate::queries::list_page;

async fn rebuild(pool: &sqlx::PgPool, history: &History, model: ReadModel, batch: usize) {
    let mut rebuild = Rebuild::begin(pool, model).await.unwrap();
    let filled = history.events.len() - 10;
    for batch in history.events[..filled].chunks(batch) {
        rebuild.apply(pool, &LedgerBatch::from(batch), Mode::Whole).await.unwrap();
    }
    assert_eq!(rebuild.position().0, filled as u64);
    rebuild.create_indexes(pool).await.unwrap();
    let mut locked = rebuild.lock(pool).await.unwrap();
    let live = locked.live_position();
    assert_eq!(live.0, history.events.len() as u64);
    locked.apply(&LedgerBatch::from(&history.events[filled..])).await.unwrap();
    assert_eq!(locked.swap().await.unwrap(), live);
}

#[tokio::test]
async fn every_rebuild_yields_the_same_rows() {
    let pool = database().await;
    let history = long_history();
    apply(&pool, &history.events, 30).await;
    let mut transaction = pool.begin().await.unwrap();
    let before = all_rows(&mut transaction).await;
    transaction.rollback().await.unwrap();
    for batch in [7, 1_000] {
        for model in ReadModel::ALL {
            rebuild(&pool, &history, model, batch).await;
        }
        let mut transaction = pool.begin().await.unwrap();
        assert_eq!(all_rows(&mut transaction).await, before);
    }
}

#[tokio::test]
async fn a_rebuilt_read_model_is_protected_read_and_projected_as_before() {
    let pool = database().await;
    let mut history = long_history();
    apply(&pool, &history.events, 100).await;
    let indexes = "SELECT count(*) FROM pg_indexes WHERE schemaname = 'public'";
    let before: i64 = sqlx::query_scalar(indexes).fetch_one(&pool).await.unwrap();
    for model in ReadModel::ALL {
        rebuild(&pool, &history, model, 500).await;
    }
    let after: i64 = sqlx::query_scalar(indexes).fetch_one(&pool).await.unwrap();
    assert_eq!(after, before, "every index is created again");
    let superuser = as_superuser(&pool).await;
    for model in ReadModel::ALL {
        let view = format!("SELECT count(*) FROM my_{}", model.name());
        assert_eq!(sqlx::query_scalar::<_, i64>(&view).fetch_one(&superuser).await.unwrap(), 0);
    }
    let user = history.user();
    let id = history.start_conversation(user);
    apply(&pool, &history.events, 100).await;
    let page = list_page(&pool, user, &Filter::default(), None, 10).await;
    assert_eq!(page.items.iter().map(|row| row.id).collect::<Vec<_>>(), [id]);
}

#[tokio::test]
async fn an_interrupted_rebuild_resumes() {
    let pool = database().await;
    let history = long_history();
    apply(&pool, &history.events, 100).await;
    for model in ReadModel::ALL {
        let mut interrupted = Rebuild::begin(&pool, model).await.unwrap();
        interrupted.apply(&pool, &LedgerBatch::from(&history.events[..50]), Mode::Whole).await.unwrap();
        drop(interrupted);
        assert_eq!(Rebuild::begin(&pool, model).await.unwrap().position().0, 50);
        assert_eq!(differences(&pool, &history, model).await, []);
    }
}

#[tokio::test]
async fn of_two_rebuilds_at_once_one_fails_and_nothing_counts_twice() {
    let pool = database().await;
    let history = long_history();
    apply(&pool, &history.events, 100).await;
    for model in ReadModel::ALL {
        let mut first = Rebuild::begin(&pool, model).await.unwrap();
        let mut second = Rebuild::begin(&pool, model).await.unwrap();
        first.apply(&pool, &LedgerBatch::from(&history.events[..50]), Mode::Whole).await.unwrap();
        let overtaken =
            second.apply(&pool, &LedgerBatch::from(&history.events[..50]), Mode::Whole).await.unwrap_err();
        assert!(matches!(overtaken, QueryError::Overtaken { .. }), "{overtaken:?}");
        let rest = LedgerBatch::from(&history.events[50..]);
        let (one, other) = tokio::join!(first.apply(&pool, &rest, Mode::Whole), async {
            Rebuild::begin(&pool, model).await?.apply(&pool, &rest, Mode::Whole).await
        });
        assert!(one.is_ok() || other.is_ok(), "{one:?} {other:?}");
        let rebuild = Rebuild::begin(&pool, model).await.unwrap();
        assert_eq!(rebuild.lock(&pool).await.unwrap().compare().await.unwrap(), []);
    }
}

#[tokio::test]
async fn a_rebuild_refuses_a_batch_with_a_gap() {
    let pool = database().await;
    let history = long_history();
    let mut rebuild = Rebuild::begin(&pool, ReadModel::Messages).await.unwrap();
    rebuild.apply(&pool, &LedgerBatch::from(&history.events[..10]), Mode::Whole).await.unwrap();
    let gap =
        rebuild.apply(&pool, &LedgerBatch::from(&history.events[11..20]), Mode::Whole).await.unwrap_err();
    assert_eq!(gap.to_string(), "read model messages_next lacks the event at position 11");
    let gap = project(&pool, &history.events[5..10]).await.unwrap_err();
    assert!(matches!(gap, QueryError::Gap { position: Position(1), .. }), "{gap:?}");
}

#[tokio::test]
async fn a_rebuild_of_another_version_starts_from_the_beginning() {
    let pool = database().await;
    let history = long_history();
    apply(&pool, &history.events, 100).await;
    let mut interrupted = Rebuild::begin(&pool, ReadModel::Messages).await.unwrap();
    interrupted.apply(&pool, &LedgerBatch::from(&history.events[..50]), Mode::Whole).await.unwrap();
    sqlx::query("UPDATE checkpoints SET name = 'messages_next 0.0.1' WHERE name LIKE 'messages_next%'")
        .execute(&pool)
        .await
        .unwrap();
    assert_eq!(Rebuild::begin(&pool, ReadModel::Messages).await.unwrap().position().0, 0);
    rebuild(&pool, &history, ReadModel::Messages, 64).await;
    for leftovers in [
        "SELECT count(*) FROM pg_tables WHERE tablename ~ '_(next|old)$'",
        "SELECT count(*) FROM checkpoints WHERE name ~ '_next'",
    ] {
        assert_eq!(sqlx::query_scalar::<_, i64>(leftovers).fetch_one(&pool).await.unwrap(), 0);
    }
}

#[tokio::test]
async fn the_checkpoint_of_a_read_model_that_was_behind_moves_to_the_new_table() {
    let pool = database().await;
    let history = long_history();
    apply(&pool, &history.events, 30).await;
    let before = all_rows(&mut pool.begin().await.unwrap()).await;
    sqlx::query("UPDATE checkpoints SET position = 0 WHERE name = 'messages'").execute(&pool).await.unwrap();
    sqlx::query("DELETE FROM messages").execute(&pool).await.unwrap();
    let mut rebuild = Rebuild::begin(&pool, ReadModel::Messages).await.unwrap();
    rebuild.apply(&pool, &LedgerBatch::from(&history.events[..]), Mode::Whole).await.unwrap();
    let locked = rebuild.lock(&pool).await.unwrap();
    assert_eq!(locked.live_position().0, 0);
    let position = locked.swap().await.unwrap();
    assert_eq!(position.0, history.events.len() as u64);
    assert_eq!(all_rows(&mut pool.begin().await.unwrap()).await, before);
}

/// Compares the rebuilt read model with the live one.
async fn differences(pool: &sqlx::PgPool, history: &History, model: ReadModel) -> Vec<Difference> {
    let mut rebuild = Rebuild::begin(pool, model).await.unwrap();
    rebuild.apply(pool, &LedgerBatch::from(&history.events[..]), Mode::Whole).await.unwrap();
    rebuild.lock(pool).await.unwrap().compare().await.unwrap()
}

#[tokio::test]
async fn a_row_that_was_changed_without_an_event_is_reported() {
    let pool = database().await;
    let history = long_history();
    apply(&pool, &history.events, 100).await;
    for (model, change) in [
        (
            ReadModel::Conversations,
            "UPDATE conversations SET version = version + 1 WHERE id = (SELECT min(id::text)::uuid FROM conversations)",
        ),
        (ReadModel::Messages, "DELETE FROM messages WHERE id = (SELECT min(id::text)::uuid FROM messages)"),
        (
            ReadModel::SearchEntries,
            "UPDATE search_entries SET tokens = '' WHERE entry_id = (SELECT min(entry_id::text)::uuid FROM search_entries)",
        ),
        (
            ReadModel::Accounts,
            "UPDATE accounts SET version = 99 WHERE owner = (SELECT min(owner::text)::uuid FROM accounts)",
        ),
    ] {
        assert_eq!(differences(&pool, &history, model).await, []);
        assert_eq!(sqlx::query(change).execute(&pool).await.unwrap().rows_affected(), 1);
        let found = differences(&pool, &history, model).await;
        assert!(found.iter().any(|difference| !difference.live), "{model:?}");
        assert!(found.len() <= 2);
    }
}

#[tokio::test]
async fn reads_succeed_while_tables_are_swapped() {
    let pool = database().await;
    let history = long_history();
    apply(&pool, &history.events, 100).await;
    let owner = history.events[0].recorded.owner;
    let mut transaction = pool.begin().await.unwrap();
    let messages = rows(&mut transaction, ReadModel::Messages).await.len();
    transaction.rollback().await.unwrap();
    let reading = async {
        let mut reads = 0;
        for _ in 0..300 {
            list_page(&pool, owner, &Filter::default(), None, 20).await;
            reads += 1;
        }
        reads
    };
    let swapping = async {
        for _ in 0..10 {
            rebuild(&pool, &history, ReadModel::Conversations, 1_000).await;
            rebuild(&pool, &history, ReadModel::Messages, 1_000).await;
        }
    };
    let (reads, ()) = tokio::join!(reading, swapping);
    assert_eq!(reads, 300);
    let mut transaction = pool.begin().await.unwrap();
    assert_eq!(rows(&mut transaction, ReadModel::Messages).await.len(), messages);
}

//! A rebuild beside readers that take their time.

use std::time::Duration;

use colloquy::operations::rebuild;
use projections::ReadModel;
use projections::quarantine::DEFAULT_LIMIT;
use sqlx::{Connection as _, PgConnection};

use crate::support::backbone::{Backbone, conversation};
use crate::support::waiting::until;

/// Longest time for which a rebuild that waits for a reader may hold up other readers.
const HELD_UP: Duration = Duration::from_secs(5);

#[tokio::test]
async fn a_rebuild_that_waits_for_a_long_reader_lets_others_read_and_the_projector_work() {
    let backbone = Backbone::new().await;
    let tasks = [backbone.sequence(), backbone.project()];
    let user = backbone.user().await;
    backbone.ask(user, conversation(), "before").await;
    backbone.projected(4).await;
    let mut reading = PgConnection::connect(&backbone.database_url).await.unwrap();
    let mut reader = reading.begin().await.unwrap();
    sqlx::raw_sql("SET LOCAL idle_in_transaction_session_timeout = 0; SELECT count(*) FROM my_conversations")
        .execute(&mut *reader)
        .await
        .unwrap();
    let store = backbone.store.clone();
    let rebuilding = tokio::spawn(async move {
        rebuild::rebuild(&store, &[ReadModel::Conversations], DEFAULT_LIMIT, |_, _| {}).await
    });
    until("the rebuild waits for the reader", async || {
        let waits = "SELECT count(*) > 0 FROM pg_stat_activity
                      WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE 'ALTER VIEW%'";
        sqlx::query_scalar::<_, bool>(waits).fetch_one(&backbone.pool).await.unwrap().then_some(())
    })
    .await;
    let others = async {
        sqlx::query("SELECT count(*) FROM my_conversations").execute(&backbone.pool).await.unwrap();
        backbone.ask(user, conversation(), "during").await;
        backbone.projected(7).await;
    };
    tokio::time::timeout(HELD_UP * 2, others).await.expect("others wait behind the rebuild");
    assert!(!rebuilding.is_finished());
    reader.rollback().await.unwrap();
    rebuilding.await.unwrap().unwrap();
    tasks.iter().for_each(tokio::task::JoinHandle::abort);
}

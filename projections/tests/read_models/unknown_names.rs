//! A column with a name that this version does not know is an error, never another value.

use aggregates::UserId;
use projections::messages::{self, Branch, PageRequest};
use projections::{QueryError, accounts, documents};
use sqlx::PgPool;

use crate::database::{apply, database};
use crate::history::History;

/// One row in each of `messages`, `documents` and `accounts`.
async fn one_row_each() -> (PgPool, UserId, PageRequest) {
    let (pool, mut history) = (database().await, History::new());
    let owner = history.user();
    let conversation = history.start_conversation(owner);
    history.turn(conversation, None, "Question", "Answer");
    history.add_document(owner, "Title");
    apply(&pool, &history.events, 100).await;
    (pool, owner, PageRequest { owner, conversation, after: None, limit: 10, with_key: false })
}

/// Sets a column of all rows, where a constraint would refuse the name without it.
async fn set(pool: &PgPool, table: &str, column: &str) {
    for statement in [
        format!("ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {table}_{column}_check"),
        format!("UPDATE {table} SET {column} = 'sideways'"),
    ] {
        sqlx::query(&statement).execute(pool).await.unwrap();
    }
}

#[track_caller]
fn assert_unknown_name<T: std::fmt::Debug>(result: Result<T, QueryError>, column: &str) {
    let result = result.map_err(sqlx::Error::from);
    let Err(sqlx::Error::ColumnDecode { index, source }) = result else { panic!("{result:?}") };
    assert_eq!(index, format!("\"{column}\""));
    assert!(source.to_string().contains("\"sideways\""), "{source}");
}

#[tokio::test]
async fn an_unknown_status_rating_or_failure_of_a_message_is_an_error() {
    for column in ["status", "rating", "failure"] {
        let (pool, _, request) = one_row_each().await;
        messages::pages(&pool, &[request]).await.unwrap();
        set(&pool, "messages", column).await;
        assert_unknown_name(messages::pages(&pool, &[request]).await, column);
        sqlx::query("UPDATE conversations SET branched = true").execute(&pool).await.unwrap();
        assert_unknown_name(messages::branch_page(&pool, &request, Branch::Newest).await, column);
    }
}

#[tokio::test]
async fn an_unknown_scope_or_status_of_a_document_is_an_error() {
    for column in ["scope", "status"] {
        let (pool, owner, _) = one_row_each().await;
        documents::list(&pool, owner, None, 10).await.unwrap();
        set(&pool, "documents", column).await;
        assert_unknown_name(documents::list(&pool, owner, None, 10).await, column);
    }
}

#[tokio::test]
async fn an_unknown_status_of_an_account_is_an_error() {
    let (pool, owner, _) = one_row_each().await;
    accounts::get(&pool, owner).await.unwrap();
    set(&pool, "accounts", "phase").await;
    assert_unknown_name(accounts::get(&pool, owner).await, "phase");
}

//! A query returns rows of its owner only, a query without an owner returns none, and no
//! table contains plain text.

use projections::conversations::{self, Filter};
use projections::messages::{self, Branch, PageRequest};
use projections::search::{self, SearchQuery};
use projections::{ReadModel, accounts, usage};
use sqlx::{PgPool, Row as _};

use crate::batches::long_history;
use crate::database::{apply, as_superuser, database};
use crate::history::History;
use crate::queries::list_page;

const VIEWS: [&str; 7] = [
    "my_conversations",
    "my_messages",
    "my_search_entries",
    "my_usage_days",
    "my_accounts",
    "my_documents",
    "my_keys",
];

async fn count(pool: &PgPool, view: &str) -> i64 {
    sqlx::query_scalar(&format!("SELECT count(*) FROM {view}")).fetch_one(pool).await.unwrap()
}

#[tokio::test]
async fn a_query_without_an_owner_returns_nothing_even_to_a_superuser() {
    let pool = database().await;
    let history = long_history();
    history.store_keys(&pool).await;
    apply(&pool, &history.events, 200).await;
    for model in ReadModel::ALL {
        assert!(count(&pool, model.name()).await > 0, "{}", model.name());
    }
    for pool in [pool.clone(), as_superuser(&pool).await] {
        for view in VIEWS {
            assert_eq!(count(&pool, view).await, 0, "{view}");
        }
    }
}

#[tokio::test]
async fn the_owner_of_a_query_does_not_apply_to_the_next_query() {
    let (pool, mut history) = (database().await, History::new());
    let user = history.user();
    history.start_conversation(user);
    apply(&pool, &history.events, 10).await;
    let mut connection = pool.acquire().await.unwrap();
    for _ in 0..8 {
        let page = list_page(&mut *connection, user, &Filter::default(), None, 10).await;
        assert_eq!(page.items.len(), 1);
        for view in VIEWS {
            let without_owner = format!("SELECT count(*) FROM {view}");
            let seen: i64 = sqlx::query(&without_owner).fetch_one(&mut *connection).await.unwrap().get(0);
            assert_eq!(seen, 0, "{view}");
        }
    }
}

#[tokio::test]
async fn no_query_returns_rows_of_another_owner() {
    let (pool, mut history) = (database().await, History::new());
    let (user, stranger) = (history.user(), history.user());
    let id = history.start_conversation(user);
    history.turn(id, None, "Where are the mallets?", "Here are the mallets.");
    history.tag(id, &["drums"]);
    let theirs = history.start_conversation(stranger);
    history.ask(theirs, None, "Something else");
    history.store_keys(&pool).await;
    apply(&pool, &history.events, 10).await;
    for pool in [pool.clone(), as_superuser(&pool).await] {
        let page = list_page(&pool, stranger, &Filter::default(), None, 10).await;
        assert_eq!(page.items.iter().map(|row| row.id).collect::<Vec<_>>(), [theirs]);
        let tag = Some(history.blind(user).tag("drums").into_string());
        let tagged = Filter { tag, ..Filter::default() };
        assert!(list_page(&pool, stranger, &tagged, None, 10).await.items.is_empty());
        assert!(conversations::get(&pool, stranger, id).await.unwrap().is_none());
        assert!(conversations::version(&pool, stranger, id).await.unwrap().is_none());
        let both = [(stranger, id), (user, id), (stranger, theirs)].map(|(owner, conversation)| {
            PageRequest { owner, conversation, after: None, limit: 10, with_key: true }
        });
        let found = messages::pages(&pool, &both).await.unwrap();
        let sizes: Vec<_> =
            found.iter().map(|found| found.as_ref().map(|found| found.page.items.len())).collect();
        assert_eq!(sizes, [None, Some(2), Some(2)]);
        let branch = messages::branch_page(&pool, &both[0], Branch::Newest).await.unwrap();
        assert!(branch.items.is_empty());
        // The key of the blind index gives no access to the rows of its owner.
        let query = SearchQuery::parse("mallets").unwrap();
        for blind in [history.blind(stranger), history.blind(user)] {
            let found = search::find(&pool, stranger, &blind, &query, &Filter::default(), None, 10).await;
            assert!(found.unwrap().items.is_empty());
        }
        assert!(usage::days(&pool, stranger, None, None).await.unwrap().is_empty());
        assert_eq!(usage::days(&pool, user, None, None).await.unwrap().len(), 1);
        assert_eq!(accounts::get(&pool, stranger).await.unwrap().unwrap().version.0, 1);
    }
}

#[tokio::test]
async fn no_column_of_any_table_contains_a_word_that_a_user_wrote() {
    let (pool, mut history) = (database().await, History::new());
    let user = history.user();
    let id = history.start_conversation(user);
    let turn = history.turn(id, None, "Canaryquestion?", "Canaryanswer.");
    let stopped = history.ask(id, Some(turn.1), "Canaryfollowing");
    history.stop(id, stopped, "Canarystopped");
    history.rename(id, "Canarytitled");
    history.tag(id, &["Canarytagged"]);
    history.add_document(user, "Canarydocument");
    history.store_keys(&pool).await;
    apply(&pool, &history.events, 4).await;
    let tables: Vec<String> =
        sqlx::query_scalar("SELECT tablename::text FROM pg_tables WHERE schemaname = 'public'")
            .fetch_all(&pool)
            .await
            .unwrap();
    for table in tables {
        let dumped = format!("SELECT coalesce(string_agg(t::text, ' '), '') FROM {table} t");
        let text: String = sqlx::query_scalar(&dumped).fetch_one(&pool).await.unwrap();
        // The text form of `bytea` is hexadecimal: this is `anary`.
        let hex = "616e617279";
        let lower = text.to_lowercase();
        assert!(!lower.contains("canary") && !lower.contains(hex), "{table}");
    }
}

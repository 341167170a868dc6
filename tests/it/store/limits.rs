//! Time limits in PostgreSQL, for whoever connects as the role of the database.

use sqlx::{Connection as _, PgConnection, PgPool};
use uuid::Uuid;

use crate::support::backbone::{Backbone, new_database};

/// The value of a setting in a new session that nobody has configured, as a pooler opens it.
async fn setting(url: &str, name: &str) -> String {
    let mut connection = PgConnection::connect(url).await.unwrap();
    let setting = sqlx::query_scalar("SELECT current_setting($1)").bind(name).fetch_one(&mut connection);
    setting.await.unwrap()
}

#[tokio::test]
async fn migrating_gives_every_session_of_the_role_time_limits() {
    let backbone = Backbone::new().await;
    for (name, value) in [
        ("statement_timeout", "5s"),
        ("lock_timeout", "4s"),
        ("idle_in_transaction_session_timeout", "10s"),
        ("client_connection_check_interval", "1s"),
        ("tcp_user_timeout", "10000"),
    ] {
        assert_eq!(setting(&backbone.database_url, name).await, value, "{name}");
    }
    assert!(backbone.store.has_time_limits().await.unwrap());
}

#[tokio::test]
async fn limits_that_an_operator_has_set_stay_and_a_session_sets_what_is_missing() {
    let url = new_database().await;
    let name = url.rsplit_once('/').unwrap().1;
    let mut connection = PgConnection::connect(&url).await.unwrap();
    let alter = format!("ALTER ROLE CURRENT_USER IN DATABASE {name} SET statement_timeout = '30s'");
    sqlx::query(&alter).execute(&mut connection).await.unwrap();
    let before = Backbone::on(url.clone()).await;
    let of_session: Vec<String> = sqlx::query_scalar(
        "SELECT current_setting(name) FROM unnest(ARRAY['statement_timeout', 'lock_timeout']) AS name",
    )
    .fetch_all(&before.pool)
    .await
    .unwrap();
    assert_eq!(of_session, ["30s", "4s"]);
    store::migrate(&url.as_str().into()).await.unwrap();
    assert_eq!(setting(&url, "statement_timeout").await, "30s");
    assert_eq!(setting(&url, "lock_timeout").await, "4s");
}

#[tokio::test]
async fn idempotency_keys_are_forgotten_after_a_week() {
    let backbone = Backbone::new().await;
    let remembered = async |pool: &PgPool| -> i64 {
        sqlx::query_scalar("SELECT count(*) FROM idempotency").fetch_one(pool).await.unwrap()
    };
    sqlx::query(
        "INSERT INTO idempotency (owner, key_hash, command_hash, version, events, created_at)
         SELECT $1, sha256(n::text::bytea), 'x', 1, '{}', clock_timestamp() - make_interval(days => n)
           FROM generate_series(0, 13) AS n",
    )
    .bind(Uuid::now_v7())
    .execute(&backbone.pool)
    .await
    .unwrap();
    assert!(!backbone.store.purge_idempotency_keys().await.unwrap());
    assert_eq!(remembered(&backbone.pool).await, 7);
}

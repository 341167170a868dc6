//! `colloquy migrate --plan`: what would run, and what it locks.

use crate::support::backbone::{connect, new_database};
use crate::support::product::configuration;
use crate::support::served::{MASTER_KEY, command, run};

async fn plan(config: &colloquy::config::Config) -> String {
    let mut plan = command(config, MASTER_KEY);
    plan.args(["migrate", "--plan"]);
    let output = run(plan).await;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The lines below a statement.
fn locks_of<'a>(plan: &'a str, statement: &str) -> Vec<&'a str> {
    let below = plan.lines().skip_while(|line| !line.contains(statement)).skip(1);
    below.take_while(|line| line.starts_with("    ")).map(str::trim).collect()
}

#[tokio::test]
async fn a_plan_names_each_statement_with_the_tables_that_it_locks_and_changes_nothing() {
    let database = new_database().await;
    let config = configuration(database.clone());
    let empty = plan(&config).await;
    assert!(empty.contains("0001_event_store (one transaction"), "{empty}");
    assert!(empty.contains("  CREATE TABLE events ( aggregate_type text NOT NULL"), "{empty}");
    assert!(empty.contains("Locks are not measured: the database has no tables yet"), "{empty}");
    store::migrate(&config.database_direct_url).await.unwrap();
    assert_eq!(plan(&config).await, "Nothing to apply.\n");

    // As a database of an earlier release.
    let pool = connect(&database, 1);
    let earlier = "DELETE FROM _sqlx_migrations WHERE version IN (11, 17)";
    sqlx::query(earlier).execute(&pool).await.unwrap();
    let planned = plan(&config).await;
    assert!(
        planned.find("0011_ledger_chain").unwrap() < planned.find("0017_outbox_owner").unwrap(),
        "{planned}"
    );
    let added = locks_of(&planned, "ALTER TABLE ledger ADD COLUMN previous_hash");
    assert_eq!(added.len(), 1, "{planned}");
    let said = "ledger: AccessExclusiveLock, blocks reads and writes; takes no longer for a larger table (";
    assert!(added[0].starts_with(said), "{planned}");
    let function = locks_of(&planned, "CREATE FUNCTION check_ledger_chain() RETURNS trigger");
    assert_eq!(function, ["locks no existing table"], "{planned}");
    let trigger = locks_of(&planned, "CREATE TRIGGER ledger_chain AFTER INSERT ON ledger");
    assert!(trigger[0].starts_with("ledger: ShareRowExclusiveLock, blocks writes; "), "{planned}");
    let left: i64 = sqlx::query_scalar("SELECT count(*) FROM _sqlx_migrations WHERE version IN (11, 17)")
        .fetch_one(&pool)
        .await
        .unwrap();
    let scratch: i64 =
        sqlx::query_scalar("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'colloquy migrate --plan' AND datname = $1")
            .bind(database.rsplit_once('/').unwrap().1)
            .fetch_one(&pool)
            .await
            .unwrap();
    assert_eq!((left, scratch), (0, 0));
}

//! This binary beside a newer schema, and beside an older one.

use sqlx::Executor as _;

use crate::support::backbone::{connect, new_database};
use crate::support::person::Person;
use crate::support::product::configuration;
use crate::support::served::{MASTER_KEY, Served, command, failing, run};
use crate::support::waiting::until;

/// Applies a migration as a newer release does.
pub(super) async fn apply_newer(database: &str, version: i64, description: &str, sql: &str) {
    let pool = connect(database, 1);
    (&pool).execute(sql).await.unwrap();
    sqlx::query(
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
         VALUES ($1, $2, true, '\\x00', 0)",
    )
    .bind(version)
    .bind(description)
    .execute(&pool)
    .await
    .unwrap();
}

#[tokio::test]
async fn a_process_starts_and_serves_beside_an_expansion_of_a_newer_release() {
    let database = new_database().await;
    let config = configuration(database.clone());
    store::migrate(&config.database_direct_url).await.unwrap();
    let sql =
        "ALTER TABLE events ADD COLUMN note text; ALTER TABLE messages ADD COLUMN note text DEFAULT 'none'";
    apply_newer(&database, 9_001, "expand notes of events", sql).await;
    let served = Served::start(&config).await;
    let (person, conversation) = (Person::of(&served.url).await, uuid::Uuid::now_v7());
    person.ask(conversation, "Who plays the ophicleide?").await;
    let messages = format!("/v1/conversations/{conversation}/messages");
    person.until_shown(&messages, |page| page["items"][0].to_string().contains("ophicleide")).await;
    let mut rebuild = command(&config, MASTER_KEY);
    rebuild.args(["rebuild", "--check"]);
    let output = run(rebuild).await;
    assert!(output.status.success(), "{output:?}");
}

/// Asks, and waits until the question and the row of its conversation are shown; so are the documents. Each
/// response counts.
async fn ask_and_read(person: &Person) {
    let conversation = uuid::Uuid::now_v7();
    person.ask(conversation, "Who plays the serpent?").await;
    for path in [
        format!("/v1/conversations/{conversation}/messages"),
        format!("/v1/conversations/{conversation}"),
        "/v1/conversations".to_owned(),
        "/v1/documents?sort=title".to_owned(),
        "/v1/documents".to_owned(),
        "/v1/search?q=serpent".to_owned(),
        "/v1/me".to_owned(),
    ] {
        let answered = person.get_once(&path).await;
        assert_eq!(answered.status, 200, "{path}: {answered:?}");
    }
}

#[tokio::test]
async fn no_request_fails_while_every_table_that_is_read_gets_a_column() {
    let database = new_database().await;
    let config = configuration(database.clone());
    let served = Served::start(&config).await;
    let person = Person::of(&served.url).await;
    let added = person.upload("serpent.md", b"# Serpent\n\nIt hisses.".to_vec(), &[]).await;
    assert_eq!(added.status, 202, "{added:?}");
    // Statements stay prepared from their second use on.
    for _ in 0..3 {
        ask_and_read(&person).await;
    }
    let expand = |table: &str| {
        format!(
            "ALTER TABLE {table} ADD COLUMN note text;
             DO $$ BEGIN IF to_regclass('my_{table}') IS NOT NULL
               THEN EXECUTE 'CREATE OR REPLACE VIEW my_{table} AS SELECT * FROM {table}'; END IF; END $$;"
        )
    };
    let tables = ["accounts", "conversations", "messages", "documents", "search_entries", "usage_days"]
        .into_iter()
        .chain(["quarantine", "dead_letters"]);
    let sql = tables.map(expand).collect::<Vec<_>>().join("\n");
    apply_newer(&database, 9_003, "expand notes of read models", &format!("BEGIN; {sql} COMMIT;")).await;
    for _ in 0..3 {
        ask_and_read(&person).await;
    }
}

#[tokio::test]
async fn every_command_refuses_a_schema_that_a_newer_release_has_changed_for_itself() {
    let database = new_database().await;
    let config = configuration(database.clone());
    store::migrate(&config.database_direct_url).await.unwrap();
    apply_newer(&database, 9_002, "contract after 9001 remove notes", "SELECT").await;
    for arguments in
        [&["serve"][..], &["serve", "--no-migrate"], &["migrate"], &["rebuild"], &["audit", "keys"]]
    {
        let mut refused = command(&config, MASTER_KEY);
        refused.args(arguments);
        let error = failing(refused).await;
        assert!(
            error.contains(
                "the database has migration 9002_contract_after_9001_remove_notes of a newer release, beside which this \
                 release does not work: use a release that contains migration 9001"
            ),
            "{arguments:?}: {error}"
        );
    }
}

#[tokio::test]
async fn a_process_waits_beside_an_older_schema_until_its_migrations_are_applied() {
    let database = new_database().await;
    let config = configuration(database.clone());
    let mut rebuild = command(&config, MASTER_KEY);
    rebuild.arg("rebuild");
    let error = failing(rebuild).await;
    assert!(error.contains("lacks migrations of this release (0001_event_store, "), "{error}");
    assert!(error.contains("`colloquy migrate`"), "{error}");
    let mut served = Served::begin_with(&config, &["--no-migrate"]);
    until("the log says what it waits for", async || {
        served
            .log()
            .contains("`colloquy migrate` of this release applies them; waiting for them")
            .then_some(())
    })
    .await;
    assert!(served.is_running(), "{}", served.log());
    store::migrate(&config.database_direct_url).await.unwrap();
    until("the process answers", async || reqwest::get(format!("{}/livez", served.url)).await.ok()).await;
}

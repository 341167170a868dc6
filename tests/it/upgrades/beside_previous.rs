//! This build beside that of an earlier commit, forward and back, under load.

use std::path::{Path, PathBuf};

use colloquy::config::Config;
use sqlx::{Executor as _, PgPool};
use uuid::Uuid;

use super::load::{Load, Rotation};
use super::schema::apply_newer;
use super::unknown_events::append_newer;
use crate::support::backbone::{connect, new_database};
use crate::support::person::Person;
use crate::support::product::configuration;
use crate::support::served::{MASTER_KEY, Served, command_of, run};
use crate::support::waiting::until;

const PEOPLE: usize = 4;

/// The programs of both releases.
struct Releases {
    previous: PathBuf,
    current: PathBuf,
}

/// Starts a process, and offers it once it is ready.
async fn start(program: &Path, config: &Config, rotation: &Rotation) -> Served {
    let served = Served::begin_program(program, config, &[]);
    until("the process is ready", async || {
        let ready = reqwest::get(format!("{}/readyz", served.url)).await.ok()?;
        ready.status().is_success().then_some(())
    })
    .await;
    rotation.add(&served.url);
    served
}

/// Replaces a process as a rolling update does.
async fn replace(mut served: Served, program: &Path, config: &Config, rotation: &Rotation) -> Served {
    rotation.remove(&served.url).await;
    served.terminate();
    until("the process has ended", || std::future::ready((!served.is_running()).then_some(()))).await;
    println!("warnings of {}:\n{}", served.url, warnings(&served));
    start(program, config, rotation).await
}

/// What a process complained of; shown where the test fails.
fn warnings(served: &Served) -> String {
    let log = served.log();
    let lines = log.lines().filter(|line| line.contains("WARN") || line.contains("ERROR"));
    lines.take(40).collect::<Vec<_>>().join("\n")
}

async fn count(pool: &PgPool, sql: &str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(pool).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the program of an earlier commit: `make test-release`"]
async fn no_request_fails_and_no_event_is_lost_while_releases_replace_each_other() {
    let previous =
        std::env::var("COLLOQUY_PREVIOUS").expect("COLLOQUY_PREVIOUS is the program of an earlier commit");
    let releases = Releases { previous: previous.into(), current: env!("CARGO_BIN_EXE_colloquy").into() };
    let database = new_database().await;
    let (config, pool) = (configuration(database.clone()), connect(&database, 2));
    let rotation = Rotation::default();
    let one = start(&releases.previous, &config, &rotation).await;
    let two = start(&releases.previous, &config, &rotation).await;
    let mut people = Vec::new();
    for _ in 0..PEOPLE {
        people.push(Person::of(&one.url).await);
    }
    let newer = (Person::of(&one.url).await, Uuid::now_v7());
    newer.0.ask(newer.1, "Who reads this?").await;
    let load = Load::start(people, &rotation);
    load.goes_on().await;

    // Forward. An expansion of an even newer release in between, and then an event of a type that none knows.
    let two = replace(two, &releases.current, &config, &rotation).await;
    load.goes_on().await;
    let expansion = include_str!("9000_expand_notes.sql");
    apply_newer(&database, 9_000, "expand notes", &format!("BEGIN; {expansion}; COMMIT")).await;
    load.goes_on().await;
    // Both releases have to quarantine it.
    let has_unknown_event = std::env::var("COLLOQUY_UNKNOWN_EVENT").is_ok_and(|value| value == "yes");
    if has_unknown_event {
        append_newer(&pool, newer.1, "QuestionPondered", "1").await;
    }
    load.goes_on().await;
    let one = replace(one, &releases.current, &config, &rotation).await;
    load.goes_on().await;

    // And back, on the newer schema.
    let two = replace(two, &releases.previous, &config, &rotation).await;
    load.goes_on().await;
    let one = replace(one, &releases.previous, &config, &rotation).await;
    load.goes_on().await;

    let (people, asked, failed) = load.stop().await;
    assert!(failed.is_empty(), "{} requests failed: {:#?}", failed.len(), &failed[..failed.len().min(5)]);
    for (person, conversation) in &asked {
        let person = people[*person].at_url(&one.url);
        let messages = format!("/v1/conversations/{conversation}/messages");
        person.until_shown(&messages, |page| page["items"][1]["status"] == "completed").await;
    }
    for process in [&one, &two].into_iter().filter(|_| has_unknown_event) {
        let pin = serde_json::json!({"type": "pin"});
        let refused = newer.0.at_url(&process.url).command(newer.1, &pin).await;
        assert_eq!(refused.body["type"], "urn:colloquy:problem:unreadable", "{refused:?}");
    }
    nothing_is_lost(&pool, asked.len()).await;
    drop((one, two));
    for program in [&releases.previous, &releases.current] {
        verifies(program, &config).await;
    }
    (&pool).execute("SELECT note FROM events LIMIT 1").await.unwrap();
}

async fn verifies(program: &Path, config: &Config) {
    let mut verify = command_of(program, config, MASTER_KEY);
    verify.args(["audit", "verify", "--database"]);
    let verified = run(verify).await;
    assert!(verified.status.success(), "{verified:?}");
}

/// Each accepted question is an event, has one end, and each event has its position.
async fn nothing_is_lost(pool: &PgPool, asked: usize) {
    let questions = count(pool, "SELECT count(*) FROM events WHERE event_type = 'QuestionAsked'").await;
    // One of them is that of the conversation with the unknown event.
    assert_eq!(questions, i64::try_from(asked).unwrap() + 1);
    let ends = "SELECT count(*) FROM (SELECT 1 FROM events
                 WHERE event_type IN ('AnswerCompleted', 'AnswerStopped', 'AnswerFailed')
                 GROUP BY payload->>'answer_id' HAVING count(*) > 1) AS twice";
    assert_eq!(count(pool, ends).await, 0);
    until("each event has its position", async || {
        let without =
            "SELECT count(*) FROM events e LEFT JOIN ledger l USING (aggregate_type, aggregate_id, sequence)
                        WHERE l.position IS NULL";
        (count(pool, without).await == 0).then_some(())
    })
    .await;
    assert_eq!(count(pool, "SELECT max(position) - count(*) FROM ledger").await, 0);
}

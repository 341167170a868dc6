//! `colloquy config check` over the services of the run, and where there are none.

use serde_json::Value;
use sqlx::Connection as _;

use crate::support::backbone::new_database;
use crate::support::product::configuration;
use crate::support::served::{MASTER_KEY, command, run};
use crate::support::service;

/// A password that no text may show.
const CANARY: &str = "c4n4ry";

/// The outcome of each attempt by name, and the exit code.
async fn attempts(mut command: std::process::Command) -> (Vec<(String, bool, String)>, i32) {
    command.args(["config", "check", "--json"]);
    let output = run(command).await;
    let printed = String::from_utf8(output.stdout).unwrap();
    assert!(!printed.contains(CANARY) && !printed.contains(MASTER_KEY), "{printed}");
    let printed: Value = serde_json::from_str(&printed)
        .unwrap_or_else(|_| panic!("{printed}{}", String::from_utf8_lossy(&output.stderr)));
    let attempts = printed["connections"].as_array().unwrap().iter().map(|attempt| {
        let text = |field: &str| attempt[field].as_str().unwrap().to_owned();
        (text("name"), attempt["ok"].as_bool().unwrap(), text("message"))
    });
    (attempts.collect(), output.status.code().unwrap())
}

#[tokio::test]
async fn every_connection_of_a_right_configuration_works() {
    let config = configuration(new_database().await);
    let (before, code) = attempts(command(&config, MASTER_KEY)).await;
    assert_eq!(code, 0, "{before:?}");
    assert!(before[0].2.contains("0 migrations; `colloquy migrate` or `serve` applies 0001"), "{before:?}");
    store::migrate(&config.database_direct_url).await.unwrap();
    let (after, code) = attempts(command(&config, MASTER_KEY)).await;
    assert_eq!(code, 0, "{after:?}");
    assert_eq!(after.len(), 10);
    assert!(after[0].2.ends_with(" migrations"), "{after:?}");
    assert!(after[4].2.contains("with JetStream"), "{after:?}");
}

#[tokio::test]
async fn every_connection_that_does_not_work_is_one_line_with_its_reason() {
    let config = configuration(new_database().await);
    let broken = || {
        let mut command = command(&config, MASTER_KEY);
        for (name, value) in [
            ("DATABASE_URL", format!("postgres://ann:{CANARY}@127.0.0.1:1/none")),
            ("AUTH_DATABASE_URL", format!("postgres://ann:{CANARY}@127.0.0.1:1/none")),
            ("NATS_URL", format!("nats://ann:{CANARY}@127.0.0.1:1")),
            ("QDRANT_URL", "http://127.0.0.1:1".to_owned()),
            ("AUTH_URL", format!("http://ann:{CANARY}@127.0.0.1:1")),
            ("MODEL_URL", "http://127.0.0.1:1/v1".to_owned()),
            ("MODEL_NAME", "none".to_owned()),
            ("EMBEDDING_URL", "http://127.0.0.1:1/v1".to_owned()),
            ("EMBEDDING_NAME", "none".to_owned()),
            ("FILES_URL", "file:///proc/none".to_owned()),
        ] {
            command.env(name, value);
        }
        command
    };
    let (attempts, code) = attempts(broken()).await;
    assert_eq!(code, 1);
    for (name, ok, message) in attempts {
        assert!(!ok && !message.is_empty() && !message.contains('\n'), "{name}: {message}");
    }
    let mut text = broken();
    text.args(["config", "check"]);
    let printed = String::from_utf8(run(text).await.stdout).unwrap();
    assert!(!printed.contains(CANARY), "{printed}");
    let failed = printed.lines().find(|line| line.starts_with("failed  NATS ")).unwrap();
    assert!(failed.ends_with("(NATS_URL)"), "{failed}");
    assert!(printed.contains("AUTH_URL "), "{printed}");
    assert!(printed.contains("http://********@127.0.0.1:1  (environment)"), "{printed}");
}

#[tokio::test]
async fn a_role_without_rights_and_another_master_key_are_named() {
    let database = new_database().await;
    let mut config = configuration(database.clone());
    store::migrate(&config.database_direct_url).await.unwrap();
    let role = format!("r_{}", uuid::Uuid::now_v7().simple());
    let mut connection = sqlx::PgConnection::connect(&database).await.unwrap();
    let create = format!("CREATE ROLE {role} LOGIN PASSWORD '{CANARY}'");
    sqlx::query(&create).execute(&mut connection).await.unwrap();
    let user = uuid::Uuid::now_v7();
    let key =
        "INSERT INTO keys (kind, id, owner, wrapped_by, wrapped) VALUES ('user', $1, $1, 'another', '\\x00')";
    sqlx::query(key).bind(user).execute(&mut connection).await.unwrap();
    let (_, server) = database.rsplit_once('@').unwrap_or_else(|| database.split_once("://").unwrap());
    config.app.database_url = format!("postgres://{role}:{CANARY}@{server}").into();
    let mut limited = command(&config, MASTER_KEY);
    limited.env("DATABASE_DIRECT_URL", &database);
    let (attempts, code) = attempts(limited).await;
    assert_eq!(code, 1);
    assert!(!attempts[0].1 && attempts[0].2.contains(&role), "{attempts:?}");
    assert!(attempts[1].1, "{attempts:?}");
    let mut other = command(&configuration(database.clone()), MASTER_KEY);
    other.env("AUTH_SCHEMA", "elsewhere").env("NATS_URL", service("COLLOQUY_TEST_NATS_URL"));
    let (attempts, _) = self::attempts(other).await;
    assert!(!attempts[2].1 && attempts[2].2.contains("master key another"), "{attempts:?}");
    assert!(!attempts[3].1 && attempts[3].2.contains("\"user\""), "{attempts:?}");
}

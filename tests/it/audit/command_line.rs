//! The command line as operators and auditors use it: processes, files and exit codes.

use secrecy::ExposeSecret as _;
use std::path::Path;
use std::process::Command;

use colloquy::config::Config;
use projections::ReadModel;
use serde_json::Value;
use sqlx::PgPool;
use uuid::Uuid;

use crate::support::backbone::new_database;
use crate::support::person::Person;
use crate::support::product::configuration;
use crate::support::served::{MASTER_KEY, Served, command, failing, run};

/// Standard output of a successful command.
async fn printed(config: &Config, arguments: &[&str]) -> String {
    let mut started = command(config, MASTER_KEY);
    started.args(arguments);
    succeeding(started).await
}

async fn succeeding(command: Command) -> String {
    let output = run(command).await;
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// The command line without any configuration.
fn verifying(export: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_colloquy"));
    command.env_clear().args(["audit", "verify"]).arg(export);
    command
}

/// A product, and a conversation with two questions and their answers in it.
async fn a_conversation() -> (Config, Served, Uuid) {
    let config = configuration(new_database().await);
    let served = Served::start(&config).await;
    let (person, conversation) = (Person::of(&served.url).await, Uuid::now_v7());
    for (text, count) in [("Who plays the dulcian?", 2), ("And who the racket?", 4)] {
        person.ask(conversation, text).await;
        let path = format!("/v1/conversations/{conversation}/messages");
        let answered = |page: &Value| {
            let items = page["items"].as_array().unwrap();
            items.len() == count && items.last().unwrap()["status"] == "completed"
        };
        person.until_shown(&path, answered).await;
    }
    (config, served, conversation)
}

#[tokio::test]
async fn an_export_is_verified_offline_and_the_position_of_a_change_is_named() {
    let (config, _served, _) = a_conversation().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("export.ndjson");
    printed(&config, &["audit", "export", "--out", file.to_str().unwrap()]).await;
    assert!(succeeding(verifying(&file)).await.contains("hash chain intact"));

    // The signer's key is changed; what was signed before verifies still, and by no other key.
    let before: Value = serde_json::from_str(&printed(&config, &["audit", "checkpoint"]).await).unwrap();
    printed(&config, &["audit", "rotate-key"]).await;
    let after: Value = serde_json::from_str(&printed(&config, &["audit", "checkpoint"]).await).unwrap();
    assert_ne!(before["key_id"], after["key_id"]);
    let keys = printed(&config, &["audit", "keys"]).await;
    assert!(keys.contains(before["key_id"].as_str().unwrap()), "{keys}");
    assert!(printed(&config, &["audit", "verify", "--database"]).await.contains("hash chain intact"));
    assert!(succeeding(verifying(&file)).await.contains(before["key_id"].as_str().unwrap()));

    let lines = std::fs::read_to_string(&file).unwrap();
    let third = lines.lines().nth(2).unwrap();
    std::fs::write(&file, lines.replace(third, &third.replacen("\"sequence\":", "\"sequence\": ", 1)))
        .unwrap();
    let told = failing(verifying(&file)).await;
    assert!(told.contains("position 3"), "{told}");
}

#[tokio::test]
async fn a_conversation_is_shown_as_of_a_position_and_compared_with_a_later_one() {
    let (config, _served, conversation) = a_conversation().await;
    let id = conversation.to_string();
    let shown = printed(&config, &["audit", "show", &id]).await;
    assert!(shown.contains("dulcian") && shown.contains("racket"), "{shown}");
    // The account and its conversation began at the first positions; the first question is among them.
    let earlier = printed(&config, &["audit", "show", &id, "--as-of", "4", "--json"]).await;
    let state: Value = serde_json::from_str(&earlier).unwrap();
    assert!(state.to_string().contains("dulcian") && !state.to_string().contains("racket"), "{state}");
    let changed = printed(&config, &["audit", "diff", &id, "4", "now"]).await;
    assert!(changed.contains("racket"), "{changed}");
}

#[tokio::test]
async fn a_rebuild_is_checked_row_by_row_and_a_row_that_differs_fails_it() {
    let (config, served, conversation) = a_conversation().await;
    drop(served);
    printed(&config, &["rebuild"]).await;
    let checked = printed(&config, &["rebuild", "--check"]).await;
    assert_eq!(checked.matches("equal, row by row").count(), ReadModel::ALL.len(), "{checked}");

    let pool = PgPool::connect(config.app.database_url.expose_secret()).await.unwrap();
    let change = sqlx::query("UPDATE conversations SET message_count = 40 WHERE id = $1").bind(conversation);
    change.execute(&pool).await.unwrap();
    let mut check = command(&config, MASTER_KEY);
    check.args(["rebuild", "--check"]);
    assert!(failing(check).await.contains("differ from the ledger"));
    printed(&config, &["rebuild", "conversations"]).await;
    printed(&config, &["rebuild", "--check"]).await;
}

//! Operations on the whole installation leave an event.

use serde_json::{Value, json};

use crate::support::backbone::new_database;
use crate::support::product::configuration;
use crate::support::served::{MASTER_KEY, command, run};

/// Another master key, as an operator writes it.
const ANOTHER: &str = "3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b";

#[tokio::test]
async fn rebuilds_restores_and_rotations_of_keys_are_events_of_the_system() {
    let config = configuration(new_database().await);
    store::migrate(&config.database_direct_url).await.unwrap();
    let colloquy = async |master_key: &str, arguments: &[&str], more: &[(&str, &str)]| {
        let mut command = command(&config, master_key);
        command.args(arguments).envs(more.iter().copied());
        command.env("EMBEDDING_MODEL_DIR", &config.knowledge.embedding.embedding_model_dir);
        command.env("ORT_DYLIB_PATH", &config.knowledge.embedding.ort_dylib_path);
        let output = run(command).await;
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    colloquy(MASTER_KEY, &["rebuild", "accounts"], &[]).await;
    colloquy(MASTER_KEY, &["restore"], &[]).await;
    colloquy(MASTER_KEY, &["audit", "rotate-key"], &[]).await;
    colloquy(ANOTHER, &["keys", "rotate-master"], &[("MASTER_KEY_PREVIOUS", MASTER_KEY)]).await;
    let pool =
        crate::support::backbone::connect(secrecy::ExposeSecret::expose_secret(&config.app.database_url), 1);
    let events: Vec<(Value, Value)> = sqlx::query_as(
        "SELECT payload, metadata FROM events WHERE aggregate_type = 'operation' ORDER BY recorded_at, event_id",
    )
    .fetch_all(&pool)
    .await
    .unwrap();
    let types: Vec<_> = events.iter().map(|(payload, _)| payload["type"].as_str().unwrap()).collect();
    assert_eq!(types, ["ReadModelRebuilt", "BackupRestored", "KeyRotated", "KeyRotated"]);
    assert_eq!(events[0].0["read_model"], json!("accounts"));
    assert_eq!(events[2].0["key"], json!("checkpoint_signing"));
    assert_eq!(events[3].0["key"], json!("master"));
    assert!(events.iter().all(|(_, metadata)| metadata["actor"] == json!("system")), "{events:?}");
}

//! `colloquy status`: the installation at a glance.

use colloquy::roles::Role;
use embedded::{DataDir, Nats, Parts, WithModel};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::backbone::new_database;
use crate::support::person::Person;
use crate::support::product::{Product, configuration};
use crate::support::served::{MASTER_KEY, command, run};
use crate::support::waiting::until;

async fn status(product: &Product, arguments: &[&str]) -> String {
    let mut asking = command(&product.config, MASTER_KEY);
    asking.arg("status").args(arguments);
    let output = run(asking).await;
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test]
async fn the_status_shows_processes_positions_and_what_needs_a_look() {
    let product = Product::with(&[Role::Api, Role::Sequencer, Role::Projector]).await;
    let person = Person::new(&product).await;
    person.ask(Uuid::now_v7(), "What does the lighthouse burn?").await;
    let seen = until("everything is level", async || {
        let seen: Value = serde_json::from_str(&status(&product, &["--json"]).await).unwrap();
        (seen["read_models"]["messages"]["lag_events"] == 0 && seen["engine"]["outbox_events"] == 0)
            .then_some(seen)
    })
    .await;
    assert_eq!(seen["processes"][0]["roles"], json!(["api", "sequencer", "projector"]), "{seen}");
    assert_eq!(seen["missing_roles"], json!(["worker"]), "{seen}");
    assert!(seen["engine"]["ledger_head"].as_u64().unwrap() >= 4, "{seen}");
    assert_eq!(seen["schema"]["pending"], json!([]), "{seen}");
    let reasons = seen["reasons"].to_string();
    assert!(reasons.contains("no process with the role worker answers"), "{reasons}");

    let text = status(&product, &[]).await;
    for part in [
        "Processes",
        "api,sequencer,projector",
        "ledger",
        "outbox",
        "last checkpoint",
        "messages",
        "erasures",
        "dead letters",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    product.end().await;
}

#[tokio::test]
async fn while_nats_stands_still_the_status_names_it_and_calls_no_role_missing() {
    let data = DataDir::temporary().unwrap();
    let parts = Parts::locate(WithModel::No).await.unwrap();
    let nats = Nats::start(&parts, &data).await.unwrap();
    let mut config = configuration(new_database().await);
    config.app.nats_url = nats.url().into();
    let product = Product::on(config, &[Role::Api, Role::Sequencer]).await;
    nats.pause();
    let seen: Value = serde_json::from_str(&status(&product, &["--json"]).await).unwrap();
    assert_eq!((&seen["processes"], &seen["missing_roles"]), (&Value::Null, &Value::Null), "{seen}");
    let reasons = seen["reasons"].to_string();
    for reason in ["JetStream does not answer", "NATS does not answer: nothing is known of the processes"] {
        assert!(reasons.contains(reason), "{reasons}");
    }
    assert!(seen["engine"]["ledger_head"].is_u64(), "{seen}");
    let text = status(&product, &[]).await;
    assert!(!text.contains("no process"), "{text}");
    nats.resume();
    product.end().await;
}

//! The operator's port: readiness by dependency and stage, the filter of the log, and the tasks.

use colloquy::roles::Role;
use embedded::{DataDir, Parts, Postgres, WithModel};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::backbone::{connect, new_database};
use crate::support::person::Person;
use crate::support::product::{Product, configuration};
use crate::support::served::Served;
use crate::support::waiting::until;

#[tokio::test]
async fn the_readiness_names_every_dependency_and_stage_of_the_roles() {
    let product = Product::with(&Role::ALL).await;
    let ready = until("everything is ok", async || {
        let (status, ready) = product.readiness().await;
        (status == 200 && ready["status"] == "ok").then_some(ready)
    })
    .await;
    let names = |of: &Value| of.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let all = ["accounts", "embedding_model", "files", "jetstream", "model", "nats", "postgres", "qdrant"];
    assert_eq!(names(&ready["dependencies"]), all);
    for stage in ["sequencer", "publisher", "projector", "worker", "deliveries", "indexer", "eraser", "live"]
    {
        assert_eq!(ready["stages"][stage]["status"], "ok", "{stage}: {ready}");
    }
    product.end().await;

    let projector = Product::with(&[Role::Projector]).await;
    let (status, ready) = projector.readiness().await;
    assert_eq!(status, 200, "{ready}");
    assert_eq!(names(&ready["dependencies"]), ["jetstream", "nats", "postgres"]);
    assert_eq!(ready["roles"], json!(["projector"]));
    projector.end().await;
}

#[tokio::test]
async fn a_model_and_an_index_that_are_away_leave_the_process_ready_and_are_named() {
    let mut config = configuration(new_database().await);
    let nowhere = format!("http://{}", embedded::free_port().unwrap());
    config.worker.model.model_url = Some(format!("{nowhere}/v1"));
    config.worker.model.model_name = Some("none".to_owned());
    config.api.auth_url.clone_from(&nowhere);
    config.knowledge.qdrant.qdrant_url = nowhere;
    let product = Product::on(config, &Role::ALL).await;
    let ready = until("the process is ready", async || {
        let (status, ready) = product.readiness().await;
        (status == 200).then_some(ready)
    })
    .await;
    assert_eq!(ready["status"], "degraded", "{ready}");
    for name in ["model", "qdrant", "accounts"] {
        let dependency = &ready["dependencies"][name];
        assert_eq!(dependency["status"], "degraded", "{name}: {ready}");
        assert!(dependency["reason"].as_str().is_some_and(|reason| !reason.is_empty()), "{name}: {ready}");
    }
    let answered = reqwest::get(format!("{}/readyz", product.url)).await.unwrap();
    assert_eq!(answered.json::<Value>().await.unwrap(), json!({"status": "ready"}));
    product.end().await;
}

#[tokio::test]
async fn a_database_that_reads_and_does_not_write_is_not_ok_until_it_does() {
    let (data, parts) = (DataDir::temporary().unwrap(), Parts::locate(WithModel::No).await.unwrap());
    let postgres = Postgres::start(&parts, &data).await.unwrap();
    let url = postgres.create_database("colloquy").await.unwrap();
    store::migrate(&url.as_str().into()).await.unwrap();
    let (product, projector) = (
        Product::on(configuration(url.clone()), &[Role::Api, Role::Sequencer]).await,
        Product::on(configuration(url.clone()), &[Role::Projector]).await,
    );
    let of = async |product: &Product, expected: &str, code: u16| {
        until("the readiness is right", async || {
            let (status, ready) = product.readiness().await;
            let postgres = ready["dependencies"]["postgres"].clone();
            (status == code && postgres["status"] == expected).then_some(postgres)
        })
        .await
    };
    of(&product, "ok", 200).await;
    let operator = connect(&postgres.superuser_url("colloquy"), 1);
    let set = async |change: &'static str| {
        for statement in ["SET default_transaction_read_only = off", change, "SELECT pg_reload_conf()"] {
            sqlx::query(statement).execute(&operator).await.unwrap();
        }
    };
    set("ALTER SYSTEM SET default_transaction_read_only = on").await;
    let seen = of(&product, "degraded", 200).await;
    assert!(seen["reason"].as_str().unwrap().contains("accepts no changes"), "{seen}");
    of(&projector, "unavailable", 503).await;
    set("ALTER SYSTEM RESET default_transaction_read_only").await;
    of(&product, "ok", 200).await;
    of(&projector, "ok", 200).await;
}

#[tokio::test]
async fn the_filter_of_the_log_changes_at_run_time() {
    let served = Served::start(&configuration(new_database().await)).await;
    let (log, client) = (format!("{}/log", served.admin), reqwest::Client::new());
    let read = async || client.get(&log).send().await.unwrap().text().await.unwrap();
    assert!(read().await.contains("info"), "{}", read().await);
    let refused = client.put(&log).body("=[").send().await.unwrap();
    assert_eq!(refused.status(), 400);
    let changed = client.put(&log).body("error").send().await.unwrap();
    assert_eq!(changed.status(), 200);
    assert_eq!(read().await, "error\n");
    let marker = Uuid::now_v7();
    client.put(&log).body("info").send().await.unwrap();
    client.get(format!("{}/v1/me?marker={marker}", served.url)).send().await.unwrap();
    until("the log has the request", async || served.log().contains("request served").then_some(())).await;
    assert!(!served.log().contains(&marker.to_string()), "{}", served.log());
    let tasks = client.get(format!("{}/tasks", served.admin)).send().await.unwrap();
    let tasks: Value = tasks.json().await.unwrap();
    let names: Vec<_> = tasks["tasks"].as_array().unwrap().iter().map(|task| task["name"].clone()).collect();
    for name in ["sequencer", "projector", "worker", "http"] {
        assert!(names.contains(&json!(name)), "{tasks}");
    }
}

#[tokio::test]
async fn the_public_port_shows_neither_metrics_nor_reasons() {
    let product = Product::start().await;
    let person = Person::new(&product).await;
    for path in ["/metrics", "/log", "/tasks"] {
        assert_eq!(person.get(path).await.status, 404, "{path}");
    }
    until("the process is ready", async || {
        let ready = person.get("/readyz").await.body;
        (ready == json!({"status": "ready"})).then_some(())
    })
    .await;
    product.end().await;
}

#[tokio::test]
async fn a_process_that_records_no_metrics_says_so_and_works() {
    let served = Served::start_with(&configuration(new_database().await), &[("METRICS", "off")]).await;
    let client = reqwest::Client::new();
    let metrics = client.get(format!("{}/metrics", served.admin)).send().await.unwrap();
    assert_eq!(metrics.status(), 404);
    assert!(metrics.text().await.unwrap().contains("METRICS is off"));
    until("the process is ready", async || {
        let ready = client.get(format!("{}/readyz", served.admin)).send().await.unwrap();
        (ready.status() == 200).then_some(())
    })
    .await;
}

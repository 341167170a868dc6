//! The metrics of a running product are those of the catalogue, and follow what happens.

use std::collections::BTreeSet;

use colloquy::roles::Role;
use measures::catalogue::{self, DOCUMENT_STATES};
use measures::{Kind, Values};
use projections::ReadModel;
use uuid::Uuid;

use crate::support::answering::answer_to;
use crate::support::person::Person;
use crate::support::product::Product;
use crate::support::waiting::until;

/// The value of a series, by its name with labels.
pub(super) fn value(metrics: &str, series: &str) -> Option<f64> {
    let line =
        metrics.lines().find(|line| line.strip_prefix(series).is_some_and(|rest| rest.starts_with(' ')))?;
    line.rsplit(' ').next()?.parse().ok()
}

async fn until_value(product: &Product, series: &str, is_right: impl Fn(f64) -> bool) {
    until(series, async || value(&product.metrics().await, series).filter(|value| is_right(*value))).await;
}

/// Names of metrics in a scrape.
fn scraped(metrics: &str) -> BTreeSet<&str> {
    metrics.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()).collect()
}

#[tokio::test]
async fn an_answer_is_seen_in_the_metrics_of_every_stage() {
    let product = Product::with(&Role::ALL).await;
    let person = Person::new(&product).await;
    let answer = answer_to(&person, "What does the lighthouse burn?").await;
    assert_eq!(answer["status"], "completed", "{answer}");
    let metrics = product.metrics().await;
    for (series, least) in [
        ("colloquy_answers_requested_total", 1.0),
        ("colloquy_answers_ended_total{outcome=\"completed\",attempt=\"1\"}", 1.0),
        ("colloquy_answer_first_delta_seconds_count", 1.0),
        ("colloquy_retrieval_seconds_count", 1.0),
        ("colloquy_batch_events_count{stage=\"sequencer\"}", 1.0),
        ("colloquy_batch_events_count{stage=\"publisher\"}", 1.0),
        ("colloquy_batch_events_count{stage=\"projector\"}", 1.0),
        ("colloquy_append_batch_commands_count", 1.0),
        ("colloquy_process_role{role=\"worker\"}", 1.0),
        ("colloquy_database_connections_limit{pool=\"api\"}", 8.0),
        ("colloquy_database_connections_limit{pool=\"keyring\"}", 4.0),
        ("colloquy_stage_ok{stage=\"projector\"}", 1.0),
    ] {
        assert!(value(&metrics, series).is_some_and(|value| value >= least), "{series}\n{metrics}");
    }
    let commands = "colloquy_http_request_duration_seconds_count{route=\"/v1/conversations/{id}/commands\",method=\"POST\",status=\"2xx\"}";
    assert_eq!(value(&metrics, commands), Some(1.0), "{metrics}");
    // Sampled values follow a moment later.
    for (series, least) in [
        ("colloquy_ledger_head", 5.0),
        ("colloquy_published_position", 5.0),
        ("colloquy_read_model_position{read_model=\"messages\"}", 5.0),
        ("colloquy_processes{role=\"sequencer\"}", 1.0),
    ] {
        until_value(&product, series, |value| value >= least).await;
    }
    until_value(&product, "colloquy_read_model_lag_seconds{read_model=\"messages\"}", |lag| lag == 0.0).await;
    product.end().await;
}

#[tokio::test]
async fn the_lag_of_a_missing_projector_grows_in_events_and_in_seconds() {
    let product = Product::with(&[Role::Api, Role::Sequencer]).await;
    let person = Person::new(&product).await;
    person.ask(Uuid::now_v7(), "Is anybody projecting?").await;
    until_value(&product, "colloquy_read_model_lag_events{read_model=\"messages\"}", |events| events >= 3.0)
        .await;
    until_value(&product, "colloquy_read_model_lag_seconds{read_model=\"messages\"}", |age| age > 1.0).await;
    assert_eq!(value(&product.metrics().await, "colloquy_processes{role=\"projector\"}"), Some(0.0));
    product.end().await;
}

#[tokio::test]
async fn a_scrape_has_every_metric_of_the_catalogue_and_no_other() {
    let product = Product::with(&Role::ALL).await;
    let person = Person::new(&product).await;
    person.get("/v1/me").await;
    until("every stage has reported", async || {
        value(&product.metrics().await, "colloquy_stage_ok{stage=\"worker\"}")
    })
    .await;
    product.readiness().await;
    let metrics = product.metrics().await;
    let known: BTreeSet<&str> = catalogue::ALL.iter().map(|metric| metric.name).collect();
    assert_eq!(scraped(&metrics), known);
    product.end().await;
}

#[test]
fn the_values_of_labels_are_those_of_the_program() {
    assert_eq!(catalogue::READ_MODELS, ReadModel::ALL.map(ReadModel::name));
    assert_eq!(catalogue::ROLES, Role::ALL.map(Role::name));
    for reason in aggregates::conversation::FailureReason::ALL {
        assert!(catalogue::ATTEMPT_FAILURES.contains(&reason.name()), "{reason:?}");
    }
    for kind in aggregates::operation::DeadLetterKind::ALL {
        let Values::Fixed(kinds) = catalogue::DEAD_LETTERS.0.labels[0].values else { panic!("not fixed") };
        assert!(kinds.contains(&kind.name()), "{kind:?}");
    }
    assert!(
        DOCUMENT_STATES.iter().all(|state| state.parse::<aggregates::document::DocumentStatus>().is_ok())
    );
    assert!(
        catalogue::ALL.iter().all(|metric| metric.kind != Kind::Counter || metric.name.ends_with("_total"))
    );
}

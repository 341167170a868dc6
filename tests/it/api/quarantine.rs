//! The view of readers and operators on conversations and documents that cannot be shown for now.

use std::time::{Duration, Instant};

use aggregates::AggregateType;
use colloquy::config::Config;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::erasing::{WITHOUT_WORKER, eraser, id_of, pool, request, with_a_question};
use crate::support::person::Person;
use crate::support::poison::Poison;
use crate::support::product::Product;
use crate::support::served::{MASTER_KEY, command, failing, run};
use crate::support::waiting::until;

const QUARANTINED: &str = "urn:colloquy:problem:quarantined";

/// Output of an operator's command.
async fn colloquy(config: &Config, arguments: &[&str]) -> String {
    let mut command = command(config, MASTER_KEY);
    command.args(arguments);
    let output = run(command).await;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Appends an event that cannot be applied, and waits until it was met. The reads of the owner wait for it.
async fn poison(product: &Product, person: &Person, id: Uuid, poison: Poison) {
    poison.append(&pool(product), id).await;
    // The sequencer looks at the next command.
    person.ask(Uuid::now_v7(), "Is anybody there?").await;
    person.until_shown("/v1/conversations", |page| page["items"][0].is_object()).await;
}

#[tokio::test]
async fn a_quarantined_conversation_is_a_clear_problem_on_every_route_and_everything_else_is_there() {
    let product = Product::with(&WITHOUT_WORKER).await;
    let (person, id) = with_a_question(&product).await;
    let (other, theirs) = with_a_question(&product).await;
    until_nothing_is_degraded(&product).await;
    poison(&product, &person, id, Poison::undecryptable()).await;

    let version = "?min_version=4";
    for path in [
        format!("/v1/conversations/{id}"),
        format!("/v1/conversations/{id}{version}"),
        format!("/v1/conversations/{id}/messages"),
        format!("/v1/conversations/{id}/messages{version}"),
        format!("/v1/conversations/{id}/stream"),
    ] {
        let began = Instant::now();
        let answered = person.get_once(&path).await;
        assert_eq!((answered.status, &answered.body["type"]), (503, &json!(QUARANTINED)), "{path}");
        assert!(answered.headers.contains_key("retry-after"), "{path}: {answered:?}");
        // The wait for a version is 2 s.
        assert!(began.elapsed() < Duration::from_secs(2), "{path}");
        if !path.ends_with(version) {
            assert_eq!(other.get_once(&path).await.status, 404, "{path}");
        }
    }
    let list = person.get("/v1/conversations").await.body;
    assert_eq!(list["items"].as_array().unwrap().len(), 1, "{list}");
    let found = person.get("/v1/search?q=sackbut").await.body;
    assert_eq!(found["items"], json!([]));
    assert_eq!(other.get(&format!("/v1/conversations/{theirs}/messages")).await.status, 200);

    let ready = until("the readiness counts it", async || {
        let (status, ready) = product.readiness().await;
        (status == 200 && ready["quarantined"] == json!(3)).then_some(ready)
    })
    .await;
    let reason = "1 aggregates are quarantined in the read model messages";
    assert!(ready["degraded"].as_array().unwrap().contains(&json!(reason)), "{ready}");
    assert_eq!(person.get("/readyz").await.body, json!({"status": "ready"}));
    let metrics = product.metrics().await;
    assert!(metrics.contains("colloquy_quarantined_aggregates{read_model=\"messages\"} 1\n"), "{metrics}");
    assert!(metrics.contains("colloquy_quarantined_aggregates{read_model=\"accounts\"} 0\n"), "{metrics}");

    let (status, archive) = person.download("/v1/me/export").await;
    assert_eq!(status, 200);
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(archive)).unwrap();
    let transcript = archive.by_name(&format!("conversations/{id}.json")).unwrap();
    let transcript: Value = serde_json::from_reader(transcript).unwrap();
    assert_eq!(transcript["incomplete"], json!(true));
    assert_eq!(transcript["messages"][0]["text"], "Who plays the sackbut?");

    operators_end_it(&product.config, id).await;
    let messages = format!("/v1/conversations/{id}/messages");
    let shown = person.until_shown(&messages, |page| page["items"][0].is_object()).await;
    assert_eq!(shown["items"][0]["text"], "Who plays the sackbut?");
    person.until_shown("/v1/conversations", |page| page["items"].as_array().unwrap().len() == 2).await;
    until_nothing_is_degraded(&product).await;
    product.end().await;
}

async fn until_nothing_is_degraded(product: &Product) {
    until("nothing is degraded", async || {
        let (_, ready) = product.readiness().await;
        (ready["degraded"] == json!([])).then_some(())
    })
    .await;
}

async fn operators_end_it(config: &Config, id: Uuid) {
    let listed = colloquy(config, &["quarantine", "list"]).await;
    assert_eq!(listed.lines().count(), 3, "{listed}");
    let line = listed.lines().find(|line| line.starts_with("messages ")).unwrap();
    assert!(line.starts_with(&format!("messages conversation {id} at position ")), "{line}");
    assert!(line.ends_with(": undecryptable (QuestionAsked)"), "{line}");
    let shown = colloquy(config, &["quarantine", "show", &id.to_string()]).await;
    assert!(shown.contains("\"attempts\": 1"), "{shown}");
    let mut retry = command(config, MASTER_KEY);
    retry.args(["quarantine", "retry", &id.to_string()]);
    let refused = failing(retry).await;
    assert!(refused.contains("3 quarantines remain"), "{refused}");
    let skipped = colloquy(config, &["quarantine", "skip", &id.to_string()]).await;
    assert_eq!(skipped.matches("the rows are built again").count(), 3, "{skipped}");
    assert_eq!(colloquy(config, &["quarantine", "list", "--json"]).await, "");
}

#[tokio::test]
async fn an_erasure_completes_and_ends_the_quarantine_of_its_owner() {
    let product = Product::with(&WITHOUT_WORKER).await;
    let (person, id) = with_a_question(&product).await;
    let owner = id_of(&person).await;
    let (other, theirs) = with_a_question(&product).await;
    poison(&product, &person, id, Poison::of_a_later_type(AggregateType::Conversation)).await;
    poison(&product, &other, theirs, Poison::of_a_later_version()).await;
    let pool = pool(&product);
    let of = async |owner: Uuid| -> i64 {
        let count = sqlx::query_scalar("SELECT count(*) FROM quarantine WHERE owner = $1");
        count.bind(owner).fetch_one(&pool).await.unwrap()
    };
    assert_eq!(of(owner.uuid()).await, 4);
    let receipt = request(&person).await;
    let eraser = eraser(&product.config).await;
    let erasing = tokio::spawn(eraser.run());
    other.until_shown(&receipt, |state| !state["finished_at"].is_null()).await;
    erasing.abort();
    assert_eq!(of(owner.uuid()).await, 0);
    until("the ends are recorded", async || {
        let ended = "SELECT count(*) FROM events
                      WHERE event_type = 'QuarantineEnded' AND payload ->> 'outcome' = 'erased'";
        let ended: i64 = sqlx::query_scalar(ended).fetch_one(&pool).await.ok()?;
        (ended == 4).then_some(())
    })
    .await;
    assert_eq!(of(id_of(&other).await.uuid()).await, 4, "another owner's stays");
    product.end().await;
}

#[tokio::test]
async fn a_quarantined_document_is_a_clear_problem_and_lists_leave_it_out() {
    let product = Product::with(&WITHOUT_WORKER).await;
    let person = Person::new(&product).await;
    let mut ids = vec![];
    for text in ["A bassoon has five keys.", "An oboe has more."] {
        let added = person.upload("a.md", text.into(), &[]).await;
        assert_eq!(added.status, 202, "{added:?}");
        ids.push(added.body["document_id"].as_str().unwrap().parse::<Uuid>().unwrap());
    }
    person.until_shown("/v1/documents", |page| page["items"].as_array().unwrap().len() == 2).await;
    poison(&product, &person, ids[0], Poison::of_a_later_type(AggregateType::Document)).await;
    for path in [format!("/v1/documents/{}", ids[0]), format!("/v1/documents/{}/passages/0", ids[0])] {
        let answered = person.get_once(&path).await;
        assert_eq!((answered.status, &answered.body["type"]), (503, &json!(QUARANTINED)), "{path}");
    }
    let listed = person.get("/v1/documents").await.body;
    assert_eq!((listed["items"].as_array().unwrap().len(), &listed["items"][0]["id"]), (1, &json!(ids[1])));
    let skipped = colloquy(&product.config, &["quarantine", "skip", &ids[0].to_string()]).await;
    assert_eq!(skipped.lines().count(), 1, "{skipped}");
    person.until_shown("/v1/documents", |page| page["items"].as_array().unwrap().len() == 2).await;
    product.end().await;
}

#[tokio::test]
async fn an_account_in_quarantine_has_the_time_of_its_first_request() {
    let product = Product::with(&WITHOUT_WORKER).await;
    let (person, _) = with_a_question(&product).await;
    let before = person.until_shown("/v1/me", |me| me["opened_at"].is_string()).await;
    let user = id_of(&person).await;
    poison(&product, &person, user.uuid(), Poison::of_a_later_type(AggregateType::Account)).await;
    until("the account is in quarantine", async || {
        let held = projections::quarantine::of_aggregate(&pool(&product), user.uuid()).await.ok()?;
        (!held.is_empty()).then_some(())
    })
    .await;
    assert_eq!(person.get("/v1/me").await.body, before);
    product.end().await;
}

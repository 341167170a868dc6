//! Files that are more than a parser can bear: rejected in words, while the service and its other
//! users go on.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use colloquy::config::Config;
use colloquy::knowledge::ingest;
use colloquy::process::App;
use colloquy::roles::Role;
use serde_json::Value;

use crate::support::backbone::new_database;
use crate::support::hostile::{
    crowded_docx, deep_html, inflating_pdf, laughing_pdf, nested_archives, nested_arrays_pdf, nested_lists,
    only_headings, self_drawing_pdf, slow_pdf,
};
use crate::support::person::Person;
use crate::support::product::{Product, configuration};
use crate::support::served::Served;
use crate::support::waiting::until;

/// A configuration that gives the reading of a file so much processor time.
async fn with_seconds(seconds: u32) -> Config {
    let mut config = configuration(new_database().await);
    config.knowledge.extraction.extraction_seconds = seconds;
    config
}

async fn added(person: &Person, name: &str, bytes: Vec<u8>) -> String {
    let answered = person.upload(name, bytes, &[]).await;
    assert_eq!(answered.status, 202, "{answered:?}");
    answered.body["document_id"].as_str().unwrap().to_owned()
}

async fn settled(person: &Person, id: &str) -> Value {
    person.until_shown(&format!("/v1/documents/{id}"), |row| row["status"] != "added").await
}

/// Hostile files with a word of the reason for which each is rejected.
fn hostile_files() -> [(&'static str, Vec<u8>, &'static str); 7] {
    [
        ("self.pdf", self_drawing_pdf(), "text"),
        ("arrays.pdf", nested_arrays_pdf(), "text"),
        ("laughing.pdf", laughing_pdf(), "memory"),
        ("layers.zip", nested_archives(200), "text"),
        ("inflating.pdf", inflating_pdf(), "memory"),
        ("headings.md", only_headings(), "memory"),
        ("crowded.docx", crowded_docx(), "20,000 files"),
    ]
}

#[tokio::test]
async fn each_hostile_file_is_rejected_in_words_within_the_memory_of_the_service() {
    let config = with_seconds(60).await;
    let mut served = Served::start(&config).await;
    let person = Person::of(&served.url).await;
    added(&person, "first.md", b"# Lamps\n\nA lamp before all hostile files.".to_vec()).await;
    for (name, bytes, word) in hostile_files() {
        let id = added(&person, name, bytes).await;
        let row = settled(&person, &id).await;
        assert_eq!(row["status"], "rejected", "{name}: {row}");
        assert!(row["reason"].as_str().unwrap().contains(word), "{name}: {row}");
    }
    let id = added(&person, "last.md", b"# Lamps\n\nA lamp after all hostile files.".to_vec()).await;
    assert_eq!(settled(&person, &id).await["status"], "indexed");
    assert!(served.is_running(), "{}", served.log());
    let peak = served.peak_memory_mib();
    assert!(peak < 450, "{peak} MiB");
}

#[tokio::test]
async fn a_file_that_takes_too_long_is_rejected_in_words() {
    let product = Product::on(with_seconds(2).await, &Role::ALL).await;
    let person = Person::new(&product).await;
    let id = added(&person, "slow.pdf", slow_pdf()).await;
    let row = settled(&person, &id).await;
    assert_eq!(row["status"], "rejected", "{row}");
    assert!(row["reason"].as_str().unwrap().contains("longer than the limit of 2 s"), "{row}");
}

#[tokio::test]
async fn deep_nesting_is_indexed_in_passing() {
    let product = Product::with(&Role::ALL).await;
    let person = Person::new(&product).await;
    for (name, bytes) in [("lists.md", nested_lists(120)), ("deep.html", deep_html())] {
        let id = added(&person, name, bytes).await;
        let row = settled(&person, &id).await;
        assert_eq!(row["status"], "indexed", "{name}: {row}");
    }
}

#[tokio::test]
async fn a_file_that_is_read_for_long_holds_up_no_other_owners_document() {
    let mut config = with_seconds(600).await;
    config.knowledge.extraction.indexing_concurrency = 2;
    let product = Product::on(config, &Role::ALL).await;
    let (hostile, other) = (Person::new(&product).await, Person::new(&product).await);
    let mut ids = Vec::new();
    for number in 0..3 {
        let mut bytes = slow_pdf();
        bytes.extend(format!("% {number}\n").bytes());
        ids.push(added(&hostile, "slow.pdf", bytes).await);
    }
    let id = added(&other, "note.md", b"# Barometers\n\nA barometer has a needle.".to_vec()).await;
    assert_eq!(settled(&other, &id).await["status"], "indexed");
    for id in ids {
        assert_eq!(hostile.get(&format!("/v1/documents/{id}")).await.body["status"], "added");
    }
}

#[tokio::test]
async fn a_large_file_that_is_read_for_long_holds_up_no_small_file_of_its_owner() {
    let mut config = with_seconds(600).await;
    config.knowledge.extraction.indexing_concurrency = 2;
    let product = Product::on(config, &Role::ALL).await;
    let person = Person::new(&product).await;
    let mut large = slow_pdf();
    large.extend(b"% nothing\n".repeat(60_000));
    let slow = added(&person, "slow.pdf", large).await;
    let id = added(&person, "note.md", b"# Barometers\n\nA barometer has a needle.".to_vec()).await;
    assert_eq!(settled(&person, &id).await["status"], "indexed");
    assert_eq!(person.get(&format!("/v1/documents/{slow}")).await.body["status"], "added");
}

#[tokio::test]
async fn the_reading_of_a_file_ends_when_its_document_is_removed() {
    let mut config = with_seconds(600).await;
    config.knowledge.extraction.indexing_concurrency = 1;
    let product = Product::on(config, &Role::ALL).await;
    let (person, other) = (Person::new(&product).await, Person::new(&product).await);
    let slow = added(&person, "slow.pdf", slow_pdf()).await;
    let id = added(&other, "note.md", b"# Barometers\n\nA barometer has a needle.".to_vec()).await;
    person.request("DELETE", &format!("/v1/documents/{slow}")).await;
    // The only place is free again.
    assert_eq!(settled(&other, &id).await["status"], "indexed");
}

#[tokio::test]
async fn the_service_ends_in_time_while_it_reads_a_file() {
    let config = with_seconds(600).await;
    let mut served = Served::start(&config).await;
    let person = Person::of(&served.url).await;
    let id = added(&person, "slow.pdf", slow_pdf()).await;
    let reading = until("the file is read", async || served.children().first().copied()).await;
    served.terminate();
    let asked = Instant::now();
    while served.is_running() {
        assert!(asked.elapsed() < Duration::from_secs(30), "{}", served.log());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    until("the file is no longer read", async || is_gone(reading).then_some(())).await;
    // The attempt that was cut off does not count against the file.
    let again = Served::start(&config).await;
    until("the file is read again", async || again.children().first().copied()).await;
    let row = person.at_url(&again.url).get(&format!("/v1/documents/{id}")).await;
    assert_eq!(row.body["status"], "added");
}

/// Whether a process has ended.
fn is_gone(id: u32) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
    status.is_empty() || status.contains("State:\tZ")
}

#[tokio::test]
async fn a_hostile_file_of_an_operator_is_rejected_and_an_administrator_can_remove_it() {
    let product = Product::with(&Role::ALL).await;
    let admin = Person::with_role(&product, "admin").await;
    let app = App::new(product.config.app.clone(), BTreeSet::new()).await.unwrap();
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join(uuid::Uuid::now_v7().to_string());
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("self.pdf"), self_drawing_pdf()).unwrap();
    std::fs::write(folder.join("arrays.pdf"), nested_arrays_pdf()).unwrap();
    let (store, wake) = (app.store(2).unwrap(), app.wake());
    let report = ingest::run(&product.config.knowledge, store, wake, &[folder]).await.unwrap();
    assert_eq!((report.indexed, report.rejected.len()), (0, 2), "{report:?}");
    assert!(report.rejected.iter().all(|file| file.reason.contains("text")), "{report:?}");

    let listed = "/v1/documents?scope=shared";
    let rejected = |page: &Value| page["items"].as_array().unwrap().len() == 2;
    let page = admin.until_shown(listed, rejected).await;
    for row in page["items"].as_array().unwrap() {
        let path = format!("/v1/documents/{}", row["id"].as_str().unwrap());
        assert_eq!(admin.request("DELETE", &path).await.status, 202);
    }
    admin.until_shown(listed, |page| page["items"].as_array().unwrap().is_empty()).await;
}

//! A backup is one consistent set, taken while the service works, and comes back elsewhere.

use std::collections::HashMap;
use std::io::{Cursor, Read as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use colloquy::config::Config;
use colloquy::roles::Role;
use secrecy::ExposeSecret as _;
use serde_json::Value;
use uuid::Uuid;

use crate::support::backbone::{connect, new_database};
use crate::support::backup_set::{BackupPlace, elsewhere};
use crate::support::person::Person;
use crate::support::product::{Product, configuration};

const ROLES: [Role; 3] = [Role::Api, Role::Sequencer, Role::Projector];

/// Asks, and adds, replaces and removes documents, until it is told to end.
async fn work(person: Person, ended: Arc<AtomicBool>) {
    let mut documents: Vec<String> = Vec::new();
    for number in 0_u32.. {
        if ended.load(Ordering::Relaxed) {
            return;
        }
        person.ask(Uuid::now_v7(), &format!("Question {number} of many?")).await;
        let text = format!("# Notes\n\nNumber {number}.").repeat(200);
        let replaced = documents.first().cloned().filter(|_| number % 3 == 1);
        let fields: Vec<(&str, &str)> = replaced.iter().map(|id| ("document_id", id.as_str())).collect();
        let added = person.upload("notes.md", text.into_bytes(), &fields).await;
        assert!(matches!(added.status, 200..=202), "{added:?}");
        if number % 5 == 4 {
            let id = documents.remove(0);
            assert!(person.request("DELETE", &format!("/v1/documents/{id}")).await.status < 300);
        }
        if replaced.is_none() {
            documents.push(added.body["document_id"].as_str().unwrap().to_owned());
        }
    }
}

fn files_of(archive: &[u8]) -> HashMap<String, Vec<u8>> {
    let mut archive = zip::ZipArchive::new(Cursor::new(archive)).unwrap();
    let mut files = HashMap::new();
    for number in 0..archive.len() {
        let mut file = archive.by_index(number).unwrap();
        let (name, mut bytes) = (file.name().unwrap().into_owned(), Vec::new());
        file.read_to_end(&mut bytes).unwrap();
        files.insert(name, bytes);
    }
    files
}

#[tokio::test]
async fn a_backup_of_a_working_service_is_whole_and_is_restored_elsewhere_with_every_text_and_file() {
    let product = Product::with(&Role::ALL).await;
    let config = product.config.clone();
    let (person, busy) = (Person::new(&product).await, Person::new(&product).await);
    let conversation = Uuid::now_v7();
    person.ask(conversation, "Where is the harbour?").await;
    let added = person.upload("harbour.md", b"# Harbour\n\nIt is in the east.".to_vec(), &[]).await;
    let document = format!("/v1/documents/{}", added.body["document_id"].as_str().unwrap());
    person.until_shown(&document, |row| row["status"] == "indexed").await;

    let ended = Arc::new(AtomicBool::new(false));
    let working = tokio::spawn(work(busy, Arc::clone(&ended)));
    let place = BackupPlace::new();
    place.run(&config, &["create"]).await;
    ended.store(true, Ordering::Relaxed);
    working.await.unwrap();
    let told = place.run(&config, &["verify"]).await;
    assert!(told.contains("is whole") && told.contains("hash chain intact"), "{told}");
    assert!(told.contains("equal, row by row"), "{told}");

    product.end().await;

    let mut restored = elsewhere(&config).await;
    restored.app.nats_prefix = format!("t{}", Uuid::now_v7().simple());
    place.run(&restored, &["restore"]).await;
    let product = Product::on(restored.clone(), &ROLES).await;
    let person = person.at(&product);
    let messages = format!("/v1/conversations/{conversation}/messages");
    person.until_shown(&messages, |page| page.to_string().contains("Where is the harbour?")).await;
    let (status, archive) = person.download("/v1/me/export").await;
    assert_eq!(status, 200);
    let files = files_of(&archive);
    assert!(files.values().any(|file| file == b"# Harbour\n\nIt is in the east."), "{:?}", files.keys());
    // The accounts are there, and the service goes on.
    let accounts = connect(restored.auth_database_url.expose_secret(), 1);
    let known: bool = sqlx::query_scalar("SELECT EXISTS (SELECT FROM auth.\"user\" WHERE email = $1)")
        .bind(person.email())
        .fetch_one(&accounts)
        .await
        .unwrap();
    assert!(known);
    person.ask(conversation, "And the lighthouse?").await;
    person.until_shown(&messages, |page| page.to_string().contains("And the lighthouse?")).await;
    product.end().await;
    let recorded = operations(&config).await;
    assert_eq!(
        recorded.iter().map(|event| &event["type"]).collect::<Vec<_>>(),
        ["BackupCreated", "BackupVerified"]
    );
    assert_eq!(recorded[1]["problems"], 0);
    assert_eq!(operations(&restored).await[0]["type"], "BackupRestored");
}

/// Events about the installation.
async fn operations(config: &Config) -> Vec<Value> {
    let pool = connect(config.app.database_url.expose_secret(), 1);
    sqlx::query_scalar("SELECT payload FROM events WHERE aggregate_type = 'operation' ORDER BY recorded_at")
        .fetch_all(&pool)
        .await
        .unwrap()
}

#[tokio::test]
async fn a_backup_is_restored_into_empty_places_only() {
    let config = configuration(new_database().await);
    let product = Product::on(config.clone(), &ROLES).await;
    let person = Person::new(&product).await;
    person.ask(Uuid::now_v7(), "Where is the harbour?").await;
    person.upload("harbour.md", b"# Harbour\n\nIt is in the east.".to_vec(), &[]).await;
    product.end().await;
    let place = BackupPlace::new();
    place.create(&config).await;

    let told = place.fail(&config, &["restore"]).await;
    assert!(told.contains("JetStream is in use"), "{told}");
    let told = place.fail(&config, &["restore", "--keep-existing"]).await;
    assert!(told.contains("the database is in use"), "{told}");
    let mut beside = elsewhere(&config).await;
    beside.app.nats_prefix = format!("t{}", Uuid::now_v7().simple());
    beside.knowledge.files = config.knowledge.files.clone();
    let told = place.fail(&beside, &["restore"]).await;
    assert!(told.contains("the file store is in use"), "{told}");
    let told = place.run(&beside, &["restore", "--keep-existing"]).await;
    assert!(told.contains("with 0 files"), "{told}");
}

//! Somebody takes along everything that is kept about them.

use std::collections::BTreeMap;
use std::io::{Cursor, Read as _};

use aws_lc_rs::digest::{SHA256, digest};
use colloquy::config::LimitsConfig;
use colloquy::knowledge::files::Files;
use colloquy::operations::personal_export::Exporter;
use colloquy::process::App;
use colloquy::roles::Role;
use serde_json::{Value, json};
use store::AccountsDatabase;
use uuid::Uuid;
use zip::ZipArchive;

use crate::support::backbone::new_database;
use crate::support::person::Person;
use crate::support::product::{Product, configuration};
use crate::support::waiting::until;

async fn files(person: &Person) -> BTreeMap<String, Vec<u8>> {
    let (status, bytes) = person.download("/v1/me/export").await;
    assert_eq!(status, 200);
    let mut archive = ZipArchive::new(Cursor::new(bytes)).unwrap();
    let mut files = BTreeMap::new();
    for index in 0..archive.len() {
        let mut file = archive.by_index(index).unwrap();
        let mut content = Vec::new();
        file.read_to_end(&mut content).unwrap();
        files.insert(file.name().unwrap().into_owned(), content);
    }
    files
}

fn json_of(files: &BTreeMap<String, Vec<u8>>, name: &str) -> Value {
    serde_json::from_slice(&files[name]).unwrap()
}

#[tokio::test]
async fn an_export_holds_everything_of_one_person_and_nothing_of_another() {
    let product = Product::start().await;
    let (person, other) = (Person::new(&product).await, Person::new(&product).await);
    let (conversation, theirs) = (Uuid::now_v7(), Uuid::now_v7());
    let first = person.ask(conversation, "What does the bassoonist read?").await;
    other.ask(theirs, "What does the piccolo player read?").await;
    let path = format!("/v1/conversations/{conversation}/messages");
    let shown =
        person.until_shown(&path, |body| body["items"].as_array().is_some_and(|m| m.len() == 2)).await;
    let answer = shown["items"][1]["id"].clone();
    for command in [
        json!({"type": "stop", "answer_id": answer}),
        json!({"type": "rate", "answer_id": answer, "rating": "down", "comment": "Too short a reed"}),
        json!({"type": "regenerate", "question_id": first, "answer_id": Uuid::now_v7()}),
        json!({"type": "rename", "title": "Double reeds"}),
        json!({"type": "tag", "tags": ["woodwind"]}),
    ] {
        let answered = person.command(conversation, &command).await;
        assert_eq!(answered.status, 202, "{answered:?}");
    }
    // The ledger holds it a moment later.
    person.until_shown("/v1/conversations", |body| body["items"][0]["version"] == 8).await;

    let files = files(&person).await;
    let transcript = json_of(&files, &format!("conversations/{conversation}.json"));
    assert_eq!(transcript["title"], "Double reeds");
    assert_eq!(transcript["tags"], json!(["woodwind"]));
    let messages = transcript["messages"].as_array().unwrap();
    assert_eq!(messages.len(), 3, "the question and both branches");
    assert_eq!(messages[0]["text"], "What does the bassoonist read?");
    assert_eq!(
        (&messages[1]["rating"], &messages[1]["comment"]),
        (&json!("down"), &json!("Too short a reed"))
    );
    let markdown = String::from_utf8(files[&format!("conversations/{conversation}.md")].clone()).unwrap();
    assert!(markdown.starts_with("# Double reeds\n"));
    assert!(markdown.contains("What does the bassoonist read?"));
    let account = json_of(&files, "account.json");
    assert!(account["account"]["user"]["email"].as_str().unwrap().ends_with("@example.org"));
    let events = String::from_utf8(files["events.ndjson"].clone()).unwrap();
    assert_eq!(events.lines().count(), 9, "the account's and the conversation's");
    assert!(files.contains_key("usage.json"));
    for content in files.values() {
        let text = String::from_utf8_lossy(content);
        assert!(!text.contains("piccolo") && !text.contains(&theirs.to_string()));
        assert!(!text.contains(&person.session) && !text.contains("password"));
    }
}

#[tokio::test]
async fn the_manifest_of_an_export_names_every_file_with_its_hash() {
    let product = Product::start().await;
    let person = Person::new(&product).await;
    for number in 0..3 {
        person.ask(Uuid::now_v7(), &format!("Question {number}")).await;
    }
    person
        .until_shown("/v1/conversations", |body| body["items"].as_array().is_some_and(|i| i.len() == 3))
        .await;
    let files = files(&person).await;
    let manifest = json_of(&files, "manifest.json");
    let listed: BTreeMap<String, String> = manifest
        .as_array()
        .unwrap()
        .iter()
        .map(|file| (file["path"].as_str().unwrap().into(), file["sha256"].as_str().unwrap().into()))
        .collect();
    assert_eq!(listed.len() + 1, files.len());
    assert_eq!(listed.keys().filter(|name| name.starts_with("conversations/")).count(), 6);
    for (name, sha256) in listed {
        let hash = digest(&SHA256, &files[&name]);
        let hex: String = hash
            .as_ref()
            .iter()
            .flat_map(|byte| [byte >> 4, byte & 15])
            .map(|digit| char::from_digit(digit.into(), 16).unwrap())
            .collect();
        assert_eq!(hex, sha256, "{name}");
    }
}

#[tokio::test]
async fn an_export_contains_the_uploaded_files_unchanged() {
    let product = Product::with(&colloquy::roles::Role::ALL).await;
    let (person, other) = (Person::new(&product).await, Person::new(&product).await);
    let large: Vec<u8> = "A long tale of a bassoon. ".repeat(8_000).into_bytes();
    let mut ids = vec![];
    for (who, name, bytes) in [
        (&person, "Reeds: a story.md", b"# Reeds\n\nThey are cut by hand.".to_vec()),
        (&person, "gone.txt", b"This will be removed.".to_vec()),
        (&other, "secret.txt", b"The secret of the piccolo.".to_vec()),
        // Longer than one encrypted piece; the test does not wait for the indexing.
        (&person, "tale.txt", large.clone()),
    ] {
        let added = who.upload(name, bytes, &[]).await;
        let id = added.body["document_id"].as_str().unwrap().to_owned();
        who.until_shown(&format!("/v1/documents/{id}"), |row| {
            row["status"] == "indexed" || name == "tale.txt"
        })
        .await;
        ids.push(id);
    }
    person.request("DELETE", &format!("/v1/documents/{}", ids[1])).await;
    person.until_shown("/v1/documents", |page| page["items"].as_array().unwrap().len() == 2).await;

    let files = files(&person).await;
    let reeds = format!("documents/{}/Reeds_ a story.md", ids[0]);
    assert_eq!(files[&reeds], b"# Reeds\n\nThey are cut by hand.");
    assert_eq!(files[&format!("documents/{}/tale.txt", ids[3])], large);
    assert_eq!(files.keys().filter(|name| name.starts_with("documents/")).count(), 2, "{:?}", files.keys());
    let known = json_of(&files, "documents.json");
    assert_eq!(known.as_array().unwrap().len(), 2);
    let story = known.as_array().unwrap().iter().find(|document| document["id"] == ids[0].as_str()).unwrap();
    assert_eq!((&story["title"], &story["status"]), (&json!("Reeds: a story"), &json!("indexed")));
    let manifest = json_of(&files, "manifest.json");
    let listed = manifest.as_array().unwrap().iter().find(|file| file["path"] == reeds.as_str()).unwrap();
    assert_eq!(listed["document"]["id"], ids[0].as_str());
    assert_eq!(listed["document"]["media_type"], "text/markdown");
    assert_eq!(listed["sha256"], known[0]["sha256"], "the file is what was brought");
}

/// A history of so many questions of 30 KB of digits, which compress badly.
async fn long_history(person: &Person, questions: usize) {
    let conversation = Uuid::now_v7();
    for _ in 0..questions {
        let text: String = (0..900).map(|_| Uuid::new_v4().simple().to_string()).collect();
        person.ask(conversation, &text).await;
    }
}

#[tokio::test]
async fn a_second_export_of_the_same_person_is_refused_while_the_first_one_runs() {
    let mut config = configuration(new_database().await);
    config.api.limits = LimitsConfig { limit_exports: 1, ..LimitsConfig::default() };
    let product = Product::on(config, &[Role::Api, Role::Sequencer, Role::Projector]).await;
    let (person, other) = (Person::new(&product).await, Person::new(&product).await);
    long_history(&person, 150).await;
    other.ask(Uuid::now_v7(), "Does somebody else export?").await;
    let (status, unread) = person.begin("/v1/me/export").await;
    assert_eq!(status, 200);
    let refused = person.get("/v1/me/export").await;
    assert_eq!((refused.status, &refused.body["limit"]), (429, &json!("exports")));
    assert!(!files(&other).await.is_empty());
    drop(unread);
    until("the next export begins", async || (person.begin("/v1/me/export").await.0 == 200).then_some(()))
        .await;
}

#[tokio::test]
async fn an_export_that_is_ended_breaks_off_and_is_not_taken_for_a_whole_one() {
    let product = Product::start().await;
    let person = Person::new(&product).await;
    long_history(&person, 100).await;
    let user = person.get("/v1/me").await.body["id"].as_str().unwrap().parse().unwrap();
    let app = App::new(product.config.app.clone(), [].into()).await.unwrap();
    let exporter = Exporter {
        store: app.store(2).unwrap(),
        accounts: AccountsDatabase::connect(
            &product.config.auth_database_url,
            &product.config.auth_schema,
            1,
        )
        .unwrap(),
        files: Files::new(&product.config.knowledge.files).unwrap(),
    };
    let (end, ended) = tokio::sync::oneshot::channel::<()>();
    let ended = async move { ended.await.unwrap() };
    let (mut bytes, work) = exporter.prepare(user).await.unwrap().begin(ended);
    let work = tokio::spawn(work);
    assert!(bytes.recv().await.unwrap().is_ok());
    end.send(()).unwrap();
    work.await.unwrap();
    let mut rest = Vec::new();
    while let Some(chunk) = bytes.recv().await {
        rest.extend(chunk.unwrap_or_default());
    }
    assert!(ZipArchive::new(Cursor::new(rest)).is_err());
}

//! Uploads: bounded for each person, and without files that no document has.

use std::time::Duration;

use colloquy::config::LimitsConfig;
use colloquy::knowledge::files::Files;
use colloquy::roles::Role;
use colloquy::roles::file_sweep::FileSweep;
use secrecy::ExposeSecret as _;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use uuid::Uuid;

use crate::support::backbone::{Backbone, new_database};
use crate::support::person::Person;
use crate::support::product::{Product, configuration};
use crate::support::waiting::until;

const ROLES: [Role; 3] = [Role::Api, Role::Sequencer, Role::Projector];

/// The files of documents. Tombstones of erased users lie beside them.
fn files_of(product: &Product) -> Vec<String> {
    let folder = product.config.knowledge.files.files_url.strip_prefix("file://").unwrap();
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path().display().to_string();
            match entry.path() {
                tombstones if tombstones.ends_with("tombstones") => {}
                folder if folder.is_dir() => folders.push(path),
                _ => found.push(path),
            }
        }
    }
    found
}

#[tokio::test]
async fn documents_above_a_limit_are_refused_with_its_name() {
    for (limits, name) in [
        (LimitsConfig { limit_documents: 1, ..LimitsConfig::default() }, "documents"),
        (LimitsConfig { limit_document_bytes: 100, ..LimitsConfig::default() }, "document_bytes"),
        (LimitsConfig { limit_queued_documents: 1, ..LimitsConfig::default() }, "queued_documents"),
    ] {
        let mut config = configuration(new_database().await);
        config.api.limits = limits;
        let product = Product::on(config, &ROLES).await;
        let (person, other) = (Person::new(&product).await, Person::new(&product).await);
        let first = person.upload("a.txt", vec![b'a'; 60], &[]).await;
        assert_eq!(first.status, 202, "{first:?}");
        let path = format!("/v1/documents/{}", first.body["document_id"].as_str().unwrap());
        person.until_shown(&path, |_| true).await;
        let second = person.upload("b.txt", vec![b'b'; 60], &[]).await;
        assert_eq!((second.status, &second.body["limit"]), (429, &name.into()), "{second:?}");
        assert_eq!(other.upload("b.txt", vec![b'b'; 60], &[]).await.status, 202);
        until("the refused file is gone", async || (files_of(&product).len() == 4).then_some(())).await;
    }
}

#[tokio::test]
async fn an_upload_that_breaks_off_leaves_no_file() {
    let product = Product::with(&ROLES).await;
    let person = Person::new(&product).await;
    let mut connection = TcpStream::connect(product.url.strip_prefix("http://").unwrap()).await.unwrap();
    let head = format!(
        "POST /v1/documents HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {}\r\ncontent-length: 9000000\r\n\
         content-type: multipart/form-data; boundary=b\r\n\r\n--b\r\ncontent-disposition: form-data; \
         name=\"file\"; filename=\"a.txt\"\r\n\r\n",
        person.token
    );
    connection.write_all(head.as_bytes()).await.unwrap();
    connection.write_all(&vec![b'a'; 3_000_000]).await.unwrap();
    until("the upload has begun", async || (!files_of(&product).is_empty()).then_some(())).await;
    drop(connection);
    until("nothing is left", async || files_of(&product).is_empty().then_some(())).await;
}

#[tokio::test]
async fn the_file_of_a_refused_document_is_not_kept() {
    let product = Product::with(&ROLES).await;
    let person = Person::new(&product).await;
    let id = Uuid::now_v7().to_string();
    let fields = [("document_id", id.as_str())];
    assert_eq!(person.upload("a.txt", b"The first.".to_vec(), &fields).await.status, 202);
    assert_eq!(person.request("DELETE", &format!("/v1/documents/{id}")).await.status, 202);
    let before = files_of(&product);
    let refused = person.upload("a.txt", b"The second.".to_vec(), &fields).await;
    assert_eq!(refused.status, 409, "{refused:?}");
    until("the file is gone", async || (files_of(&product) == before).then_some(())).await;
}

#[tokio::test]
async fn the_sweep_deletes_files_that_no_document_needs() {
    let product = Product::with(&ROLES).await;
    let person = Person::new(&product).await;
    assert_eq!(person.upload("a.txt", b"A document.".to_vec(), &[]).await.status, 202);
    let files = Files::new(&product.config.knowledge.files).unwrap();
    let mut upload = files.begin(aggregates::UserId::new(Uuid::now_v7())).await.unwrap();
    upload.write(b"An upload whose process died.").await.unwrap();
    std::mem::forget(upload.finish().await.unwrap());
    assert_eq!(files_of(&product).len(), 3);
    let url = product.config.app.database_url.expose_secret().to_owned();
    let sweep = FileSweep { store: Backbone::on(url).await.store, files };
    assert_eq!(sweep.sweep(Duration::ZERO).await.unwrap(), 1);
    assert_eq!(files_of(&product).len(), 2);
}

#[tokio::test]
async fn the_file_of_an_earlier_version_is_deleted_when_the_next_one_is_indexed() {
    let product = Product::with(&Role::ALL).await;
    let person = Person::new(&product).await;
    let id = Uuid::now_v7().to_string();
    for content in ["The first.", "The second."] {
        let added = person.upload("a.txt", content.into(), &[("document_id", &id)]).await;
        assert_eq!(added.status, 202, "{added:?}");
    }
    // The file and its key.
    until("one version is left", async || (files_of(&product).len() == 2).then_some(())).await;
}

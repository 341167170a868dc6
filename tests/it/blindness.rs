//! What somebody wrote is found nowhere outside the process: not in Postgres' folder with its WAL, not in JetStream's, not in
//! any log.

use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use embedded::{DataDir, Nats, Parts, Postgres, WithModel};
use serde_json::json;
use uuid::Uuid;

use crate::support::person::Person;
use crate::support::service;
use crate::support::waiting::until;

/// A word nobody else writes, in the question and in the title.
const CANARY: &str = "quixotryzephyr";

struct Served(Child);

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn serve(postgres: &str, nats: &str, port: u16, log: File) -> Served {
    let child = Command::new(env!("CARGO_BIN_EXE_colloquy"))
        .arg("serve")
        .env("DATABASE_URL", postgres)
        .env("NATS_URL", nats)
        .env("MASTER_KEY", "2a".repeat(32))
        .env("AUTH_URL", service("COLLOQUY_TEST_AUTH_URL"))
        .env("QDRANT_URL", service("COLLOQUY_TEST_QDRANT_URL"))
        .env("LISTEN", format!("127.0.0.1:{port}"))
        .env("LOG", "debug,h2=info,hyper_util=info")
        .stdin(Stdio::null())
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .spawn()
        .unwrap();
    Served(child)
}

/// The files below a folder that hold a word, and how many were looked through.
fn files_with(folder: &Path, word: &str) -> (Vec<String>, usize) {
    let (mut found, mut files) = (Vec::new(), 0);
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if let Ok(bytes) = std::fs::read(&path) {
                files += 1;
                if bytes.windows(word.len()).any(|window| window.eq_ignore_ascii_case(word.as_bytes())) {
                    found.push(path.display().to_string());
                }
            }
        }
    }
    (found, files)
}

#[tokio::test]
async fn a_canary_word_is_found_in_no_file_of_postgres_jetstream_or_the_logs() {
    let data = DataDir::temporary().unwrap();
    let parts = Parts::locate(WithModel::No).await.unwrap();
    let (postgres, nats) = tokio::join!(Postgres::start(&parts, &data), Nats::start(&parts, &data));
    let (postgres, nats) = (postgres.unwrap(), nats.unwrap());
    let database = postgres.create_database("canary").await.unwrap();
    let port = embedded::free_port().unwrap().port();
    let log = File::create(data.logs().join("colloquy.log")).unwrap();
    let _served = serve(&database, &nats.url(), port, log);
    let url = format!("http://127.0.0.1:{port}");
    until("the product is ready", async || reqwest::get(format!("{url}/livez")).await.ok()).await;

    let person = Person::of(&url).await;
    let conversation = Uuid::now_v7();
    person.ask(conversation, &format!("What is a {CANARY}?")).await;
    person.command(conversation, &json!({"type": "rename", "title": format!("The {CANARY}")})).await;
    person.command(conversation, &json!({"type": "tag", "tags": [CANARY]})).await;
    let found =
        person.until_shown(&format!("/v1/search?q={CANARY}"), |page| page["items"][1].is_object()).await;
    assert!(found.to_string().contains(CANARY));
    person
        .until_shown(&format!("/v1/conversations/{conversation}"), |row| row["answering"] == json!(false))
        .await;
    postgres.stop().await.unwrap();
    nats.stop().await.unwrap();

    let (found, files) = files_with(data.path(), CANARY);
    assert!(files > 500, "only {files} files were looked through");
    assert_eq!(found, Vec::<String>::new());
}

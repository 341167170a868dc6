//! Texts of users exist outside the process as ciphertext only: not in Postgres' folder with its WAL, in
//! JetStream's or Qdrant's, among the files, or in a log; and no word list reverses what the index holds.
//! After an erasure no key opens the ciphertext.

use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use embedded::{Auth, AuthOptions, DataDir, Nats, Parts, Postgres, Qdrant, RateLimit, WithModel};
use serde_json::json;
use uuid::Uuid;

use crate::support::backbone::connect;
use crate::support::dictionary;
use crate::support::person::Person;
use crate::support::service;
use crate::support::waiting::until;

/// A unique word in the question and the title.
const CANARY: &str = "quixotryzephyr";
/// A word list that has the words of the canaries' document.
const WORDS: [&str; 4] = [CANARY, "wind", "quotes", "knights"];

struct Served(Child);

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A product of its own: every byte it keeps lies in one folder.
struct Alone {
    data: DataDir,
    postgres: Postgres,
    nats: Nats,
    qdrant: Qdrant,
    auth: Auth,
    served: Served,
    database: String,
    url: String,
}

impl Alone {
    async fn start() -> Self {
        let data = DataDir::temporary().unwrap();
        let parts = Parts::locate(WithModel::No).await.unwrap();
        let started = tokio::join!(
            Postgres::start(&parts, &data),
            Nats::start(&parts, &data),
            Qdrant::start(&parts, &data)
        );
        let (postgres, nats, qdrant) = (started.0.unwrap(), started.1.unwrap(), started.2.unwrap());
        let database = postgres.create_database("canary").await.unwrap();
        // The accounts lie there too, as they do where an operator says nothing else.
        let accounts = AuthOptions {
            database_url: database.clone(),
            public_url: service("COLLOQUY_TEST_PUBLIC_URL"),
            rate_limit: RateLimit::Off,
        };
        let auth = Auth::start(&accounts, &data).await.unwrap();
        let port = embedded::free_port().unwrap().port();
        let log = File::create(data.logs().join("colloquy.log")).unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_colloquy"))
            .arg("serve")
            .env("DATABASE_URL", &database)
            .env("NATS_URL", nats.url())
            .env("MASTER_KEY", "2a".repeat(32))
            .env("AUTH_URL", auth.url())
            .env("QDRANT_URL", qdrant.url())
            .env("FILES_URL", format!("file://{}", data.path().join("files").display()))
            .env("LISTEN", format!("127.0.0.1:{port}"))
            .env("LOG", "debug,h2=info,hyper_util=info")
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let url = format!("http://127.0.0.1:{port}");
        until("the product is ready", async || reqwest::get(format!("{url}/livez")).await.ok()).await;
        Self { data, postgres, nats, qdrant, auth, served: Served(child), database, url }
    }

    /// Somebody new with an account here.
    async fn user(&self) -> Person {
        Person::with_account_at(&self.auth.url(), &self.url).await
    }

    /// Ends everything, so that every byte is on disk.
    async fn stop(self) -> DataDir {
        drop(self.served);
        self.auth.stop().await.unwrap();
        self.postgres.stop().await.unwrap();
        self.nats.stop().await.unwrap();
        self.qdrant.stop().await.unwrap();
        self.data
    }
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
            } else if let Ok(mut bytes) = std::fs::read(&path) {
                files += 1;
                bytes.make_ascii_lowercase();
                if memchr::memmem::find(&bytes, word.as_bytes()).is_some() {
                    found.push(path.display().to_string());
                }
            }
        }
    }
    (found, files)
}

/// Somebody leaves the canary wherever words can be left.
async fn leave_canaries(product: &Alone) -> Person {
    let person = product.user().await;
    let bytes = format!("A {CANARY} is a wind that quotes knights.").into_bytes();
    let added = person.upload(&format!("{CANARY}.txt"), bytes, &[("title", CANARY)]).await;
    let document = format!("/v1/documents/{}", added.body["document_id"].as_str().unwrap());
    person.until_shown(&document, |row| row["status"] == json!("indexed")).await;
    let conversation = Uuid::now_v7();
    person.ask(conversation, &format!("What is a {CANARY}?")).await;
    person.command(conversation, &json!({"type": "rename", "title": format!("The {CANARY}")})).await;
    person.command(conversation, &json!({"type": "tag", "tags": [CANARY]})).await;
    let found =
        person.until_shown(&format!("/v1/search?q={CANARY}"), |page| page["items"][1].is_object()).await;
    assert!(found.to_string().contains(CANARY));
    let path = format!("/v1/conversations/{conversation}/messages");
    let answered = |page: &serde_json::Value| page["items"][1]["status"] == json!("completed");
    let page = person.until_shown(&path, answered).await;
    assert!(page["items"][1]["text"].to_string().contains("wind that quotes"), "{page}");
    person
}

/// A base backup of Postgres with the WAL it takes, as files.
async fn base_backup(product: &Alone) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let parts = Parts::locate(WithModel::No).await.unwrap();
    let program = parts.postgres_bin.join("pg_basebackup");
    let mut taken = Command::new(program);
    taken.args(["--checkpoint=fast", "--wal-method=stream", "--format=plain", "-d"]);
    taken.arg(product.postgres.superuser_url("postgres")).arg("-D").arg(folder.path());
    let taken = tokio::task::spawn_blocking(move || taken.output()).await.unwrap().unwrap();
    assert!(taken.status.success(), "{}", String::from_utf8_lossy(&taken.stderr));
    folder
}

/// The commands of the operating guide that remove the account service's rows from their pages.
const REWRITE_ACCOUNTS: &str =
    "VACUUM FULL auth.\"user\"; VACUUM FULL auth.session; VACUUM FULL auth.account;
    VACUUM FULL auth.verification";
/// And nothing in the write-ahead log from before.
const FORGET_WAL: &str =
    "ALTER SYSTEM SET wal_recycle = off; SELECT pg_reload_conf(); SELECT pg_switch_wal()";

/// Has Postgres do something, and bring its files up to date.
async fn checkpoint(product: &Alone, statements: &str) {
    let pool = connect(&product.postgres.superuser_url("canary"), 1);
    for statement in statements.split(';').chain(["CHECKPOINT"]).filter(|statement| !statement.is_empty()) {
        sqlx::query(statement).execute(&pool).await.unwrap();
    }
}

/// In the folder of a whole product: enough files to have looked, and none with the word.
fn assert_nowhere(data: &DataDir, word: &str) {
    let (found, files) = files_with(data.path(), word);
    assert!(files > 500, "only {files} files were looked through");
    assert_eq!(found, Vec::<String>::new(), "{word}");
}

#[tokio::test]
async fn a_canary_word_is_found_in_no_file_of_postgres_jetstream_qdrant_the_files_or_the_logs() {
    let product = Alone::start().await;
    leave_canaries(&product).await;
    let index = dictionary::client(&product.qdrant.url());
    let points = dictionary::points(&index, "passages", "scope", "user").await;
    assert!(!dictionary::term_ids(&points).is_empty(), "there is something to attack");
    assert_eq!(dictionary::revealed(&points, &WORDS), [].into());
    assert_nowhere(&product.stop().await, CANARY);
}

#[tokio::test]
async fn after_an_erasure_neither_words_nor_address_nor_any_key_to_them_are_left() {
    let product = Alone::start().await;
    let person = leave_canaries(&product).await;
    let email = person.email().to_owned();
    let receipt = person.request("DELETE", "/v1/me").await.body["receipt"].as_str().unwrap().to_owned();
    let path = format!("/v1/erasures/{receipt}");
    let other = product.user().await;
    other.until_shown(&path, |state| !state["finished_at"].is_null()).await;

    let pool = connect(&product.database, 1);
    let keys: i64 =
        sqlx::query_scalar("SELECT count(*) FROM keys WHERE wrapped IS NOT NULL AND kind <> 'user'")
            .fetch_one(&pool)
            .await
            .unwrap();
    assert_eq!(keys, 0);
    let index = dictionary::client(&product.qdrant.url());
    assert!(dictionary::points(&index, "passages", "scope", "user").await.is_empty());
    let known: i64 = sqlx::query_scalar("SELECT count(*) FROM auth.\"user\" WHERE email = $1")
        .bind(&email)
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(known, 0);
    let (found, files) = files_with(base_backup(&product).await.path(), CANARY);
    assert!(files > 500, "only {files} files of the base backup were looked through");
    assert_eq!(found, Vec::<String>::new());

    // The address is where the operators' guide says, and in no other place.
    checkpoint(&product, "").await;
    let left = files_with(product.data.path(), &email).0;
    let named = |path: &String| path.contains("/cluster/base/") || path.contains("/cluster/pg_wal/");
    assert!(left.iter().all(named), "{left:?}");
    checkpoint(&product, REWRITE_ACCOUNTS).await;
    let left = files_with(product.data.path(), &email).0;
    assert!(left.iter().all(|path| path.contains("/cluster/pg_wal/")), "after a rewrite: {left:?}");
    checkpoint(&product, FORGET_WAL).await;
    assert_eq!(files_with(product.data.path(), &email).0, Vec::<String>::new());
    let (found, _) = files_with(base_backup(&product).await.path(), &email);
    assert_eq!(found, Vec::<String>::new());

    let data = product.stop().await;
    assert_nowhere(&data, CANARY);
    assert_nowhere(&data, &email);
    let kept = |folder: &str| files_with(&data.path().join(folder), CANARY).1;
    assert_eq!(kept("files"), kept("files/tombstones"), "no file of theirs is left, sealed or not");
}

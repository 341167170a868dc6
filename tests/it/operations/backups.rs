//! A restored backup revives neither erased users nor texts under a destroyed master key.

use secrecy::ExposeSecret as _;
use std::collections::BTreeSet;

use colloquy::config::Config;
use colloquy::roles::Role;
use sealing::MasterKey;
use serde_json::Value;
use sqlx::PgPool;
use uuid::Uuid;

use crate::support::backbone::new_database;
use crate::support::backup::Backup;
use crate::support::files_url;
use crate::support::person::Person;
use crate::support::product::{Product, configuration};
use crate::support::served::{MASTER_KEY, Served, command, failing, run};

/// Another master key, as an operator writes it.
const ANOTHER: &str = "3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b";

fn messages_of(conversation: Uuid) -> String {
    format!("/v1/conversations/{conversation}/messages")
}

/// Somebody who asked, and was heard.
async fn user_with_a_question(url: &str, canary: &str) -> (Person, Uuid) {
    let (person, conversation) = (Person::of(url).await, Uuid::now_v7());
    person.ask(conversation, &format!("Who plays the {canary}?")).await;
    person
        .until_shown(&messages_of(conversation), |page| page["items"][0].to_string().contains(canary))
        .await;
    (person, conversation)
}

#[tokio::test]
async fn a_user_erased_after_a_dump_stays_erased_when_the_dump_is_restored() {
    let config = configuration(new_database().await);
    let served = Served::start(&config).await;
    let (person, conversation) = user_with_a_question(&served.url, "ophicleide").await;
    let (other, theirs) = user_with_a_question(&served.url, "bombardon").await;
    let backup = Backup::of(&config).await;
    let asked = person.request("DELETE", "/v1/me").await;
    let receipt = format!("/v1/erasures/{}", asked.body["receipt"].as_str().unwrap());
    other.until_shown(&receipt, |state| !state["finished_at"].is_null()).await;
    drop(served);

    let restored = backup.restored(&config).await;
    // Without the tombstones the texts are readable: the dump contains them.
    let mut forgetful = restored.clone();
    forgetful.app.nats_prefix = format!("t{}", Uuid::now_v7().simple());
    forgetful.knowledge.files.files_url = files_url();
    let product = Product::on(forgetful, &[Role::Api]).await;
    let shown = |page: &Value| page.to_string().contains("ophicleide");
    person.at(&product).until_shown(&messages_of(conversation), shown).await;
    product.end().await;

    let served = Served::begin(&restored);
    let (person, other) = (person.at_url(&served.url), other.at_url(&served.url));
    let watching = async {
        let (mut statuses, paths) =
            (BTreeSet::new(), [messages_of(conversation), "/v1/conversations".into()]);
        loop {
            for path in &paths {
                let Some(answered) = person.try_get(path).await else { continue };
                assert!(!answered.body.to_string().contains("ophicleide"), "{answered:?}");
                statuses.insert(answered.status);
            }
            let state = other.try_get(&receipt).await;
            let finished =
                state.is_some_and(|state| state.status == 200 && !state.body["finished_at"].is_null());
            // It may answer for the first time between these two requests, and be done by then.
            if finished && !statuses.is_empty() {
                return statuses;
            }
        }
    };
    let patience = std::time::Duration::from_secs(30);
    let statuses = tokio::time::timeout(patience, watching).await.expect("it is erased again");
    // Nobody is served until it is known who was erased, and the erased person is not served then.
    assert!(statuses.contains(&403) && statuses.is_subset(&BTreeSet::from([403, 503])), "{statuses:?}");
    let kept = other.get(&messages_of(theirs)).await;
    assert!(kept.body.to_string().contains("bombardon"), "{kept:?}");
}

/// The users' keys as they lie in a database.
async fn keys(config: &Config) -> Vec<(Uuid, Option<String>, Option<Vec<u8>>)> {
    let pool = PgPool::connect(config.app.database_url.expose_secret()).await.unwrap();
    let rows = sqlx::query_as("SELECT id, wrapped_by, wrapped FROM keys ORDER BY kind, id").fetch_all(&pool);
    rows.await.unwrap()
}

fn texts(page: &Value) -> String {
    page["items"].to_string()
}

#[tokio::test]
async fn a_dump_from_before_a_rotation_yields_no_word_to_the_new_master_key() {
    let config = configuration(new_database().await);
    let served = Served::start(&config).await;
    let (person, conversation) = user_with_a_question(&served.url, "serpent").await;
    let backup = Backup::of(&config).await;
    // Online: the service with the old key goes on while everything is wrapped by the new one.
    let mut rotate = command(&config, ANOTHER);
    rotate.env("MASTER_KEY_PREVIOUS", MASTER_KEY).args(["keys", "rotate-master"]);
    let rotated = run(rotate).await;
    assert!(rotated.status.success(), "{rotated:?}");
    assert!(texts(&person.get(&messages_of(conversation)).await.body).contains("serpent"));
    drop(served);
    let mut after = config.clone();
    after.app.master_key = MasterKey::parse(&ANOTHER.into()).unwrap();
    let product = Product::on(after, &[Role::Api]).await;
    assert!(texts(&person.at(&product).get(&messages_of(conversation)).await.body).contains("serpent"));
    product.end().await;

    let restored = backup.restored(&config).await;
    let before = keys(&restored).await;
    let mut serve = command(&restored, ANOTHER);
    serve.arg("serve");
    let told = failing(serve).await;
    assert!(told.contains("MASTER_KEY"), "{told}");
    let mut export = command(&restored, ANOTHER);
    export.args(["audit", "export"]);
    let exported = run(export).await;
    assert!(!String::from_utf8_lossy(&exported.stdout).contains("serpent"));
    // Even past the check at the start nothing is opened.
    let mut unchecked = restored.clone();
    unchecked.app.master_key = MasterKey::parse(&ANOTHER.into()).unwrap();
    let product = Product::on(unchecked, &[Role::Api]).await;
    for path in [messages_of(conversation), "/v1/conversations".into(), "/v1/search?q=serpent".into()] {
        let (status, body) = person.at(&product).text(&path, "application/json").await;
        assert!(!body.contains("serpent"), "{status} {body}");
    }
    product.end().await;
    assert_eq!(keys(&restored).await, before, "nothing is wrapped anew by itself");
}

#[tokio::test]
async fn without_the_right_master_key_nothing_starts_and_nothing_is_changed() {
    let config = configuration(new_database().await);
    let served = Served::start(&config).await;
    user_with_a_question(&served.url, "cornett").await;
    drop(served);
    let before = keys(&config).await;

    for (key, clue) in
        [(ANOTHER, "MASTER_KEY"), ("", "MASTER_KEY is not set"), ("2a2a", "MASTER_KEY is not valid")]
    {
        for arguments in [["serve"].as_slice(), &["keys", "rotate-master"], &["restore"]] {
            let mut started = command(&config, key);
            started.args(arguments);
            let told = failing(started).await;
            assert!(told.contains(clue), "{arguments:?} with {key:?}: {told}");
            assert!(key.is_empty() || !told.contains(key), "the key itself is told: {told}");
        }
    }
    let mut unreadable = command(&config, "");
    unreadable.env("MASTER_KEY_FILE", "/nowhere/master_key").arg("serve");
    assert!(failing(unreadable).await.contains("/nowhere/master_key"));
    assert_eq!(keys(&config).await, before);

    let served = Served::start(&config).await;
    assert!(!served.log().contains(MASTER_KEY));
}

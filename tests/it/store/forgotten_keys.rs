//! Every process forgets destroyed keys, hears it or not, and gives no key for a foreign owner.

use std::sync::Arc;

use aggregates::{ConversationId, UserId};
use colloquy::roles::{Role, key_watch};
use colloquy::runtime::key_hints::KeyHints;
use nats::Subjects;
use sealing::Subject;
use secrecy::ExposeSecret as _;
use store::{Database, Keyring, Store};
use tokio::task::JoinHandle;
use uuid::Uuid;

use crate::support::backbone::{Backbone, connect, conversation, master_key};
use crate::support::person::Person;
use crate::support::product::Product;
use crate::support::waiting::until;

/// Another process on the same database, with caches of its own.
fn beside(backbone: &Backbone) -> Store {
    let database = Database::connect(&backbone.database_url.as_str().into(), 4).unwrap();
    Store::new(database.clone(), Arc::new(Keyring::new(database, master_key())))
}

/// The watch of that process.
fn watch(store: &Store, backbone: &Backbone, subjects: &Subjects) -> JoinHandle<()> {
    tokio::spawn(key_watch::run(store.clone(), backbone.nats.clone(), subjects.clone()))
}

async fn asked(backbone: &Backbone) -> (UserId, ConversationId) {
    let (user, id) = (backbone.user().await, conversation());
    backbone.ask(user, id, "What is forgotten?").await;
    (user, id)
}

/// Has a process cache a key.
async fn cached(store: &Store, user: UserId, id: ConversationId) -> Subject {
    let subject = Subject::Conversation(id.uuid());
    assert!(store.keyring().content(user, subject).await.unwrap().is_some());
    assert!(store.keyring().known(user, subject).is_some());
    subject
}

async fn until_forgotten(store: &Store, user: UserId, subject: Subject) {
    until("the key is forgotten", async || store.keyring().known(user, subject).is_none().then_some(()))
        .await;
}

#[tokio::test]
async fn a_process_of_any_role_forgets_the_keys_of_an_erased_user_and_keeps_those_of_others() {
    let backbone = Backbone::new().await;
    let ((erased, theirs), (other, kept)) = (asked(&backbone).await, asked(&backbone).await);
    let process = beside(&backbone);
    let watching = watch(&process, &backbone, &backbone.subjects);
    let subject = cached(&process, erased, theirs).await;
    let others = cached(&process, other, kept).await;
    backbone.store.destroy_keys(erased).await.unwrap();
    KeyHints::new(backbone.nats.clone(), &backbone.subjects).notify().await;
    until_forgotten(&process, erased, subject).await;
    assert!(process.keyring().known(other, others).is_some());
    assert!(process.keyring().content(erased, subject).await.unwrap().is_none());
    assert!(process.keyring().user(erased).await.unwrap().is_none());
    watching.abort();
}

#[tokio::test]
async fn a_process_that_hears_no_hint_forgets_destroyed_keys_all_the_same() {
    let backbone = Backbone::new().await;
    let (erased, theirs) = asked(&backbone).await;
    let process = beside(&backbone);
    let deaf = Subjects::new(&format!("t{}", Uuid::now_v7().simple()));
    let watching = watch(&process, &backbone, &deaf);
    let subject = cached(&process, erased, theirs).await;
    backbone.store.destroy_keys(erased).await.unwrap();
    until_forgotten(&process, erased, subject).await;
    watching.abort();
}

#[tokio::test]
async fn a_key_is_not_given_for_an_owner_to_whom_it_does_not_belong() {
    let backbone = Backbone::new().await;
    let ((victim, theirs), (stranger, _)) = (asked(&backbone).await, asked(&backbone).await);
    // A process that has the key cached, and one that has not.
    for process in [backbone.store.clone(), beside(&backbone)] {
        let subject = Subject::Conversation(theirs.uuid());
        let keys = process.keyring().content_keys(&[(stranger, subject), (victim, subject)]).await.unwrap();
        assert!(keys.contains_key(&(victim, subject)) && !keys.contains_key(&(stranger, subject)));
        assert!(process.keyring().content(stranger, subject).await.unwrap().is_none());
    }
}

#[tokio::test]
async fn the_key_of_a_removed_document_is_destroyed_with_its_passages() {
    let product = Product::with(&Role::ALL).await;
    let person = Person::new(&product).await;
    let added = person.upload("a.txt", b"A rackett has a double reed.".to_vec(), &[]).await;
    let id = added.body["document_id"].as_str().unwrap().to_owned();
    let path = format!("/v1/documents/{id}");
    person.until_shown(&path, |row| row["status"] == "indexed").await;
    assert_eq!(person.request("DELETE", &path).await.status, 202);
    let pool = connect(product.config.app.database_url.expose_secret(), 1);
    until("the key is destroyed", async || {
        let destroyed: bool =
            sqlx::query_scalar("SELECT wrapped IS NULL FROM keys WHERE id = $1::text::uuid")
                .bind(&id)
                .fetch_one(&pool)
                .await
                .unwrap();
        destroyed.then_some(())
    })
    .await;
    product.end().await;
}

//! The master key: rotated while everything goes on, and never mistaken for another.

use std::sync::Arc;

use sealing::{MasterKey, Subject};
use store::{Database, Keyring, MasterKeyError};

use crate::support::backbone::{Backbone, conversation, master_key};

fn another() -> MasterKey {
    MasterKey::parse(&"3b".repeat(32).into()).unwrap()
}

fn keyring(backbone: &Backbone, master: MasterKey, previous: Option<MasterKey>) -> Arc<Keyring> {
    let database = Database::connect(&backbone.database_url.as_str().into(), 2).unwrap();
    Arc::new(Keyring::new(database, master).with_previous(previous))
}

#[tokio::test]
async fn a_rotation_leaves_every_text_readable_by_the_new_master_key_alone() {
    let backbone = Backbone::new().await;
    let mut asked = vec![];
    for _ in 0..3 {
        let (user, id) = (backbone.user().await, conversation());
        backbone.ask(user, id, "What is rotated?").await;
        asked.push((user, Subject::Conversation(id.uuid())));
    }
    let rotating = keyring(&backbone, another(), Some(master_key()));
    rotating.check_master_key().await.unwrap();
    // Both master keys are valid until all user keys are wrapped with the new one.
    assert!(rotating.content(asked[0].0, asked[0].1).await.unwrap().is_some());
    assert_eq!(rotating.rotate_master_key(|_| {}).await.unwrap(), 3);
    assert_eq!(rotating.rotate_master_key(|_| {}).await.unwrap(), 0);

    let after = keyring(&backbone, another(), None);
    after.check_master_key().await.unwrap();
    for (user, subject) in &asked {
        assert!(after.content(*user, *subject).await.unwrap().is_some());
    }
    let before = keyring(&backbone, master_key(), None);
    assert!(matches!(before.check_master_key().await, Err(MasterKeyError::Wrong { .. })));
    assert!(before.content(asked[0].0, asked[0].1).await.is_err(), "the old key opens nothing any more");
}

#[tokio::test]
async fn a_backup_from_before_a_rotation_yields_nothing_to_the_new_master_key() {
    let backbone = Backbone::new().await;
    let (user, id) = (backbone.user().await, conversation());
    backbone.ask(user, id, "What is in the backup?").await;
    // The database as it is now, unrotated, is what a backup holds.
    let stranger = keyring(&backbone, another(), None);
    assert!(stranger.content(user, Subject::Conversation(id.uuid())).await.is_err());
    let told = stranger.check_master_key().await.unwrap_err().to_string();
    assert!(told.contains(master_key().id()) && told.contains("MASTER_KEY"), "{told}");
    assert!(matches!(stranger.rotate_master_key(|_| {}).await, Err(MasterKeyError::Wrong { .. })));
    keyring(&backbone, master_key(), None).check_master_key().await.unwrap();
}

#[tokio::test]
async fn an_empty_database_takes_any_master_key() {
    let backbone = Backbone::new().await;
    keyring(&backbone, another(), None).check_master_key().await.unwrap();
}

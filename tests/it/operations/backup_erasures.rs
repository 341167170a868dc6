//! A restored backup does not bring back somebody who was erased since, whichever place still knows it.

use colloquy::config::Config;
use colloquy::roles::Role;
use secrecy::ExposeSecret as _;
use uuid::Uuid;

use crate::support::backbone::connect;
use crate::support::backup_set::{BackupPlace, elsewhere};
use crate::support::erasing::{id_of, request};
use crate::support::person::Person;
use crate::support::product::Product;
use crate::support::waiting::until;

/// A backup from before one of two people was erased, and one from after.
struct TwoBackups {
    place: BackupPlace,
    config: Config,
    older: String,
    erased: (Person, Uuid),
    other: (Person, Uuid),
    id: Uuid,
}

fn messages_of(conversation: Uuid) -> String {
    format!("/v1/conversations/{conversation}/messages")
}

async fn user_with_a_question(product: &Product, canary: &str) -> (Person, Uuid) {
    let (person, conversation) = (Person::new(product).await, Uuid::now_v7());
    person.ask(conversation, &format!("Who plays the {canary}?")).await;
    person
        .until_shown(&messages_of(conversation), |page| page["items"][0].to_string().contains(canary))
        .await;
    person.upload("scores.md", format!("# Scores\n\nFor the {canary}.").into_bytes(), &[]).await;
    (person, conversation)
}

impl TwoBackups {
    async fn new() -> Self {
        let product = Product::with(&Role::ALL).await;
        let config = product.config.clone();
        let erased = user_with_a_question(&product, "ophicleide").await;
        let other = user_with_a_question(&product, "bombardon").await;
        let id = id_of(&erased.0).await.uuid();
        let place = BackupPlace::new();
        let older = place.create(&config).await;
        let receipt = request(&erased.0).await;
        other.0.until_shown(&receipt, |state| !state["finished_at"].is_null()).await;
        product.end().await;
        Self { place, config, older, erased, other, id }
    }

    /// Restores the older backup, and shows that nothing of the erased person comes with it.
    async fn restore(&self, target: &Config, arguments: &[&str]) {
        let restore = [&["restore", "--backup-id", &self.older], arguments].concat();
        let told = self.place.run(target, &restore).await;
        assert!(told.contains("1 users are known as erased"), "{told}");
        let pool = connect(target.app.database_url.expose_secret(), 1);
        let left: (i64, i64) = sqlx::query_as(
            "SELECT (SELECT count(*) FROM keys WHERE owner = $1 AND wrapped IS NOT NULL),
                    (SELECT count(*) FROM auth.\"user\" WHERE id::text = $1::text)",
        )
        .bind(self.id)
        .fetch_one(&pool)
        .await
        .unwrap();
        assert_eq!(left, (0, 0), "before the service starts");
        let roles = [Role::Api, Role::Sequencer, Role::Projector];
        let product = Product::on(target.clone(), &roles).await;
        let person = self.erased.0.at(&product);
        until("the erased person is refused", async || {
            let answered = person.get(&messages_of(self.erased.1)).await;
            assert!(!answered.body.to_string().contains("ophicleide"), "{answered:?}");
            (answered.status == 403).then_some(())
        })
        .await;
        let shown = |page: &serde_json::Value| page.to_string().contains("bombardon");
        self.other.0.at(&product).until_shown(&messages_of(self.other.1), shown).await;
        product.end().await;
    }
}

#[tokio::test]
async fn an_older_backup_revives_nobody_whether_jetstream_or_a_newer_backup_alone_knows_of_the_erasure() {
    let set = TwoBackups::new().await;
    // JetStream is newer than the backup, and the files are lost.
    set.restore(&elsewhere(&set.config).await, &["--keep-existing"]).await;
    // All is lost but the backups.
    set.place.create(&set.config).await;
    let mut bare = elsewhere(&set.config).await;
    bare.app.nats_prefix = format!("t{}", Uuid::now_v7().simple());
    set.restore(&bare, &[]).await;
}

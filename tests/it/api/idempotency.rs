//! A repeated command is answered as the first time, wherever it arrives.

use colloquy::roles::Role;
use secrecy::ExposeSecret as _;
use serde_json::json;
use uuid::Uuid;

use crate::support::backbone::connect;
use crate::support::person::Person;
use crate::support::product::Product;
use crate::support::waiting::until;

/// Commands without ids of their own, with their events.
const COMMANDS: [(&str, &str); 4] = [
    ("pin", "ConversationPinned"),
    ("archive", "ConversationArchived"),
    ("delete", "ConversationDeleted"),
    ("restore", "ConversationRestored"),
];
const WAITING: &str = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'idempotency'::regclass
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";

#[tokio::test]
async fn a_command_that_reaches_two_processes_at_the_same_time_is_answered_alike_by_both() {
    let product = Product::start().await;
    let other = Product::on(product.config.clone(), &[Role::Api]).await;
    let here = Person::new(&product).await;
    let there = here.at(&other);
    let conversation = Uuid::now_v7();
    here.ask(conversation, "Who plays the ophicleide?").await;
    let pool = connect(product.config.app.database_url.expose_secret(), 2);

    for (command, event) in COMMANDS {
        // Both processes look for an earlier use of the key before either executes the command.
        let mut gate = pool.begin().await.unwrap();
        sqlx::query("LOCK TABLE idempotency IN ACCESS EXCLUSIVE MODE").execute(&mut *gate).await.unwrap();
        let body = json!({"type": command});
        let headers = [("idempotency-key", command)];
        let sending = async {
            tokio::join!(
                here.command_with(conversation, &body, &headers),
                there.command_with(conversation, &body, &headers)
            )
        };
        let opening = async {
            until("both processes look for the key", async || {
                let waiting: i64 = sqlx::query_scalar(WAITING).fetch_one(&pool).await.ok()?;
                (waiting >= 2).then_some(())
            })
            .await;
            gate.commit().await.unwrap();
        };
        let ((first, second), ()) = tokio::join!(sending, opening);
        assert_eq!((first.status, second.status), (202, 202), "{first:?} {second:?}");
        assert_eq!(first.body["events"], json!([event]));
        assert_eq!(first.body, second.body);
    }
}

//! A fault of the installation stops the read models in words, and quarantines nothing.

use colloquy::roles::Role;
use projections::ReadModel;
use secrecy::ExposeSecret as _;
use serde_json::Value;
use uuid::Uuid;

use crate::support::backbone::{connect, new_database};
use crate::support::person::Person;
use crate::support::product::{Product, configuration};
use crate::support::waiting::until;

const BRAKED: &str = "colloquy_quarantine_braked{read_model=\"messages\"} ";

#[tokio::test]
async fn a_table_that_refuses_rows_is_named_as_the_cause_and_everything_is_shown_when_it_accepts_them() {
    let mut config = configuration(new_database().await);
    config.projection.quarantine_limit = 2;
    let pool = connect(config.app.database_url.expose_secret(), 2);
    let product = Product::on(config, &[Role::Api, Role::Sequencer, Role::Projector]).await;
    let people = [Person::new(&product).await, Person::new(&product).await, Person::new(&product).await];
    let change = async |change: &'static str| {
        sqlx::raw_sql(&format!("ALTER TABLE messages {change}")).execute(&pool).await.unwrap();
    };
    change("ADD CONSTRAINT refused CHECK (false)").await;
    let conversations: Vec<Uuid> = (0..5).map(|_| Uuid::now_v7()).collect();
    for (id, person) in conversations.iter().zip(people.iter().cycle()) {
        person.ask(*id, "What does the tide bring?").await;
    }
    let is_braked = |ready: &Value| {
        let reason = ready["stages"]["projector"]["reason"].as_str().unwrap_or_default();
        reason.contains("cannot be applied to messages")
    };
    until("the readiness names the cause", async || {
        let (status, ready) = product.readiness().await;
        (status == 200 && ready["status"] == "degraded" && is_braked(&ready)).then_some(())
    })
    .await;
    assert!(product.metrics().await.contains(&format!("{BRAKED}1")));
    let held = projections::quarantine::list(&pool, None, 100).await.unwrap();
    assert!(held.len() <= 2, "{held:?}");

    change("DROP CONSTRAINT refused").await;
    until("the read models go on", async || {
        product.metrics().await.contains(&format!("{BRAKED}0")).then_some(())
    })
    .await;
    let level = async || {
        let shown = "SELECT count(DISTINCT conversation_id) FROM messages";
        let shown: i64 = sqlx::query_scalar(shown).fetch_one(&pool).await.ok()?;
        let held = projections::quarantine::list(&pool, None, 100).await.ok()?;
        let is_of_messages = held.iter().all(|held| held.read_model == ReadModel::Messages.name());
        let shown = usize::try_from(shown).unwrap();
        (is_of_messages && shown + held.len() == conversations.len()).then_some(())
    };
    until("every conversation is shown or was quarantined before", level).await;
    product.end().await;
}

//! Titles that a model proposes, beside the answers.

use colloquy::roles::Role;
use secrecy::ExposeSecret as _;
use sqlx::PgPool;
use uuid::Uuid;

use crate::support::answering::{QUESTION, offered, offering, owner_of_knowledge};
use crate::support::model_server::{Act, ModelServer};
use crate::support::product::Product;
use crate::support::waiting::until;

const NEXT_QUESTION: &str = "Who built the great marimba of Zanthor?";

#[tokio::test]
async fn an_answer_that_waits_for_a_slot_is_written_before_the_title_of_the_last_one() {
    let model = ModelServer::start(&[
        Act::Hold("It has sixty-one ", "bars [1]."),
        Act::Say("Otakar Brill [1]."),
        Act::Say("The great marimba"),
    ])
    .await;
    let mut config = offering(vec![offered("Large", &model, 1.0)]).await;
    config.worker.model.model_titles = true;
    config.worker.worker_concurrency = 1;
    let pool = PgPool::connect(config.app.database_url.expose_secret()).await.unwrap();
    let product = Product::on(config, &Role::ALL).await;
    let person = owner_of_knowledge(&product).await;
    person.ask(Uuid::now_v7(), QUESTION).await;
    until("the model answers", async || model.is_answering().then_some(())).await;
    person.ask(Uuid::now_v7(), NEXT_QUESTION).await;
    until("the next question waits", async || {
        let count = sqlx::query_scalar("SELECT count(*) FROM answer_queue");
        let count: i64 = count.fetch_one(&pool).await.ok()?;
        (count == 2).then_some(())
    })
    .await;
    model.release();
    let named = |page: &serde_json::Value| {
        page["items"].as_array().unwrap().iter().filter(|item| item["title"] == "The great marimba").count()
    };
    person.until_shown("/v1/conversations", |page| named(page) == 2).await;
    let asked = model.questions();
    assert_eq!(asked.len(), 4);
    assert!(asked[0].contains(QUESTION) && !asked[0].contains("bars [1]"), "{asked:?}");
    assert!(asked[1].contains(NEXT_QUESTION) && !asked[1].contains("Brill [1]"), "{asked:?}");
    product.end().await;
}

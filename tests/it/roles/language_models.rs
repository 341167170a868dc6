//! Language models that people choose from: by question, by conversation, within budgets, and
//! with a provenance.

use colloquy::config::OfferedModel;
use colloquy::roles::Role;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::answering::{self, QUESTION, offering, owner_of_knowledge};
use crate::support::model_server::{Act, ModelServer};
use crate::support::person::Person;
use crate::support::product::Product;

fn offered(name: &str, server: &ModelServer) -> OfferedModel {
    answering::offered(name, server, 50_000.0)
}

fn ask(question: Uuid, model: Option<&str>) -> Value {
    json!({"type": "ask", "question_id": question, "text": QUESTION, "model": model})
}

/// The newest completed answer of a branch with so many messages.
async fn answered(person: &Person, conversation: Uuid, messages: usize) -> Value {
    let path = format!("/v1/conversations/{conversation}/messages?limit=100");
    let done = |page: &Value| {
        let items = page["items"].as_array().unwrap();
        items.len() == messages && items[messages - 1]["status"] == "completed"
    };
    person.until_shown(&path, done).await["items"][messages - 1].clone()
}

#[tokio::test]
async fn a_question_chooses_the_model_of_its_conversation_and_a_further_answer_only_its_own() {
    let large = ModelServer::start(&[Act::Say("Sixty-one, says the large one [1].")]).await;
    let small = ModelServer::start(&[Act::Say("Sixty-one, says the small one [1].")]).await;
    let config = offering(vec![offered("Large", &large), offered("Small", &small)]).await;
    let product = Product::on(config, &Role::ALL).await;
    let person = owner_of_knowledge(&product).await;

    let models = person.get("/v1/models").await.body;
    let names: Vec<_> = models["items"].as_array().unwrap().iter().map(|model| &model["name"]).collect();
    assert_eq!(names, ["Large", "Small"]);
    assert_eq!(models["items"][0]["is_default"], true);

    let (conversation, first) = (Uuid::now_v7(), Uuid::now_v7());
    person.command(conversation, &ask(first, Some("Small"))).await;
    assert_eq!(answered(&person, conversation, 2).await["model"], "Small");
    person.command(conversation, &ask(Uuid::now_v7(), None)).await;
    assert_eq!(
        answered(&person, conversation, 4).await["model"],
        "Small",
        "the conversation keeps its model"
    );
    let again = Uuid::now_v7();
    let regenerate =
        json!({"type": "regenerate", "question_id": first, "answer_id": again, "model": "Large"});
    assert_eq!(person.command(conversation, &regenerate).await.status, 202);
    let path = format!("/v1/conversations/{conversation}/messages?branch={again}");
    let shown = |page: &Value| page["items"][1]["status"] == "completed";
    let beside = person.until_shown(&path, shown).await["items"][1].clone();
    assert_eq!((&beside["model"], beside["siblings"].as_array().unwrap().len()), (&json!("Large"), 2));

    let unknown = person.command(conversation, &ask(Uuid::now_v7(), Some("Gone"))).await;
    assert_eq!((unknown.status, &unknown.body["field"]), (422, &json!("model")));

    let path = format!("/v1/conversations/{conversation}/answers/{again}/provenance");
    let provenance = person.get(&path).await.body;
    assert_eq!((&provenance["language_model"], &provenance["quoted"]), (&json!("Large"), &json!(false)));
    assert_eq!(provenance["prompt_sha256"].as_str().unwrap().len(), 64);
    assert_eq!(
        (&provenance["passages"][0]["rank"], &provenance["passages"][0]["cited_as"]),
        (&json!(1), &json!([1]))
    );
    let found = &provenance["found"][0];
    assert_eq!(
        (&found["outcome"], &found["rank"], &found["meaning_rank"]),
        (&json!("given"), &json!(1), &json!(1))
    );
    assert!(provenance["timings"]["total_ms"].is_u64() && provenance["usage"]["prompt_tokens"].is_u64());
    let other = Person::new(&product).await;
    assert_eq!(other.get(&path).await.status, 404);
    product.end().await;
}

#[tokio::test]
async fn the_model_names_a_conversation_after_its_first_answer_and_never_over_its_owner() {
    let acts = [Act::Say("It has sixty-one bars [1]."), Act::Say("\"Bars of the marimba\"")];
    let model = ModelServer::start(&acts).await;
    let mut config = offering(vec![offered("Large", &model)]).await;
    config.worker.model.model_titles = true;
    let product = Product::on(config, &Role::ALL).await;
    let person = owner_of_knowledge(&product).await;
    let conversation = Uuid::now_v7();
    person.ask(conversation, QUESTION).await;
    let path = format!("/v1/conversations/{conversation}");
    person.until_shown(&path, |row| row["title"] == "Bars of the marimba").await;
    person.command(conversation, &json!({"type": "rename", "title": "Mine"})).await;
    person.command(conversation, &ask(Uuid::now_v7(), None)).await;
    answered(&person, conversation, 4).await;
    assert_eq!(person.get(&path).await.body["title"], "Mine");
    assert_eq!(model.requests(), 3, "only the first answer leads to a title");
    product.end().await;
}

#[tokio::test]
async fn a_spent_budget_refuses_further_answers_by_its_name_until_the_next_day() {
    for (tokens, cents, limit) in [(28, 0, "tokens_per_day"), (0, 175, "cost_per_day")] {
        let model = ModelServer::start(&[Act::Say("It has sixty-one bars [1].")]).await;
        let mut config = offering(vec![offered("Large", &model)]).await;
        config.api.limits.budget_tokens_per_day = tokens;
        config.api.limits.budget_cost_per_day = cents;
        let product = Product::on(config, &Role::ALL).await;
        let person = owner_of_knowledge(&product).await;
        let (conversation, question) = (Uuid::now_v7(), Uuid::now_v7());
        person.command(conversation, &ask(question, None)).await;
        answered(&person, conversation, 2).await;
        person.until_shown("/v1/usage", |usage| usage["items"][0]["completion_tokens"] == 7).await;
        let refused = person.command(conversation, &ask(Uuid::now_v7(), None)).await;
        assert_eq!((refused.status, &refused.body["limit"]), (429, &json!(limit)), "{refused:?}");
        assert_eq!(person.command(conversation, &ask(question, None)).await.status, 202, "a repetition");
        let other = Person::new(&product).await;
        assert_eq!(other.command(Uuid::now_v7(), &ask(Uuid::now_v7(), None)).await.status, 202);
        product.end().await;
    }
}

//! Instructions and a temperature of one's own, for all answers and for those of a conversation.

use colloquy::config::ModelsFile;
use colloquy::roles::Role;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::answering::{QUESTION, offered, owner_of_knowledge};
use crate::support::backbone::{connect, new_database};
use crate::support::model_server::{Act, ModelServer};
use crate::support::person::Person;
use crate::support::product::{Product, configuration};

const OF_ALL: &str = "Prefer short sentences about xylophones.";
const OF_ONE: &str = "Write in the style of a seafarer.";

async fn product(model: &ModelServer, database: &str) -> Product {
    let mut config = configuration(database.to_owned());
    config.worker.model.models = Some(ModelsFile::new(vec![offered("Large", model, 0.0)]));
    config.worker.model.model_titles = false;
    Product::on(config, &Role::ALL).await
}

async fn answered(person: &Person, conversation: Uuid, answer: Option<Uuid>) -> Value {
    let branch = answer.map(|id| format!("?branch={id}")).unwrap_or_default();
    let path = format!("/v1/conversations/{conversation}/messages{branch}");
    person.until_shown(&path, |page| page["items"][1]["status"] == "completed").await["items"][1].clone()
}

#[tokio::test]
async fn the_model_gets_a_persons_and_a_conversations_instructions_behind_the_rules() {
    let model = ModelServer::start(&[Act::Say("It has sixty-one bars [1].")]).await;
    let database = new_database().await;
    let product = product(&model, &database).await;
    let person = owner_of_knowledge(&product).await;

    let none = json!({"instructions": null, "temperature": null});
    assert_eq!(person.get("/v1/me/instructions").await.body, none);
    let instruct = json!({"type": "instruct", "instructions": format!(" {OF_ALL} "), "temperature": 1.5});
    let accepted = person.post("/v1/me/commands", &instruct).await;
    assert_eq!((accepted.status, &accepted.body["events"]), (202, &json!(["AccountInstructed"])));
    let of_all = json!({"instructions": OF_ALL, "temperature": 1.5});
    assert_eq!(person.get("/v1/me/instructions").await.body, of_all);

    let (conversation, question) = (Uuid::now_v7(), Uuid::now_v7());
    let ask = json!({"type": "ask", "question_id": question, "text": QUESTION});
    person.command(conversation, &ask).await;
    let first = answered(&person, conversation, None).await;
    let (rules, temperature) = (model.last_messages()[0].clone(), model.last_temperature());
    assert!(rules.starts_with("You answer questions from numbered sources"), "{rules}");
    assert!(rules.contains(OF_ALL) && !rules.contains(OF_ONE), "{rules}");
    assert_eq!(temperature, Some(1.5));
    assert_eq!(first["citations"][0]["number"], 1, "citations stay");

    let path = format!("/v1/conversations/{conversation}/instructions");
    assert_eq!(person.get(&path).await.body, none);
    let instruct = json!({"type": "instruct", "instructions": OF_ONE, "temperature": 0});
    let accepted = person.command(conversation, &instruct).await;
    assert_eq!((accepted.status, &accepted.body["events"]), (202, &json!(["ConversationInstructed"])));
    assert_eq!(person.get(&path).await.body, json!({"instructions": OF_ONE, "temperature": 0.0}));
    let again = Uuid::now_v7();
    let regenerate = json!({"type": "regenerate", "question_id": question, "answer_id": again});
    person.command(conversation, &regenerate).await;
    answered(&person, conversation, Some(again)).await;
    let rules = model.last_messages()[0].clone();
    assert!(rules.find(OF_ALL).unwrap() < rules.find(OF_ONE).unwrap(), "{rules}");
    assert_eq!(model.last_temperature(), Some(0.0), "the conversation's precedes the account's");

    let provenance = format!("/v1/conversations/{conversation}/answers/{again}/provenance");
    let provenance = person.get(&provenance).await.body;
    assert_eq!(provenance["instructions"], json!(["account", "conversation"]));
    assert_eq!(
        (&provenance["temperature"], &provenance["prompt_version"]),
        (&json!(0.0), &json!("answer.v1+instructions.v1"))
    );
    let stored: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM events, UNNEST(ARRAY['xylophones', 'seafarer']) AS word
          WHERE strpos(payload::text, word) > 0 OR position(word::bytea IN coalesce(private, '')) > 0",
    )
    .fetch_one(&connect(&database, 1))
    .await
    .unwrap();
    assert_eq!(stored, 0, "the store has ciphertext alone");
    assert_eq!(Person::new(&product).await.get(&path).await.status, 404);
    product.end().await;
}

#[tokio::test]
async fn instructions_beyond_their_limits_are_refused_by_their_field_and_null_takes_them_back() {
    let model = ModelServer::start(&[Act::Say("Yes.")]).await;
    let product = product(&model, &new_database().await).await;
    let person = Person::new(&product).await;
    for (fields, field) in [
        (json!({"instructions": "ä".repeat(4_001)}), "instructions"),
        (json!({"instructions": " "}), "instructions"),
        (json!({"temperature": 2.01}), "temperature"),
        (json!({"temperature": -1}), "temperature"),
    ] {
        let mut command = fields;
        command["type"] = json!("instruct");
        for refused in
            [person.post("/v1/me/commands", &command).await, person.command(Uuid::now_v7(), &command).await]
        {
            assert_eq!((refused.status, &refused.body["field"]), (422, &json!(field)), "{refused:?}");
        }
    }
    let longest = json!({"type": "instruct", "instructions": "ä".repeat(4_000)});
    assert_eq!(person.post("/v1/me/commands", &longest).await.status, 202);
    assert_eq!(person.post("/v1/me/commands", &json!({"type": "instruct"})).await.status, 202);
    let none = json!({"instructions": null, "temperature": null});
    assert_eq!(person.get("/v1/me/instructions").await.body, none);
    product.end().await;
}

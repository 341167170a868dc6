//! History as an auditor sees it: all of it, in order, as it happens, and as anything stood at any moment.

use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::backbone::{Backbone, conversation};
use crate::support::person::Person;
use crate::support::product::Product;
use crate::support::waiting::until;

const ROUTES: [&str; 5] = [
    "/v1/audit/events",
    "/v1/audit/events/stream",
    "/v1/audit/conversations/0197f000-0000-7000-8000-000000000001",
    "/v1/audit/checkpoint",
    "/v1/audit/keys",
];

#[tokio::test]
async fn only_auditors_see_history() {
    let product = Product::start().await;
    let person = Person::new(&product).await;
    for route in ROUTES {
        let refused = person.get(route).await;
        assert_eq!(refused.status, 403, "{route}");
        assert_eq!(refused.body["type"], "urn:colloquy:problem:not-an-auditor");
        let unknown = reqwest::get(format!("{}{route}", product.url)).await.unwrap();
        assert_eq!(unknown.status(), 401, "{route}");
    }
    let auditor = Person::auditor(&product).await;
    assert_eq!(auditor.get("/v1/audit/events").await.status, 200);
    assert_eq!(auditor.get(ROUTES[2]).await.status, 404);
}

#[tokio::test]
async fn an_auditor_reads_all_that_happened_and_the_look_itself_is_history() {
    let product = Product::start().await;
    let (person, auditor) = (Person::new(&product).await, Person::auditor(&product).await);
    let (one, two) = (Uuid::now_v7(), Uuid::now_v7());
    let question = person.ask(one, "Where is the harbour?").await;
    person.ask(two, "And the lighthouse?").await;
    let me = person.get("/v1/me").await.body["id"].clone();
    let of_one = format!("/v1/audit/events?conversation={one}");
    let page = auditor.until_shown(&of_one, |page| page["items"].as_array().unwrap().len() == 3).await;
    let asked = &page["items"][1];
    assert_eq!(asked["type"], "QuestionAsked");
    assert_eq!(asked["owner"], me);
    assert_eq!(asked["actor"], json!({"kind": "user", "id": me}));
    assert_eq!(asked["aggregate"], "conversation");
    assert_eq!(asked["aggregate_id"], json!(one));
    assert_eq!(asked["sequence"], 2);
    assert_eq!(asked["payload"]["question_id"], json!(question));
    assert_eq!(asked["private"], json!({"text": "Where is the harbour?"}));
    assert_eq!(asked["erased"], false);
    assert_eq!(page["next_after"], Value::Null);

    let owned = auditor.get(&format!("/v1/audit/events?user={}", me.as_str().unwrap())).await.body;
    assert_eq!(owned["items"].as_array().unwrap().len(), 7);
    let asked = auditor.get("/v1/audit/events?type=QuestionAsked").await.body;
    assert_eq!(asked["items"].as_array().unwrap().len(), 2);
    let from = asked["items"][1]["recorded_at"].as_str().unwrap().to_owned();
    let later = auditor.get(&format!("/v1/audit/events?type=QuestionAsked&from={from}")).await.body;
    assert_eq!(later["items"], json!([asked["items"][1]]));
    let earlier = auditor.get(&format!("/v1/audit/events?type=QuestionAsked&to={from}")).await.body;
    assert_eq!(earlier["items"], json!([asked["items"][0]]));

    let looks = until("the looks are in the ledger", async || {
        let page = auditor.get("/v1/audit/events?type=AuditAccessed&limit=1000").await.body;
        let looks = page["items"].as_array().unwrap().clone();
        looks.iter().any(|look| look["payload"]["filter"]["to"].is_string()).then_some(looks)
    })
    .await;
    let auditor_id = auditor.get("/v1/me").await.body["id"].clone();
    assert_eq!(looks[0]["actor"], json!({"kind": "auditor", "id": auditor_id}));
    assert_eq!(looks[0]["payload"]["what"], "events");
    assert_eq!(looks[0]["payload"]["through"], "api");
    assert!(looks.iter().any(|look| look["payload"]["filter"]["conversation"] == json!(one)));
}

#[tokio::test]
async fn pages_follow_each_other_without_gap_or_repetition_and_wrong_parameters_are_named() {
    let product = Product::start().await;
    let (person, auditor) = (Person::new(&product).await, Person::auditor(&product).await);
    for number in 0..20 {
        person.ask(Uuid::now_v7(), &format!("question {number}")).await;
    }
    let (mut after, mut positions) = (0, Vec::new());
    loop {
        let page = auditor.get(&format!("/v1/audit/events?after={after}&limit=7")).await.body;
        let items = page["items"].as_array().unwrap();
        assert!(items.len() <= 7);
        positions.extend(items.iter().map(|item| item["position"].as_u64().unwrap()));
        match page["next_after"].as_u64() {
            Some(next) => after = next,
            None => break,
        }
    }
    assert!(positions.len() > 60);
    assert!(positions.iter().copied().eq(1..=positions.len() as u64), "{positions:?}");
    for (query, field) in [
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("user=x", "user"),
        ("conversation=1", "conversation"),
        ("type=a%20b", "type"),
    ] {
        let refused = auditor.get(&format!("/v1/audit/events?{query}")).await;
        assert_eq!((refused.status, &refused.body["field"]), (422, &json!(field)), "{query}");
    }
    assert_eq!(auditor.get("/v1/audit/events?after=x").await.status, 422);
    let refused = auditor.get(&format!("/v1/audit/conversations/{}?as_of=yesterday", Uuid::now_v7())).await;
    assert_eq!((refused.status, &refused.body["field"]), (422, &json!("as_of")));
}

#[tokio::test]
async fn two_auditors_following_while_thousands_of_events_arrive_see_the_same_complete_sequence() {
    const EVENTS: u64 = 10_000;
    let product = Product::start().await;
    let (one, two) = (Person::auditor(&product).await, Person::auditor(&product).await);
    one.get("/v1/audit/events?limit=1").await;
    let writers = Backbone::on(product.config.app.database_url.expose_secret().to_owned()).await;
    let writing = async {
        let user = writers.user().await;
        let askers = (0..20).map(|_| async {
            let asked = conversation();
            for number in 0..(EVENTS / 40) {
                writers.ask(user, asked, &format!("question {number}")).await;
            }
        });
        futures::future::join_all(askers).await;
    };
    let enough = |told: &crate::support::person::Told| told.id.parse::<u64>().unwrap() >= EVENTS;
    let (seen, also_seen, ()) = tokio::join!(
        one.listen("/v1/audit/events/stream", None, enough),
        two.listen("/v1/audit/events/stream?after=5", None, enough),
        writing,
    );
    let ids = |told: &[crate::support::person::Told]| -> Vec<u64> {
        told.iter().map(|told| told.id.parse().unwrap()).collect()
    };
    assert!(ids(&seen).into_iter().eq(1..=EVENTS));
    assert!(ids(&also_seen).into_iter().eq(6..=EVENTS));
    assert!(
        seen[5..].iter().zip(&also_seen).all(|(one, other)| one.data == other.data && one.event == "event")
    );
    let resumed = two.listen("/v1/audit/events/stream", Some("9000"), enough).await;
    assert!(ids(&resumed).into_iter().eq(9001..=EVENTS));
}

/// The conversation in the read model.
async fn shown(person: &Person, conversation: Uuid, version: u64, gone: bool) -> Option<(Value, Value)> {
    let one = format!("/v1/conversations/{conversation}");
    let row = until("the read model shows it, or that it is gone", async || {
        let row = person.get(&one).await;
        ((gone && row.status == 404) || row.body["version"] == json!(version)).then_some(row)
    })
    .await;
    if row.status == 404 {
        return None;
    }
    let messages = format!("/v1/conversations/{conversation}/messages?limit=100&min_version={version}");
    Some((row.body, person.get(&messages).await.body["items"].clone()))
}

/// A conversation's life: questions, other answers, branches, ratings, names, its end and its return.
async fn live_through(person: &Person, conversation: Uuid) -> Vec<(u64, Option<(Value, Value)>)> {
    let mut story = Vec::new();
    let mut version = 0;
    let mut remember = async |command: Value| {
        let done = person.command(conversation, &command).await;
        assert_eq!(done.status, 202, "{done:?}");
        version = done.body["version"].as_u64().unwrap();
        story.push((version, shown(person, conversation, version, command["type"] == "delete").await));
    };
    let question = Uuid::now_v7();
    remember(json!({"type": "ask", "question_id": question, "text": "What is *ownership*?"})).await;
    let answer = shown(person, conversation, 3, false).await.unwrap().1[1]["id"].clone();
    remember(json!({"type": "stop", "answer_id": answer})).await;
    remember(json!({"type": "rate", "answer_id": answer, "rating": "down", "comment": "too short"})).await;
    remember(json!({"type": "regenerate", "question_id": question, "answer_id": Uuid::now_v7()})).await;
    remember(
        json!({"type": "ask", "question_id": Uuid::now_v7(), "text": "And borrowing?", "parent_id": answer}),
    )
    .await;
    remember(json!({"type": "rename", "title": "Ownership"})).await;
    remember(json!({"type": "tag", "tags": ["rust", "memory"]})).await;
    remember(json!({"type": "pin"})).await;
    remember(json!({"type": "archive"})).await;
    remember(json!({"type": "delete"})).await;
    remember(json!({"type": "restore"})).await;
    story
}

#[tokio::test]
async fn a_conversation_as_of_a_position_equals_the_read_model_at_that_position() {
    let product = Product::start().await;
    let (person, auditor) = (Person::new(&product).await, Person::auditor(&product).await);
    let conversation = Uuid::now_v7();
    let story = live_through(&person, conversation).await;
    let (last, _) = story.last().unwrap();
    let events = format!("/v1/audit/events?conversation={conversation}");
    let page =
        auditor.until_shown(&events, |page| page["items"].as_array().unwrap().len() as u64 == *last).await;
    let events = page["items"].as_array().unwrap();
    for (version, shown) in &story {
        let event = &events[usize::try_from(*version).unwrap() - 1];
        for as_of in [event["position"].to_string(), event["recorded_at"].as_str().unwrap().to_owned()] {
            let path = format!("/v1/audit/conversations/{conversation}?as_of={as_of}");
            let state = auditor.get(&path).await;
            assert_eq!(state.status, 200, "{state:?}");
            let state = state.body;
            assert_eq!((&state["version"], &state["position"]), (&json!(version), &event["position"]));
            assert_eq!(state["first_position"], events[0]["position"]);
            assert_eq!(state["last_position"], events.last().unwrap()["position"]);
            let Some((row, messages)) = shown else {
                assert_eq!((&state["conversation"], &state["messages"]), (&Value::Null, &json!([])));
                assert_eq!(state["deleted"], true);
                continue;
            };
            assert_eq!(state["conversation"], *row, "as of version {version}");
            for message in messages.as_array().unwrap() {
                let replayed = state["messages"].as_array().unwrap();
                assert!(replayed.contains(message), "as of version {version}: {message} in {replayed:?}");
            }
        }
    }
    let begun = events[0]["position"].as_u64().unwrap();
    let before =
        auditor.get(&format!("/v1/audit/conversations/{conversation}?as_of={}", begun - 1)).await.body;
    assert_eq!(
        (&before["conversation"], &before["version"], &before["at"]),
        (&Value::Null, &json!(0), &Value::Null)
    );
    let now = auditor.get(&format!("/v1/audit/conversations/{conversation}")).await.body;
    assert_eq!(now["messages"].as_array().unwrap().len(), 5, "all branches");
}

#[tokio::test]
async fn an_erased_event_is_shown_without_its_private_part() {
    let product = Product::start().await;
    let (person, auditor) = (Person::new(&product).await, Person::auditor(&product).await);
    let (kept, erased) = (Uuid::now_v7(), Uuid::now_v7());
    person.ask(kept, "stays").await;
    person.ask(erased, "goes away").await;
    let of = |id: Uuid| format!("/v1/audit/events?conversation={id}");
    auditor.until_shown(&of(erased), |page| page["items"][2].is_object()).await;
    let backbone = Backbone::on(product.config.app.database_url.expose_secret().to_owned()).await;
    sqlx::query(
        "UPDATE keys SET wrapped = NULL, destroyed_at = now() WHERE kind = 'conversation' AND id = $1",
    )
    .bind(erased)
    .execute(&backbone.pool)
    .await
    .unwrap();
    // Another process, which has never had the key.
    let other = Product::on(product.config.clone(), &[colloquy::roles::Role::Api]).await;
    let auditor = auditor.at(&other);
    let page = auditor.get(&of(erased)).await.body;
    for event in page["items"].as_array().unwrap() {
        assert_eq!((&event["erased"], &event["private"]), (&json!(true), &Value::Null), "{event}");
        assert_eq!(event["aggregate_id"], json!(erased));
    }
    assert!(page["items"][1]["sealed"].is_string());
    assert_eq!(auditor.get(&of(kept)).await.body["items"][1]["private"]["text"], "stays");
    let state = auditor.get(&format!("/v1/audit/conversations/{erased}")).await.body;
    assert_eq!((&state["erased"], &state["messages"][0]["text"]), (&json!(true), &json!("")));
}

#[tokio::test]
async fn a_long_conversation_is_replayed_within_a_moment() {
    let backbone = Backbone::new().await;
    let sequencer = backbone.sequence();
    let (user, long) = (backbone.user().await, conversation());
    for number in 0..500 {
        backbone.ask(user, long, &format!("question {number} about something that takes a few words")).await;
    }
    backbone.sealed(1_002).await;
    let replayed = async || {
        let began = std::time::Instant::now();
        let state = colloquy::audit::replay(&backbone.store, long, colloquy::audit::AsOf::Now)
            .await
            .unwrap()
            .unwrap();
        assert_eq!((state.messages.len(), state.version), (1_000, 1_001));
        began.elapsed()
    };
    let mut fastest = replayed().await;
    for _ in 0..4 {
        fastest = fastest.min(replayed().await);
    }
    // Without optimization; with it, a tenth of that.
    assert!(fastest < std::time::Duration::from_millis(500), "{fastest:?}");
    sequencer.abort();
}

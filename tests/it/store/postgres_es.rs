//! The stock repository of the crate `postgres-es` reads the events through the view `postgres_es_events`.

use aggregates::account::{Account, AccountCommand, AccountPhase};
use aggregates::conversation::{Answer, Conversation, Intent, Rating};
use aggregates::document::{Document, DocumentCommand, DocumentScope};
use aggregates::{Actor, AnswerId, Metadata, ReceiptId, Tags, Title, UserId, Version};
use cqrs_es::persist::{PersistedEventRepository as _, PersistedEventStore, SerializedEvent};
use cqrs_es::{Aggregate, AggregateContext as _, EventStore as _};
use postgres_es::PostgresEventRepository;
use sqlx::PgPool;
use uuid::Uuid;

use crate::support::backbone::{Backbone, conversation};

fn stock_repository(pool: &PgPool) -> PostgresEventRepository {
    PostgresEventRepository::new(pool.clone()).with_tables("postgres_es_events", "postgres_es_snapshots")
}

async fn load_by_stock_repository<A: Aggregate + Clone>(pool: &PgPool, id: Uuid) -> A {
    let store = PersistedEventStore::<_, A>::new_event_store(stock_repository(pool));
    store.load_aggregate(&id.to_string()).await.unwrap().aggregate().clone()
}

fn metadata(owner: UserId) -> Metadata {
    Metadata {
        owner,
        actor: Actor::User(owner),
        correlation_id: Uuid::now_v7(),
        causation_id: None,
        traceparent: Some("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".to_owned()),
    }
}

#[tokio::test]
async fn a_conversation_has_the_same_state_in_both_stores() {
    let backbone = Backbone::new().await;
    let user = backbone.user().await;
    let id = conversation();
    let (question_id, stopped) = backbone.ask(user, id, "Which instrument?").await;
    let so_far = Answer { text: "The xylophone.".into(), ..Answer::default() };
    backbone.command(user, id, Intent::Stop { answer_id: stopped, so_far }).await;
    let again = AnswerId::new(Uuid::now_v7());
    backbone.command(user, id, Intent::Regenerate { question_id, answer_id: again, model: None }).await;
    backbone.command(user, id, Intent::Rate { answer_id: stopped, rating: Rating::Up, comment: None }).await;
    backbone.command(user, id, Intent::Rename(Title::parse("Instruments").unwrap())).await;
    backbone.command(user, id, Intent::Tag(Tags::parse(&["Percussion"]).unwrap())).await;
    backbone.command(user, id, Intent::Pin).await;
    let ours = backbone.store.conversations().current(id.uuid()).await.unwrap();
    let theirs: Conversation = load_by_stock_repository(&backbone.pool, id.uuid()).await;
    assert_eq!(theirs, ours);
    assert_eq!(theirs.version(), Version(9));
}

#[tokio::test]
async fn a_document_and_an_account_have_the_same_state_in_both_stores() {
    let backbone = Backbone::new().await;
    let user = backbone.user().await;
    let id = Uuid::now_v7();
    let add = DocumentCommand::Add {
        owner: user,
        scope: DocumentScope::User,
        media_type: "text/plain".to_owned(),
        size: 12,
        sha256: "00".repeat(32),
        title: "Notes".to_owned(),
        tags: aggregates::Tags::default(),
    };
    let documents = backbone.store.documents();
    for command in [add, DocumentCommand::Remove] {
        documents.execute(id, command, &metadata(user), None).await.unwrap();
    }
    let ours = documents.current(id).await.unwrap();
    let theirs: Document = load_by_stock_repository(&backbone.pool, id).await;
    assert_eq!((theirs.version(), &theirs), (Version(2), &ours));

    let receipt = ReceiptId::new(Uuid::now_v7());
    let erase = (user, AccountCommand::RequestErasure { receipt });
    let accounts = backbone.store.accounts();
    accounts.execute(user.uuid(), erase, &metadata(user), None).await.unwrap();
    let ours = accounts.current(user.uuid()).await.unwrap();
    let theirs: Account = load_by_stock_repository(&backbone.pool, user.uuid()).await;
    assert_eq!((theirs.phase(), &theirs), (AccountPhase::Erasing { receipt }, &ours));
}

#[tokio::test]
async fn events_have_complete_metadata_and_no_private_part() {
    let backbone = Backbone::new().await;
    let user = backbone.user().await;
    let id = conversation();
    backbone.ask(user, id, "Where is the xylophone?").await;
    let repository = stock_repository(&backbone.pool);
    let events = repository.get_events::<Conversation>(&id.uuid().to_string()).await.unwrap();
    let types: Vec<&str> = events.iter().map(|event| event.event_type.as_str()).collect();
    assert_eq!(types, ["ConversationStarted", "QuestionAsked", "AnswerRequested"]);
    for (event, sequence) in events.iter().zip(1..) {
        assert_eq!((event.sequence, event.aggregate_id.clone()), (sequence, id.to_string()));
        assert_eq!(event.metadata["owner"], user.to_string());
        assert_eq!(event.metadata["actor"], format!("user:{user}"));
        assert!(event.metadata["correlation_id"].is_string());
        let event_id = event.metadata["event_id"].as_str().unwrap();
        assert_eq!(Uuid::try_parse(event_id).unwrap().get_version_num(), 7);
        let recorded_at = event.metadata["recorded_at"].as_str().unwrap();
        assert!(chrono::DateTime::parse_from_rfc3339(recorded_at).is_ok(), "{recorded_at}");
        assert!(event.payload.get("private").is_none());
    }
    let later = repository.get_last_events::<Conversation>(&id.uuid().to_string(), 1).await.unwrap();
    assert_eq!(later, events[1..]);
}

#[tokio::test]
async fn the_stock_repository_cannot_append_and_readers_of_read_models_cannot_read() {
    let backbone = Backbone::new().await;
    let user = backbone.user().await;
    let pool = &backbone.pool;
    let event = SerializedEvent::new(
        user.to_string(),
        2,
        "account".to_owned(),
        "AccountErased".to_owned(),
        "1".to_owned(),
        serde_json::json!({ "type": "AccountErased" }),
        serde_json::json!({}),
    );
    let refused = stock_repository(pool).persist::<Account>(&[event], None).await;
    assert!(refused.is_err());
    let account: Account = load_by_stock_repository(pool, user.uuid()).await;
    assert_eq!(account.phase(), AccountPhase::Open);
    let readable: bool =
        sqlx::query_scalar("SELECT has_table_privilege('colloquy_reader', 'postgres_es_events', 'SELECT')")
            .fetch_one(pool)
            .await
            .unwrap();
    assert!(!readable);
}

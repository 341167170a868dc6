use aggregates::{Actor, AggregateType, UserId};
use cqrs_es::persist::{PersistenceError, SerializedEvent};
use sealing::MasterKey;
use serde_json::{Value, json};

use super::repository::new_events;
use super::*;

const OWNER: UserId = UserId::new(Uuid::from_u128(1));

fn metadata() -> Metadata {
    Metadata {
        owner: OWNER,
        actor: Actor::Worker,
        correlation_id: Uuid::nil(),
        causation_id: None,
        traceparent: None,
    }
}

fn started(metadata: Value) -> SerializedEvent {
    let payload = json!({"type": "ConversationStarted", "owner": OWNER});
    let (kind, name) = ("conversation".to_owned(), "ConversationStarted".to_owned());
    SerializedEvent::new(Uuid::nil().to_string(), 1, kind, name, "1".to_owned(), payload, metadata)
}

#[test]
fn the_owner_and_the_idempotency_key_travel_in_the_metadata_and_are_not_stored_with_it() {
    let master = MasterKey::parse(&"2a".repeat(32).into()).unwrap();
    let key = IdempotencyKey::new(&master, "key", b"command");
    let mut entries = metadata().to_map();
    key.put_into(&mut entries);
    let first = started(serde_json::to_value(entries).unwrap());
    let new = new_events(&first, std::slice::from_ref(&first)).unwrap();
    assert_eq!((new.owner, new.aggregate, new.idempotency), (OWNER, AggregateType::Conversation, Some(key)));
    let stored: Value = serde_json::from_str(&new.metadata).unwrap();
    assert_eq!(stored, json!({"actor": "worker", "correlation_id": Uuid::nil()}));
}

#[test]
fn an_event_without_an_owner_is_refused() {
    let first = started(json!({}));
    let refused = new_events(&first, std::slice::from_ref(&first)).unwrap_err();
    assert!(matches!(refused, StoreError::MissingOwner));
}

#[test]
fn an_error_of_the_store_comes_back_from_the_framework_as_itself() {
    for (error, is_expected) in [
        (StoreError::Conflict, (|error| matches!(error, StoreError::Conflict)) as fn(&StoreError) -> bool),
        (StoreError::TimedOut, |error| matches!(error, StoreError::TimedOut)),
        (StoreError::OwnerErased, |error| matches!(error, StoreError::OwnerErased)),
    ] {
        let from_framework = AggregateError::<std::fmt::Error>::from(PersistenceError::from(error));
        assert!(is_expected(&store_error(Uuid::nil(), from_framework)));
    }
}

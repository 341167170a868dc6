//! Encrypts private parts of events before they are stored, and creates the keys of new aggregates.

use std::sync::Arc;

use aggregates::{AggregateType, EventId, RecordedEvent, UserId, Version};
use sealing::{AssociatedData, ContentKey, Subject, UserKey};
use serde_json::Value;
use uuid::Uuid;

use crate::StoreError;
use crate::events::append::{Append, Appender, EncryptedEvent};
use crate::events::idempotency::IdempotencyKey;
use crate::keys::keyring::{Keyring, NewKey};

/// The field of a payload that is encrypted.
const PRIVATE: &str = "private";

/// The events of one command, in the clear.
#[derive(Debug)]
pub(crate) struct NewEvents {
    pub(crate) aggregate: AggregateType,
    pub(crate) aggregate_id: Uuid,
    pub(crate) owner: UserId,
    /// JSON, as it is stored.
    pub(crate) metadata: String,
    pub(crate) idempotency: Option<IdempotencyKey>,
    pub(crate) events: Vec<NewEvent>,
}

#[derive(Debug)]
pub(crate) struct NewEvent {
    pub(crate) sequence: Version,
    pub(crate) event_type: String,
    pub(crate) event_version: String,
    pub(crate) payload: Value,
}

/// Encrypts and appends the events of commands.
#[derive(Debug, Clone)]
pub(crate) struct EventWriter {
    appender: Appender,
    keyring: Arc<Keyring>,
}

/// A key created for an append. The keyring gets it once it is stored.
enum CreatedKey {
    User(UserId, UserKey),
    Content(Subject, ContentKey),
}

impl EventWriter {
    pub(crate) const fn new(appender: Appender, keyring: Arc<Keyring>) -> Self {
        Self { appender, keyring }
    }

    /// Appends the events of one command: all of them or none.
    pub(crate) async fn append(&self, new: NewEvents) -> Result<(), StoreError> {
        let Some(first) = new.events.first() else { return Ok(()) };
        let (created, new_key) = self.key_for_first_event(&new, first.sequence).await?.unzip();
        let content_key = match &created {
            Some(CreatedKey::Content(_, key)) => Some(key.clone()),
            Some(CreatedKey::User(..)) => None,
            None => self.content_key(&new).await?,
        };
        let NewEvents { aggregate, aggregate_id, owner, metadata, idempotency, events } = new;
        let events = events
            .into_iter()
            .map(|event| encrypt(aggregate, aggregate_id, event, content_key.as_ref()))
            .collect::<Result<_, _>>()?;
        let append = Append { aggregate, aggregate_id, owner, metadata, events, new_key, idempotency };
        self.appender.append(append).await?;
        match created {
            Some(CreatedKey::User(user, key)) => self.keyring.remember_user(user, key),
            Some(CreatedKey::Content(subject, key)) => self.keyring.remember_content(owner, subject, key),
            None => {}
        }
        Ok(())
    }

    /// The key that is stored with the first event of an aggregate.
    async fn key_for_first_event(
        &self,
        new: &NewEvents,
        first: Version,
    ) -> Result<Option<(CreatedKey, NewKey)>, StoreError> {
        if first != Version(1) {
            return Ok(None);
        }
        let owner = new.owner;
        match (new.aggregate, content_subject(new.aggregate, new.aggregate_id)) {
            (AggregateType::Account, _) => {
                let (key, new_key) = self.keyring.new_user_key(owner)?;
                Ok(Some((CreatedKey::User(owner, key), new_key)))
            }
            (_, Some(subject)) => {
                let (key, new_key) = self.keyring.new_content_key(owner, subject).await?;
                Ok(Some((CreatedKey::Content(subject, key), new_key)))
            }
            (_, None) => Ok(None),
        }
    }

    async fn content_key(&self, new: &NewEvents) -> Result<Option<ContentKey>, StoreError> {
        let has_private = new.events.iter().any(|event| event.payload.get(PRIVATE).is_some());
        match content_subject(new.aggregate, new.aggregate_id) {
            Some(subject) if has_private => self.keyring.content(new.owner, subject).await,
            _ => Ok(None),
        }
    }
}

/// The subject of the key that encrypts the private part of an event; `None` if its aggregate has no key, and
/// for the many events of accounts that have no private part.
pub fn subject_of(event: &RecordedEvent) -> Option<Subject> {
    let is_without = event.aggregate == AggregateType::Account && event.sealed.is_none();
    if is_without { None } else { content_subject(event.aggregate, event.aggregate_id) }
}

/// The subject of the key that encrypts the private parts of an aggregate's events.
pub(crate) const fn content_subject(aggregate: AggregateType, id: Uuid) -> Option<Subject> {
    match aggregate {
        AggregateType::Conversation => Some(Subject::Conversation(id)),
        AggregateType::Document => Some(Subject::Document(id)),
        AggregateType::Account => Some(Subject::User(UserId::new(id))),
        AggregateType::AuditTrail | AggregateType::Operation => None,
    }
}

/// Takes the private part out of the payload and encrypts it.
fn encrypt(
    aggregate: AggregateType,
    aggregate_id: Uuid,
    event: NewEvent,
    key: Option<&ContentKey>,
) -> Result<EncryptedEvent, StoreError> {
    let NewEvent { sequence, event_type, event_version, mut payload } = event;
    let private = match payload.as_object_mut().and_then(|fields| fields.remove(PRIVATE)) {
        None | Some(Value::Null) => None,
        Some(private) => {
            let aad = AssociatedData::Event { aggregate, aggregate_id, sequence, event_type: &event_type };
            let text = serde_json::to_vec(&private).map_err(StoreError::UnserializableEvent)?;
            Some(key.ok_or(StoreError::KeyDestroyed)?.seal(&aad, &text)?)
        }
    };
    Ok(EncryptedEvent {
        sequence,
        event_type,
        event_version,
        event_id: EventId::new(Uuid::now_v7()),
        payload: payload.to_string(),
        private,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ID: Uuid = Uuid::from_u128(7);

    fn asked(payload: Value) -> NewEvent {
        let (event_type, event_version) = ("QuestionAsked".to_owned(), "1".to_owned());
        NewEvent { sequence: Version(2), event_type, event_version, payload }
    }

    #[test]
    fn the_private_part_leaves_the_payload_and_decrypts_in_its_own_event() {
        let key = ContentKey::random().unwrap();
        let event = asked(json!({"type": "QuestionAsked", "private": {"text": "Who?"}}));
        let encrypted = encrypt(AggregateType::Conversation, ID, event, Some(&key)).unwrap();
        assert_eq!(encrypted.payload, r#"{"type":"QuestionAsked"}"#);
        let private = encrypted.private.unwrap();
        let aad = |sequence| AssociatedData::Event {
            aggregate: AggregateType::Conversation,
            aggregate_id: ID,
            sequence,
            event_type: "QuestionAsked",
        };
        assert_eq!(key.open(&aad(Version(2)), &private).unwrap(), br#"{"text":"Who?"}"#);
        assert!(key.open(&aad(Version(3)), &private).is_err());
    }

    #[test]
    fn a_private_part_without_a_key_is_not_stored() {
        let event = asked(json!({"private": {"text": "Who?"}}));
        let refused = encrypt(AggregateType::Conversation, ID, event, None).unwrap_err();
        assert!(matches!(refused, StoreError::KeyDestroyed));
    }

    #[test]
    fn an_event_without_private_part_needs_no_key() {
        for payload in [json!({"type": "ConversationPinned"}), json!({"private": null})] {
            assert!(
                encrypt(AggregateType::Conversation, ID, asked(payload), None).unwrap().private.is_none()
            );
        }
    }
}

//! Encrypts the private parts of events on the way in, and creates the key of a new account, conversation or document.

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
            Some(CreatedKey::Content(subject, key)) => self.keyring.remember_content(subject, key),
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

/// The subject of the key that encrypts the private part of an event; `None` if its aggregate has no key.
pub fn subject_of(event: &RecordedEvent) -> Option<Subject> {
    content_subject(event.aggregate, event.aggregate_id)
}

/// The subject of the key that encrypts the private parts of an aggregate's events.
pub(crate) const fn content_subject(aggregate: AggregateType, id: Uuid) -> Option<Subject> {
    match aggregate {
        AggregateType::Conversation => Some(Subject::Conversation(id)),
        AggregateType::Document => Some(Subject::Document(id)),
        AggregateType::Account | AggregateType::AuditTrail => None,
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

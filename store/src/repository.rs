//! Our `PersistedEventRepository`: seals what is private on the way in, and leaves it sealed on the way out, since an
//! aggregate decides without it.

use std::sync::Arc;

use aggregates::account::Account;
use aggregates::conversation::Conversation;
use aggregates::document::Document;
use aggregates::{AggregateType, UserId, Version};
use cqrs_es::Aggregate;
use cqrs_es::persist::{
    PersistedEventRepository, PersistenceError, ReplayStream, SerializedEvent, SerializedSnapshot,
};
use sealing::{AssociatedData, ContentKey, Subject, UserKey};
use serde_json::Value;
use sqlx::PgPool;
use uuid::Uuid;

use crate::StoreError;
use crate::events::append::{Append, Appender, SealedEvent};
use crate::events::idempotency::IdempotencyKey;
use crate::events::load;
use crate::keys::keyring::{Keyring, NewKey};

/// Metadata entries that tell the repository what to write besides events, and are not kept with them.
pub(crate) const OWNER: &str = "owner";
pub(crate) const IDEMPOTENCY_KEY: &str = "~idempotency_key";
pub(crate) const IDEMPOTENCY_COMMAND: &str = "~idempotency_command";

/// Events of one kind of aggregate in Postgres.
#[derive(Debug, Clone)]
pub(crate) struct EventRepository {
    pub(crate) pool: PgPool,
    pub(crate) appender: Appender,
    pub(crate) keyring: Arc<Keyring>,
}

/// A key made for an append, to be remembered once it is stored.
enum Made {
    User(UserId, UserKey),
    Content(Subject, ContentKey),
}

impl EventRepository {
    async fn append(&self, aggregate: AggregateType, events: &[SerializedEvent]) -> Result<(), StoreError> {
        let Some(first) = events.first() else {
            return Ok(());
        };
        let aggregate_id = parse_id(&first.aggregate_id)?;
        let (owner, idempotency, metadata) = split_metadata(&first.metadata)?;
        let (made, new_key) = self.key_for_first_event(aggregate, aggregate_id, owner, first).await?.unzip();
        let content_key = match &made {
            Some(Made::Content(_, key)) => Some(key.clone()),
            Some(Made::User(..)) => None,
            None => self.content_key(aggregate, aggregate_id, owner, events).await?,
        };
        let append = Append {
            aggregate,
            aggregate_id,
            owner,
            metadata: metadata.to_string(),
            events: events
                .iter()
                .map(|event| seal(aggregate, aggregate_id, event, content_key.as_ref()))
                .collect::<Result<_, _>>()?,
            new_key,
            idempotency,
        };
        self.appender.append(append).await?;
        match made {
            Some(Made::User(user, key)) => self.keyring.remember_user(user, key),
            Some(Made::Content(subject, key)) => self.keyring.remember_content(subject, key),
            None => {}
        }
        Ok(())
    }

    /// An aggregate's first event brings its key.
    async fn key_for_first_event(
        &self,
        aggregate: AggregateType,
        id: Uuid,
        owner: UserId,
        first: &SerializedEvent,
    ) -> Result<Option<(Made, NewKey)>, StoreError> {
        if first.sequence != 1 {
            return Ok(None);
        }
        match (aggregate, content_subject(aggregate, id)) {
            (AggregateType::Account, _) => {
                let (key, new) = self.keyring.new_user_key(owner)?;
                Ok(Some((Made::User(owner, key), new)))
            }
            (_, Some(subject)) => {
                let (key, new) = self.keyring.new_content_key(owner, subject).await?;
                Ok(Some((Made::Content(subject, key), new)))
            }
            (_, None) => Ok(None),
        }
    }

    async fn content_key(
        &self,
        aggregate: AggregateType,
        id: Uuid,
        owner: UserId,
        events: &[SerializedEvent],
    ) -> Result<Option<ContentKey>, StoreError> {
        let private = events.iter().any(|event| event.payload.get("private").is_some());
        match content_subject(aggregate, id) {
            Some(subject) if private => self.keyring.content(owner, subject).await,
            _ => Ok(None),
        }
    }
}

/// Whose key seals the private parts of an aggregate's events.
pub(crate) const fn content_subject(aggregate: AggregateType, id: Uuid) -> Option<Subject> {
    match aggregate {
        AggregateType::Conversation => Some(Subject::Conversation(id)),
        AggregateType::Document => Some(Subject::Document(id)),
        AggregateType::Account | AggregateType::AuditTrail => None,
    }
}

/// Takes the private part out of an event and seals it.
fn seal(
    aggregate: AggregateType,
    aggregate_id: Uuid,
    event: &SerializedEvent,
    key: Option<&ContentKey>,
) -> Result<SealedEvent, StoreError> {
    let mut payload = event.payload.clone();
    let private = payload.as_object_mut().and_then(|fields| fields.remove("private"));
    let sealed = match private {
        None | Some(Value::Null) => None,
        Some(private) => {
            let aad = AssociatedData::Event {
                aggregate,
                aggregate_id,
                sequence: Version(event.sequence as u64),
                event_type: &event.event_type,
            };
            let text = serde_json::to_vec(&private).map_err(corrupt)?;
            Some(key.ok_or(StoreError::KeyDestroyed)?.seal(&aad, &text)?)
        }
    };
    Ok(SealedEvent {
        sequence: i64::try_from(event.sequence).map_err(corrupt)?,
        event_type: event.event_type.clone(),
        event_version: event.event_version.clone(),
        event_id: Uuid::now_v7(),
        payload: payload.to_string(),
        private: sealed,
    })
}

fn split_metadata(metadata: &Value) -> Result<(UserId, Option<IdempotencyKey>, Value), StoreError> {
    let mut fields = metadata.as_object().cloned().unwrap_or_default();
    let owner = fields
        .remove(OWNER)
        .and_then(|owner| owner.as_str()?.parse().ok())
        .ok_or_else(|| StoreError::Corrupt("an event without an owner".to_owned()))?;
    let mut hash = |name| -> Option<[u8; 32]> {
        let hash: blake3::Hash = fields.remove(name)?.as_str()?.parse().ok()?;
        Some(*hash.as_bytes())
    };
    let idempotency = hash(IDEMPOTENCY_KEY)
        .zip(hash(IDEMPOTENCY_COMMAND))
        .map(|(key, command)| IdempotencyKey { key, command });
    Ok((owner, idempotency, Value::Object(fields)))
}

pub(crate) fn parse_id(id: &str) -> Result<Uuid, StoreError> {
    Uuid::try_parse(id).map_err(corrupt)
}

pub(crate) fn corrupt(error: impl std::fmt::Display) -> StoreError {
    StoreError::Corrupt(error.to_string())
}

/// The type of aggregate behind the framework's type parameter.
pub(crate) fn aggregate_type<A: Aggregate>() -> Result<AggregateType, StoreError> {
    debug_assert!([Conversation::TYPE, Account::TYPE, Document::TYPE, "audit_trail"].contains(&A::TYPE));
    A::TYPE.parse().map_err(corrupt)
}

impl PersistedEventRepository for EventRepository {
    async fn get_events<A: Aggregate>(
        &self,
        aggregate_id: &str,
    ) -> Result<Vec<SerializedEvent>, PersistenceError> {
        self.get_last_events::<A>(aggregate_id, 0).await
    }

    async fn get_last_events<A: Aggregate>(
        &self,
        aggregate_id: &str,
        last_sequence: usize,
    ) -> Result<Vec<SerializedEvent>, PersistenceError> {
        Ok(load::events_after(&self.pool, A::TYPE, parse_id(aggregate_id)?, last_sequence).await?)
    }

    /// There are no snapshots: in snapshot mode the framework applies events twice.
    async fn get_snapshot<A: Aggregate>(
        &self,
        _id: &str,
    ) -> Result<Option<SerializedSnapshot>, PersistenceError> {
        Ok(None)
    }

    async fn persist<A: Aggregate>(
        &self,
        events: &[SerializedEvent],
        _snapshot: Option<(String, Value, usize)>,
    ) -> Result<(), PersistenceError> {
        Ok(self.append(aggregate_type::<A>()?, events).await?)
    }

    async fn stream_events<A: Aggregate>(
        &self,
        aggregate_id: &str,
    ) -> Result<ReplayStream, PersistenceError> {
        let events = self.get_events::<A>(aggregate_id).await?;
        let (mut feed, stream) = ReplayStream::new(events.len().max(1));
        for event in events {
            feed.push(Ok(event)).await?;
        }
        Ok(stream)
    }

    /// History over all aggregates is read from the ledger, which knows its order.
    async fn stream_all_events<A: Aggregate>(&self) -> Result<ReplayStream, PersistenceError> {
        Err(StoreError::Corrupt("all events are read from the ledger".to_owned()).into())
    }
}

//! Decrypts private parts of events after they are read.

use aggregates::{Position, RecordedEvent};
use sealing::{AssociatedData, ContentKey};

use crate::events::encrypt::subject_of;
use crate::{ContentKeys, Store, StoreError};

/// An event whose private part stays encrypted although its key exists: the database was changed, or the key
/// is not the one that encrypted it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undecryptable {
    /// The position of the event, 0 if it was read before it was sequenced.
    pub position: Position,
    /// Its index in the batch.
    pub index: usize,
    /// The reason, without any text of the private part.
    pub reason: String,
}

impl Store {
    /// Decrypts the private parts of a batch of events and returns the keys. At most two round trips.
    ///
    /// A private part whose key was destroyed stays encrypted. So does one that does not match its key,
    /// aggregate, sequence and type, which is logged: the database was changed.
    pub async fn decrypt_events(&self, events: &mut [RecordedEvent]) -> Result<ContentKeys, StoreError> {
        let (keys, undecryptable) = self.try_decrypt_events(events).await?;
        for Undecryptable { position, reason, .. } in undecryptable {
            tracing::error!(%position, reason, "private part of an event cannot be decrypted");
        }
        Ok(keys)
    }

    /// The same, and returns what cannot be decrypted instead of logging it.
    pub async fn try_decrypt_events(
        &self,
        events: &mut [RecordedEvent],
    ) -> Result<(ContentKeys, Vec<Undecryptable>), StoreError> {
        let mut wanted: Vec<_> =
            events.iter().filter_map(|event| Some((event.owner, subject_of(event)?))).collect();
        wanted.sort_unstable();
        wanted.dedup();
        let keys = self.keyring.content_keys(&wanted).await?;
        let mut undecryptable = Vec::new();
        for (index, event) in events.iter_mut().enumerate() {
            if let Some(key) = subject_of(event).and_then(|subject| keys.get(&(event.owner, subject)))
                && let Err(reason) = decrypt_event(event, key)
            {
                undecryptable.push(Undecryptable { position: event.position, index, reason });
            }
        }
        Ok((keys, undecryptable))
    }
}

fn decrypt_event(event: &mut RecordedEvent, key: &ContentKey) -> Result<(), String> {
    let Some(private) = &event.sealed else { return Ok(()) };
    let aad = AssociatedData::Event {
        aggregate: event.aggregate,
        aggregate_id: event.aggregate_id,
        sequence: event.sequence,
        event_type: event.event.name(),
    };
    let json = key.open(&aad, private).map_err(|error| error.to_string())?;
    // The error of the parser quotes the text, and is not kept.
    event.event.open_private(&json).map_err(|error| {
        format!("the private part is invalid at line {}, column {}", error.line(), error.column())
    })
}

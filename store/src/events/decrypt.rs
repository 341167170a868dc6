//! Opens the private parts of events that were read sealed.

use aggregates::RecordedEvent;
use sealing::{AssociatedData, ContentKey, Subject};

use crate::repository::content_subject;
use crate::{ContentKeys, Store, StoreError};

impl Store {
    /// Opens what is private in a batch of events, and returns the keys it took. Two round trips at most.
    ///
    /// What was erased stays sealed. So does what does not fit its key and place, which is logged: it was tampered with.
    pub async fn open(&self, events: &mut [RecordedEvent]) -> Result<ContentKeys, StoreError> {
        let mut wanted: Vec<_> = events
            .iter()
            .filter_map(|event| Some((event.owner, content_subject(event.aggregate, event.aggregate_id)?)))
            .collect();
        wanted.sort_unstable();
        wanted.dedup();
        let keys = self.keyring.content_keys(&wanted).await?;
        for event in events {
            if let Some(key) = subject_of(event).and_then(|subject| keys.get(&subject)) {
                open_event(event, key);
            }
        }
        Ok(keys)
    }
}

/// Whose key seals an event's private part.
pub fn subject_of(event: &RecordedEvent) -> Option<Subject> {
    content_subject(event.aggregate, event.aggregate_id)
}

fn open_event(event: &mut RecordedEvent, key: &ContentKey) {
    let Some(sealed) = &event.sealed else { return };
    let aad = AssociatedData::Event {
        aggregate: event.aggregate,
        aggregate_id: event.aggregate_id,
        sequence: event.sequence,
        event_type: event.event.name(),
    };
    let opened = key.open(&aad, sealed).map_err(|error| error.to_string());
    if let Err(error) =
        opened.and_then(|json| event.event.open_private(&json).map_err(|error| error.to_string()))
    {
        tracing::error!(position = %event.position, error, "the private part of an event cannot be opened");
    }
}

//! Decrypts private parts of events after they are read.

use aggregates::RecordedEvent;
use sealing::{AssociatedData, ContentKey};

use crate::events::encrypt::subject_of;
use crate::{ContentKeys, Store, StoreError};

impl Store {
    /// Decrypts the private parts of a batch of events and returns the keys. At most two round trips.
    ///
    /// A private part whose key was destroyed stays encrypted. So does one that does not match its key,
    /// aggregate, sequence and type, which is logged: the database was changed.
    pub async fn decrypt_events(&self, events: &mut [RecordedEvent]) -> Result<ContentKeys, StoreError> {
        let mut wanted: Vec<_> =
            events.iter().filter_map(|event| Some((event.owner, subject_of(event)?))).collect();
        wanted.sort_unstable();
        wanted.dedup();
        let keys = self.keyring.content_keys(&wanted).await?;
        for event in events {
            if let Some(key) = subject_of(event).and_then(|subject| keys.get(&(event.owner, subject))) {
                decrypt_event(event, key);
            }
        }
        Ok(keys)
    }
}

fn decrypt_event(event: &mut RecordedEvent, key: &ContentKey) {
    let Some(private) = &event.sealed else { return };
    let aad = AssociatedData::Event {
        aggregate: event.aggregate,
        aggregate_id: event.aggregate_id,
        sequence: event.sequence,
        event_type: event.event.name(),
    };
    let position = event.position;
    match key.open(&aad, private) {
        Err(error) => tracing::error!(%position, %error, "private part of an event cannot be decrypted"),
        Ok(json) => {
            if let Err(error) = event.event.open_private(&json) {
                // The error of the parser quotes the text, and is not logged.
                let (line, column) = (error.line(), error.column());
                tracing::error!(%position, line, column, "private part of an event is invalid");
            }
        }
    }
}

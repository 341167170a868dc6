//! Faults for tests: a bug in the projection of one aggregate.

use std::sync::{Mutex, PoisonError};

use uuid::Uuid;

use crate::{DecryptedEvent, ReadModel};

static PANICS: Mutex<Vec<(ReadModel, Uuid)>> = Mutex::new(Vec::new());

/// Lets the projection of an aggregate into a read model panic in this process, until the fault is mended.
pub fn panic_at(model: ReadModel, aggregate: Uuid) {
    PANICS.lock().unwrap_or_else(PoisonError::into_inner).push((model, aggregate));
}

/// Mends the faults of an aggregate.
pub fn mend(aggregate: Uuid) {
    PANICS.lock().unwrap_or_else(PoisonError::into_inner).retain(|(_, id)| *id != aggregate);
}

pub(crate) fn strike(model: ReadModel, events: &[DecryptedEvent]) {
    let faults = PANICS.lock().unwrap_or_else(PoisonError::into_inner).clone();
    for event in events {
        assert!(!faults.contains(&(model, event.recorded.aggregate_id)), "the fault of a test");
    }
}

//! Quarantine: an aggregate of which an event cannot be applied to a read model has no rows in it until the
//! quarantine ends. All other aggregates go on, and so do the other read models of this one.
//!
//! The rows go in the transaction that would have applied the event, and later events of the aggregate are
//! left out, so that no reader sees half of an aggregate. Sums that many aggregates share stay: they lack the
//! event and those after it. Where many aggregates fail for one cause, none is quarantined, and the read models
//! wait (`brake`). The end of a quarantine builds the rows again from the first event on
//! ([`Release`]).

mod brake;
mod failure;
mod isolate;
mod journal;
mod records;
mod release;
mod set;

pub use brake::DEFAULT_LIMIT;
pub(crate) use failure::caught;
pub use journal::{forget_recorded, unrecorded_operations};
pub(crate) use records::move_to_live;
pub use records::{
    MAX_COUNT, QuarantinedAggregate, ReadModelCount, counts, is_quarantined, list, of_aggregate,
    quarantined_among,
};
pub use release::{Release, Released};
pub use set::QuarantineSet;
pub(crate) use set::lock_read_models;

use aggregates::operation::QuarantineOutcome;
use database::Transaction;

use crate::{DecryptedEvent, QueryError, ReadModel, UnappliedEvent};

/// A read model and the table that is filled: its own, or that of a rebuild.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Target<'a> {
    pub(crate) model: ReadModel,
    pub(crate) table: &'a str,
}

impl Target<'_> {
    /// Whether readers see the table.
    fn is_live(self) -> bool {
        self.table == self.model.name()
    }
}

/// Mode of applying a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// All events by the same statements. Fails as a whole.
    Whole,
    /// The same, and where the statements fail for a reason that lasts, the aggregates at fault are searched
    /// by bisection and quarantined. Costs savepoints.
    Isolating,
}

/// Applies a part of a batch to one read model, without the aggregates that are quarantined for it, and
/// quarantines those whose events are unreadable. Fails instead where the installation is at fault (`brake`).
/// Returns whether the quarantine has changed. After an error the set has to be forgotten.
pub(crate) async fn apply(
    target: Target<'_>,
    transaction: &mut Transaction<'_>,
    (events, unreadable): (&[DecryptedEvent], &[UnappliedEvent]),
    set: &mut QuarantineSet,
    mode: Mode,
) -> Result<bool, QueryError> {
    let mut found = Vec::new();
    for event in unreadable.iter().filter(|event| target.model.lacks(event)) {
        if set.hold(target.model, event) {
            found.push(event.clone());
        }
    }
    let wanted = set.wanted(target.model, events);
    match mode {
        Mode::Whole => caught(target.model.apply(target.table, transaction, &wanted)).await?,
        Mode::Isolating => {
            for event in isolate::apply(target, transaction, &wanted).await? {
                set.hold(target.model, &event);
                found.push(event);
            }
        }
    }
    let ended = set.release_purged(target.model, events);
    found.retain(|event| !ended.iter().any(|ended| ended.key() == event.key()));
    if found.is_empty() && ended.is_empty() {
        return Ok(false);
    }
    if !found.is_empty() {
        brake::check(target, transaction, &found, &wanted, set.limit()).await?;
    }
    records::hold(target, transaction, &found).await?;
    records::release(target, transaction, &ended, QuarantineOutcome::Erased).await?;
    Ok(true)
}

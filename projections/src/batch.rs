//! Consecutive events of the ledger, as they are handed to the read models.

use std::collections::HashSet;

use aggregates::operation::QuarantineCause;
use aggregates::{AggregateType, Position, RecordedEvent, UserId, Version};
use uuid::Uuid;

use crate::{DecryptedEvent, ReadModel};

/// Consecutive events of the ledger, as far as they can be read.
#[derive(Debug, Clone, Default)]
pub struct LedgerBatch {
    pub(crate) events: Vec<DecryptedEvent>,
    pub(crate) unreadable: Vec<UnappliedEvent>,
    range: Option<(Position, Position)>,
    gap: Option<Position>,
}

/// An event that cannot be applied, and why. Names no text that a person wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnappliedEvent {
    /// The event's place in the ledger.
    pub position: Position,
    /// The kind of aggregate.
    pub aggregate: AggregateType,
    /// The aggregate.
    pub aggregate_id: Uuid,
    /// The event's place among the aggregate's events.
    pub sequence: Version,
    /// The owner of the aggregate.
    pub owner: UserId,
    /// The name of the event, as it is stored.
    pub event_type: String,
    /// Why the event cannot be applied.
    pub cause: QuarantineCause,
    /// The error, for an operator.
    pub detail: String,
}

/// Characters of an error that are kept.
const DETAIL_CHARACTERS: usize = 300;

impl UnappliedEvent {
    /// An event that was read but cannot be applied.
    pub fn of(event: &RecordedEvent, cause: QuarantineCause, detail: &str) -> Self {
        Self {
            position: event.position,
            aggregate: event.aggregate,
            aggregate_id: event.aggregate_id,
            sequence: event.sequence,
            owner: event.owner,
            event_type: event.event.name().to_owned(),
            cause,
            detail: bounded(detail),
        }
    }

    /// The kind and the id of the aggregate.
    pub(crate) const fn key(&self) -> (AggregateType, Uuid) {
        (self.aggregate, self.aggregate_id)
    }
}

/// The first characters of an error.
pub fn bounded(detail: &str) -> String {
    detail.chars().take(DETAIL_CHARACTERS).collect()
}

impl LedgerBatch {
    /// The events at these positions. Of those that a read model cannot use, `unreadable` names the reason:
    /// an event whose private part does not decrypt is among `events` as well.
    pub fn new(
        positions: impl IntoIterator<Item = Position>,
        events: Vec<DecryptedEvent>,
        unreadable: Vec<UnappliedEvent>,
    ) -> Self {
        let (mut range, mut gap): (Option<(Position, Position)>, _) = (None, None);
        for position in positions {
            match &mut range {
                None => range = Some((position, position)),
                Some((_, last)) => {
                    if position != last.next() {
                        gap = gap.or(Some(last.next()));
                    }
                    *last = position;
                }
            }
        }
        Self { events, unreadable, range, gap }
    }

    /// The first position and the last one; `None` without events.
    pub const fn range(&self) -> Option<(Position, Position)> {
        self.range
    }

    /// The events that were read.
    pub fn events(&self) -> impl Iterator<Item = &RecordedEvent> {
        self.events.iter().map(|event| &event.recorded)
    }

    /// The events that were not read, or not decrypted.
    pub fn unreadable(&self) -> &[UnappliedEvent] {
        &self.unreadable
    }

    /// The first position that is missing among the others.
    pub(crate) const fn gap(&self) -> Option<Position> {
        self.gap
    }

    /// The part after a position.
    pub(crate) fn after(&self, position: Position) -> (&[DecryptedEvent], &[UnappliedEvent]) {
        let events = self.events.partition_point(|event| event.recorded.position <= position);
        let unreadable = self.unreadable.partition_point(|event| event.position <= position);
        (self.events.get(events..).unwrap_or_default(), self.unreadable.get(unreadable..).unwrap_or_default())
    }

    /// The aggregates that the batch changes, each once.
    pub(crate) fn aggregates(&self) -> HashSet<(AggregateType, UserId, Uuid)> {
        let read = self.events.iter().map(|event| &event.recorded);
        let read = read.map(|event| (event.aggregate, event.owner, event.aggregate_id));
        let unreadable =
            self.unreadable.iter().map(|event| (event.aggregate, event.owner, event.aggregate_id));
        read.chain(unreadable).collect()
    }
}

impl From<&[DecryptedEvent]> for LedgerBatch {
    fn from(events: &[DecryptedEvent]) -> Self {
        Self::new(events.iter().map(|event| event.recorded.position), events.to_vec(), vec![])
    }
}

impl ReadModel {
    /// Whether the read model needs what makes the event unusable.
    pub(crate) fn lacks(self, event: &UnappliedEvent) -> bool {
        // Counts and numbers of tokens are not private.
        let is_private = event.cause == QuarantineCause::Undecryptable;
        self.is_of(event.aggregate) && !(self == Self::UsageDays && is_private)
    }

    /// Whether the read model is made of aggregates of this kind.
    pub(crate) const fn is_of(self, aggregate: AggregateType) -> bool {
        match aggregate {
            AggregateType::Conversation => {
                matches!(self, Self::Conversations | Self::Messages | Self::SearchEntries | Self::UsageDays)
            }
            AggregateType::Document => matches!(self, Self::Documents),
            AggregateType::Account => matches!(self, Self::Accounts),
            AggregateType::AuditTrail | AggregateType::Operation => false,
        }
    }
}

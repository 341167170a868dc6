//! Events that come after the end of what they belong to: an append that began before its owner's keys were
//! destroyed can commit afterwards, and a pending answer ends after its conversation was erased. The read
//! models have no rows for them, so that nothing comes back after a purge. The sums of tokens have no row of a
//! conversation and count what was spent for an erased one.

use std::borrow::Cow;
use std::collections::HashMap;

use aggregates::conversation::ConversationEvent;
use aggregates::{AggregateType, Event, Position, UserId};
use database::Transaction;
use uuid::Uuid;

use crate::{DecryptedEvent, LedgerBatch, ReadModel};

/// The events of a batch that are not late.
pub(crate) struct Timely<'a> {
    rows: Cow<'a, LedgerBatch>,
    /// The same with tokens that were spent for erased conversations, if there are any late events.
    sums: Option<LedgerBatch>,
}

impl Timely<'_> {
    /// The events for a read model.
    pub(crate) fn of(&self, model: ReadModel) -> &LedgerBatch {
        match (model, &self.sums) {
            (ReadModel::UsageDays, Some(sums)) => sums,
            _ => &self.rows,
        }
    }
}

/// Returns the batch without the events of conversations and documents whose owner's keys, and of
/// conversations that themselves, were erased at an earlier position. The ledger decides it, so that a
/// rebuild leaves out the same events. One round trip.
pub(crate) async fn without_late_events<'a>(
    transaction: &mut Transaction<'_>,
    batch: &'a LedgerBatch,
) -> Result<Timely<'a>, sqlx::Error> {
    let all_of = |batch| Timely { rows: Cow::Borrowed(batch), sums: None };
    let concerned = batch.aggregates().into_iter().filter(|(aggregate, ..)| ends(*aggregate));
    let (mut owners, mut aggregates): (Vec<UserId>, Vec<Uuid>) =
        concerned.map(|(_, owner, id)| (owner, id)).unzip();
    owners.sort_unstable();
    owners.dedup();
    aggregates.sort_unstable();
    if owners.is_empty() {
        return Ok(all_of(batch));
    }
    let erased: Vec<(bool, Uuid, Position)> =
        sqlx::query_as(ERASED).bind(owners).bind(aggregates).fetch_all(&mut *transaction).await?;
    if erased.is_empty() {
        return Ok(all_of(batch));
    }
    let erased: HashMap<(bool, Uuid), Position> =
        erased.into_iter().map(|(is_owner, id, position)| ((is_owner, id), position)).collect();
    let is_erased =
        |key, position: Position| erased.get(&key).is_some_and(|erased: &Position| *erased < position);
    let is_owner_erased = |owner: UserId, position| is_erased((true, owner.uuid()), position);
    let is_late = |aggregate, owner, id, position| {
        ends(aggregate) && (is_owner_erased(owner, position) || is_erased((false, id), position))
    };
    let mut rows = batch.clone();
    rows.events.retain(|DecryptedEvent { recorded, .. }| {
        !is_late(recorded.aggregate, recorded.owner, recorded.aggregate_id, recorded.position)
    });
    rows.unreadable
        .retain(|event| !is_late(event.aggregate, event.owner, event.aggregate_id, event.position));
    let mut sums = batch.clone();
    sums.events.retain(|DecryptedEvent { recorded, .. }| {
        is_of_tokens(&recorded.event) && !is_owner_erased(recorded.owner, recorded.position)
            || !is_late(recorded.aggregate, recorded.owner, recorded.aggregate_id, recorded.position)
    });
    sums.unreadable.clone_from(&rows.unreadable);
    Ok(Timely { rows: Cow::Owned(rows), sums: Some(sums) })
}

/// Whether an event tells tokens and nothing else.
const fn is_of_tokens(event: &Event) -> bool {
    matches!(event, Event::Conversation(ConversationEvent::TokensSpent { .. }))
}

/// Whether the aggregates of a type end with their owner.
const fn ends(aggregate: AggregateType) -> bool {
    match aggregate {
        AggregateType::Conversation | AggregateType::Document => true,
        AggregateType::Account | AggregateType::AuditTrail | AggregateType::Operation => false,
    }
}

/// The request for an erasure, which has an index, limits the search to accounts that are being erased.
const ERASED: &str = "
SELECT true, r.aggregate_id, min(l.position)
  FROM UNNEST((SELECT $1::uuid[])) AS owners (id)
  JOIN events r ON r.aggregate_id = owners.id AND r.event_type = 'AccountErasureRequested'
   AND r.aggregate_type = 'account'
  JOIN events s ON s.aggregate_type = 'account' AND s.aggregate_id = r.aggregate_id AND s.sequence > r.sequence
   AND s.event_type = 'StoreErased' AND s.payload ->> 'store' = 'keys'
  JOIN ledger l ON l.aggregate_type = s.aggregate_type AND l.aggregate_id = s.aggregate_id AND l.sequence = s.sequence
 GROUP BY r.aggregate_id
UNION ALL
SELECT false, e.aggregate_id, l.position
  FROM UNNEST((SELECT $2::uuid[])) AS aggregates (id)
  JOIN events e ON e.aggregate_id = aggregates.id AND e.event_type = 'ConversationErased'
   AND e.aggregate_type = 'conversation'
  JOIN ledger l ON l.aggregate_type = e.aggregate_type AND l.aggregate_id = e.aggregate_id AND l.sequence = e.sequence";

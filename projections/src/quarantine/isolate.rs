//! Finds the aggregates whose events make a batch fail, by bisection: each half is applied in a savepoint,
//! and a half that fails is halved again. The aggregates that are not at fault are applied together.

use std::collections::HashMap;

use aggregates::AggregateType;
use aggregates::operation::QuarantineCause;
use database::Transaction;
use uuid::Uuid;

use super::{Target, caught};
use crate::purge::{self, PurgeScope};
use crate::{DecryptedEvent, QueryError, UnappliedEvent};

/// Applies events and returns the first event of each aggregate that cannot be applied. Of such an aggregate
/// the events before it are applied, and those after it are not.
///
/// Costs two applications of the batch, and for each aggregate at fault a savepoint for each halving and each
/// of its events.
pub(super) async fn apply(
    target: Target<'_>,
    transaction: &mut Transaction<'_>,
    events: &[DecryptedEvent],
) -> Result<Vec<UnappliedEvent>, QueryError> {
    let mut found: Vec<UnappliedEvent> = Vec::new();
    for part in events.split_inclusive(|event| PurgeScope::of(event).is_some()) {
        let is_left_out = |event: &&DecryptedEvent| found.iter().any(|at_fault| at_fault.key() == key(event));
        let groups = by_aggregate(part.iter().filter(|event| !is_left_out(event)));
        // Ranges of groups, from the first to the one after the last.
        let mut ranges = vec![(0, groups.len())];
        while let Some((start, end)) = ranges.pop() {
            let together = in_order(groups.get(start..end).unwrap_or_default());
            if together.is_empty() {
                continue;
            }
            if attempt(target, transaction, &together).await?.is_none() {
                continue;
            }
            if end - start == 1 {
                found.extend(first_at_fault(target, transaction, &together).await?);
            } else {
                let middle = start.midpoint(end);
                ranges.extend([(middle, end), (start, middle)]);
            }
        }
        if let Some(scope) = part.last().and_then(PurgeScope::of) {
            purge::apply(target.model, target.table, transaction, scope).await?;
        }
    }
    Ok(found)
}

fn key(event: &DecryptedEvent) -> (AggregateType, Uuid) {
    (event.recorded.aggregate, event.recorded.aggregate_id)
}

fn by_aggregate<'a>(events: impl Iterator<Item = &'a DecryptedEvent>) -> Vec<Vec<&'a DecryptedEvent>> {
    let mut groups: Vec<Vec<&DecryptedEvent>> = Vec::new();
    let mut places: HashMap<_, usize> = HashMap::new();
    for event in events {
        let place = *places.entry(key(event)).or_insert(groups.len());
        match groups.get_mut(place) {
            Some(group) => group.push(event),
            None => groups.push(vec![event]),
        }
    }
    groups
}

fn in_order(groups: &[Vec<&DecryptedEvent>]) -> Vec<DecryptedEvent> {
    let mut events: Vec<DecryptedEvent> = groups.iter().flatten().map(|event| (*event).clone()).collect();
    events.sort_by_key(|event| event.recorded.position);
    events
}

/// Applies the events of one aggregate one by one, up to the first that cannot be applied. Events that cannot
/// be applied together, but each alone, are applied.
async fn first_at_fault(
    target: Target<'_>,
    transaction: &mut Transaction<'_>,
    events: &[DecryptedEvent],
) -> Result<Option<UnappliedEvent>, QueryError> {
    for event in events {
        if let Some((cause, detail)) = attempt(target, transaction, std::slice::from_ref(event)).await? {
            return Ok(Some(UnappliedEvent::of(&event.recorded, cause, &detail)));
        }
    }
    Ok(None)
}

/// Applies events in a savepoint. Returns why they cannot be applied; nothing of them is applied then.
async fn attempt(
    target: Target<'_>,
    transaction: &mut Transaction<'_>,
    events: &[DecryptedEvent],
) -> Result<Option<(QuarantineCause, String)>, QueryError> {
    let mut savepoint = transaction.begin().await?;
    match caught(target.model.fold(target.table, &mut savepoint, events)).await {
        Ok(()) => {
            savepoint.commit().await?;
            Ok(None)
        }
        Err(error) => {
            let Some(cause) = error.lasting_cause() else { return Err(error) };
            savepoint.rollback().await?;
            Ok(Some(cause))
        }
    }
}

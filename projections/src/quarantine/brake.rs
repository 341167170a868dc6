//! Stops the quarantine where it would take whatever it meets. What many aggregates fail at for one cause is a
//! fault of the database or of the release: it passes with its cause, and the aggregates wait for that.

use std::collections::{BTreeMap, HashSet};

use aggregates::UserId;
use aggregates::operation::QuarantineCause;
use database::Transaction;
use uuid::Uuid;

use super::Target;
use crate::{DecryptedEvent, QueryError, UnappliedEvent};

/// Aggregates that go into the quarantine of a read model within one hour for one cause, unless a projector
/// is told another number.
pub const DEFAULT_LIMIT: u32 = 50;
const WINDOW: &str = "1 hour";
/// The fewest people whose failures may be those of the installation.
const FEW_PEOPLE: usize = 3;
/// Quarantined aggregates whose owners are counted at most.
const MAX_COUNTED: i64 = 10_000;

/// Fails if the events at fault are those of the installation: with them, more than `limit` aggregates are in
/// quarantine for one cause since an hour, and they belong to at least as many people as there are others
/// whose events were applied.
///
/// Others are counted by events of the same types: a bug in one type leaves all other types as they were. The
/// failures of fewer than [`FEW_PEOPLE`] are theirs alone, so that nobody can stop the projector. A rebuild counts what the live read model applies and the new table does not.
pub(super) async fn check(
    target: Target<'_>,
    transaction: &mut Transaction<'_>,
    found: &[UnappliedEvent],
    wanted: &[DecryptedEvent],
    limit: usize,
) -> Result<(), QueryError> {
    let known = if target.is_live() { HashSet::new() } else { in_live(target, transaction, found).await? };
    let mut by_cause: BTreeMap<&str, Vec<&UnappliedEvent>> = BTreeMap::new();
    for event in found.iter().filter(|event| !known.contains(&event.aggregate_id)) {
        by_cause.entry(event.cause.name()).or_default().push(event);
    }
    for at_fault in by_cause.into_values() {
        let Some(cause) = at_fault.first().map(|event| event.cause) else { continue };
        let recent = recent(target, transaction, cause).await?;
        let aggregates = recent.len() + at_fault.len();
        if aggregates <= limit {
            continue;
        }
        let failing: HashSet<UserId> =
            recent.into_iter().chain(at_fault.iter().map(|event| event.owner)).collect();
        if failing.len() >= FEW_PEOPLE
            && failing.len() >= unharmed(target, &at_fault, found, wanted, &failing)
        {
            return Err(QueryError::TooManyFailures { model: target.model, aggregates, cause });
        }
    }
    Ok(())
}

/// The number of people whose events were applied and none of whose aggregates failed.
fn unharmed(
    target: Target<'_>,
    at_fault: &[&UnappliedEvent],
    found: &[UnappliedEvent],
    wanted: &[DecryptedEvent],
    failing: &HashSet<UserId>,
) -> usize {
    let types: HashSet<&str> = at_fault.iter().map(|event| event.event_type.as_str()).collect();
    let is_comparable = |event: &DecryptedEvent| {
        target.model.is_of(event.recorded.aggregate) && types.contains(event.recorded.event.name())
    };
    let held: HashSet<_> = found.iter().map(UnappliedEvent::key).collect();
    let owners: HashSet<UserId> = wanted
        .iter()
        .filter(|event| is_comparable(event))
        .filter(|event| !held.contains(&(event.recorded.aggregate, event.recorded.aggregate_id)))
        .map(|event| event.recorded.owner)
        .collect();
    owners.difference(failing).count()
}

/// The owners of the aggregates that went into quarantine lately, one entry for each aggregate.
async fn recent(
    target: Target<'_>,
    transaction: &mut Transaction<'_>,
    cause: QuarantineCause,
) -> Result<Vec<UserId>, QueryError> {
    let owners = sqlx::query_scalar(
        "SELECT q.owner FROM quarantine q
          WHERE q.read_model = $1 AND q.cause = $2 AND q.quarantined_at > clock_timestamp() - $3::interval
            AND ($1 = $4 OR NOT EXISTS (
                SELECT FROM quarantine live WHERE live.read_model = $4
                   AND live.aggregate_type = q.aggregate_type AND live.aggregate_id = q.aggregate_id))
          LIMIT $5",
    )
    .bind(target.table)
    .bind(cause)
    .bind(WINDOW)
    .bind(target.model.name())
    .bind(MAX_COUNTED)
    .fetch_all(&mut *transaction)
    .await?;
    Ok(owners)
}

/// Those of the aggregates that are quarantined in the live read model too.
async fn in_live(
    target: Target<'_>,
    transaction: &mut Transaction<'_>,
    found: &[UnappliedEvent],
) -> Result<HashSet<Uuid>, QueryError> {
    let ids: Vec<Uuid> = sqlx::query_scalar(
        "SELECT aggregate_id FROM quarantine WHERE read_model = $1 AND aggregate_id = ANY($2)",
    )
    .bind(target.model.name())
    .bind(found.iter().map(|event| event.aggregate_id).collect::<Vec<_>>())
    .fetch_all(&mut *transaction)
    .await?;
    Ok(ids.into_iter().collect())
}

//! Reads of aggregates that have no rows, because one of their events cannot be applied.

use aggregates::UserId;
use projections::{ReadModel, quarantine};
use uuid::Uuid;

use crate::api::problem::Problem;
use store::{Store, StoreError};

/// Read models of the routes that show one conversation.
pub(in crate::api) const OF_CONVERSATIONS: &[ReadModel] = &[ReadModel::Conversations, ReadModel::Messages];

/// Fails with [`Problem::quarantined`] if an owner's aggregate is quarantined in one of the read models. One
/// round trip; a read asks only where a row is missing.
pub(in crate::api) async fn check(
    store: &Store,
    owner: UserId,
    id: Uuid,
    models: &[ReadModel],
) -> Result<(), Problem> {
    let found = quarantine::is_quarantined(store.read_models(), owner, id, models).await;
    if found.map_err(StoreError::from_query)? { Err(Problem::quarantined()) } else { Ok(()) }
}

/// The problem of a read that found no row: the aggregate is quarantined, or does not exist.
pub(in crate::api) async fn absent(store: &Store, owner: UserId, id: Uuid, models: &[ReadModel]) -> Problem {
    check(store, owner, id, models).await.err().unwrap_or_else(Problem::not_found)
}

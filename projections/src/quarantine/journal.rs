//! Changes of the quarantine that are not recorded as events yet. They are written with the change, so that
//! none is forgotten when a process dies, and recorded afterwards under an id of their own, so that each is
//! recorded once.

use aggregates::operation::{OperationEvent, QuarantineOutcome};
use database::Transaction;
use sqlx::PgExecutor;
use sqlx::types::Json;
use uuid::Uuid;

use super::Target;
use super::set::HeldAggregate;
use crate::{QueryError, UnappliedEvent};

/// Writes down that aggregates were quarantined.
pub(super) async fn quarantined(
    target: Target<'_>,
    transaction: &mut Transaction<'_>,
    events: &[UnappliedEvent],
) -> Result<(), QueryError> {
    let events = events.iter().map(|event| OperationEvent::Quarantined {
        read_model: target.model.name().to_owned(),
        aggregate: event.aggregate,
        aggregate_id: event.aggregate_id,
        position: event.position,
        event_type: event.event_type.clone(),
        cause: event.cause,
    });
    write(transaction, events.collect()).await
}

/// Writes down that quarantines ended.
pub(super) async fn ended(
    target: Target<'_>,
    transaction: &mut Transaction<'_>,
    aggregates: &[HeldAggregate],
    outcome: QuarantineOutcome,
) -> Result<(), QueryError> {
    let events = aggregates.iter().map(|held| OperationEvent::QuarantineEnded {
        read_model: target.model.name().to_owned(),
        aggregate: held.aggregate,
        aggregate_id: held.aggregate_id,
        position: held.position,
        outcome,
    });
    write(transaction, events.collect()).await
}

async fn write(transaction: &mut Transaction<'_>, events: Vec<OperationEvent>) -> Result<(), QueryError> {
    if events.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "INSERT INTO unrecorded_operations (id, event)
         SELECT gen_random_uuid(), event FROM UNNEST($1::json[]) WITH ORDINALITY AS e (event, place) ORDER BY place",
    )
    .bind(events.into_iter().map(Json).collect::<Vec<_>>())
    .execute(&mut *transaction)
    .await?;
    Ok(())
}

/// Operations that are not recorded as events, oldest first, with the ids of their runs.
pub async fn unrecorded_operations(
    executor: impl PgExecutor<'_>,
    limit: u32,
) -> Result<Vec<(Uuid, OperationEvent)>, QueryError> {
    let rows: Vec<(Uuid, Json<OperationEvent>)> =
        sqlx::query_as("SELECT id, event FROM unrecorded_operations ORDER BY place LIMIT $1")
            .bind(i64::from(limit))
            .fetch_all(executor)
            .await?;
    Ok(rows.into_iter().map(|(id, Json(event))| (id, event)).collect())
}

/// Forgets an operation that is recorded.
pub async fn forget_recorded(executor: impl PgExecutor<'_>, id: Uuid) -> Result<(), QueryError> {
    sqlx::query("DELETE FROM unrecorded_operations WHERE id = $1").bind(id).execute(executor).await?;
    Ok(())
}

//! The table of quarantined aggregates, and the rows that go with an aggregate.

use aggregates::operation::{QuarantineCause, QuarantineOutcome};
use aggregates::{AggregateType, Position, UserId, Version};
use chrono::{DateTime, Utc};
use database::Transaction;
use sqlx::{FromRow, PgExecutor};
use uuid::Uuid;

use super::set::HeldAggregate;
use super::{Target, journal};
use crate::{QueryError, ReadModel, UnappliedEvent};

/// A quarantined aggregate of a read model.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct QuarantinedAggregate {
    /// The name of the read model.
    pub read_model: String,
    /// The kind of aggregate.
    pub aggregate_type: AggregateType,
    /// The aggregate.
    pub aggregate_id: Uuid,
    /// The owner of the aggregate.
    pub owner: UserId,
    /// The place in the ledger of the event that was not applied.
    pub position: Position,
    /// Its place among the aggregate's events.
    pub sequence: Version,
    /// Its name, as it is stored.
    pub event_type: String,
    /// Why it was not applied.
    pub cause: QuarantineCause,
    /// The error.
    pub detail: String,
    /// Number of attempts.
    pub attempts: i32,
    /// The time of the first attempt.
    pub quarantined_at: DateTime<Utc>,
}

/// The number of quarantined aggregates of a read model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadModelCount {
    /// The read model.
    pub model: ReadModel,
    /// The number, counted up to [`MAX_COUNT`] in all.
    pub aggregates: u64,
}

/// Rows that a count reads at most.
pub const MAX_COUNT: i64 = 100_000;

/// Quarantined aggregates after one of them, in the order of their read models and ids.
pub async fn list(
    executor: impl PgExecutor<'_>,
    after: Option<&QuarantinedAggregate>,
    limit: u32,
) -> Result<Vec<QuarantinedAggregate>, QueryError> {
    let (read_model, aggregate, id) = after.map_or(("", "", Uuid::nil()), |after| {
        (after.read_model.as_str(), after.aggregate_type.name(), after.aggregate_id)
    });
    Ok(sqlx::query_as(
        "SELECT * FROM quarantine
          WHERE (read_model, aggregate_type, aggregate_id) > ($1, $2, $3) AND read_model = ANY($5)
          ORDER BY read_model, aggregate_type, aggregate_id LIMIT $4",
    )
    .bind(read_model)
    .bind(aggregate)
    .bind(id)
    .bind(i64::from(limit))
    .bind(ReadModel::ALL.map(ReadModel::name))
    .fetch_all(executor)
    .await?)
}

/// The quarantines of one aggregate.
pub async fn of_aggregate(
    executor: impl PgExecutor<'_>,
    id: Uuid,
) -> Result<Vec<QuarantinedAggregate>, QueryError> {
    Ok(sqlx::query_as(
        "SELECT * FROM quarantine WHERE aggregate_id = $1 AND read_model = ANY($2) ORDER BY read_model, aggregate_type",
    )
    .bind(id)
    .bind(ReadModel::ALL.map(ReadModel::name))
    .fetch_all(executor)
    .await?)
}

/// Whether an aggregate of an owner is quarantined in any of some read models.
pub async fn is_quarantined(
    executor: impl PgExecutor<'_>,
    owner: UserId,
    id: Uuid,
    models: &[ReadModel],
) -> Result<bool, QueryError> {
    Ok(sqlx::query_scalar(
        "SELECT EXISTS (SELECT FROM quarantine WHERE aggregate_id = $1 AND owner = $2 AND read_model = ANY($3))",
    )
    .bind(id)
    .bind(owner)
    .bind(models.iter().map(|model| model.name()).collect::<Vec<_>>())
    .fetch_one(executor)
    .await?)
}

/// Those of an owner's aggregates that are quarantined in a read model.
pub async fn quarantined_among(
    executor: impl PgExecutor<'_>,
    owner: UserId,
    ids: &[Uuid],
    model: ReadModel,
) -> Result<Vec<Uuid>, QueryError> {
    Ok(sqlx::query_scalar(
        "SELECT aggregate_id FROM quarantine WHERE aggregate_id = ANY($1) AND owner = $2 AND read_model = $3",
    )
    .bind(ids)
    .bind(owner)
    .bind(model.name())
    .fetch_all(executor)
    .await?)
}

/// The number of quarantined aggregates of each read model.
pub async fn counts(executor: impl PgExecutor<'_>) -> Result<Vec<ReadModelCount>, QueryError> {
    let counted: Vec<(String, i64)> = sqlx::query_as(
        "SELECT read_model, count(*) FROM (SELECT read_model FROM quarantine LIMIT $1) AS q GROUP BY read_model",
    )
    .bind(MAX_COUNT)
    .fetch_all(executor)
    .await?;
    let of = |model: ReadModel| counted.iter().find(|(name, _)| name == model.name());
    Ok(ReadModel::ALL
        .map(|model| ReadModelCount {
            model,
            aggregates: of(model).map_or(0, |(_, count)| count.unsigned_abs()),
        })
        .to_vec())
}

/// Quarantines the aggregates of events that cannot be applied, and deletes their rows.
pub(super) async fn hold(
    target: Target<'_>,
    transaction: &mut Transaction<'_>,
    events: &[UnappliedEvent],
) -> Result<(), QueryError> {
    if events.is_empty() {
        return Ok(());
    }
    let column = |of: fn(&UnappliedEvent) -> &str| events.iter().map(of).collect::<Vec<_>>();
    sqlx::query(HOLD)
        .bind(target.table)
        .bind(events.iter().map(|event| event.aggregate).collect::<Vec<_>>())
        .bind(events.iter().map(|event| event.aggregate_id).collect::<Vec<_>>())
        .bind(events.iter().map(|event| event.owner).collect::<Vec<_>>())
        .bind(events.iter().map(|event| event.position).collect::<Vec<_>>())
        .bind(events.iter().map(|event| event.sequence).collect::<Vec<_>>())
        .bind(column(|event| &event.event_type))
        .bind(events.iter().map(|event| event.cause).collect::<Vec<_>>())
        .bind(column(|event| &event.detail))
        .execute(&mut *transaction)
        .await?;
    let ids: Vec<Uuid> = events.iter().map(|event| event.aggregate_id).collect();
    delete_rows(target, transaction, &ids).await?;
    if target.is_live() {
        journal::quarantined(target, transaction, events).await?;
        count_change(target, transaction).await?;
    }
    Ok(())
}

/// Deletes the rows of aggregates. Sums of several aggregates stay.
pub(super) async fn delete_rows(
    Target { model, table }: Target<'_>,
    transaction: &mut Transaction<'_>,
    ids: &[Uuid],
) -> Result<(), QueryError> {
    let column = match model {
        ReadModel::Conversations | ReadModel::Documents => "id",
        ReadModel::Messages | ReadModel::SearchEntries => "conversation_id",
        ReadModel::Accounts => "owner",
        ReadModel::UsageDays => return Ok(()),
    };
    let delete = format!("DELETE FROM {table} WHERE {column} = ANY($1)");
    sqlx::query(&delete).bind(ids).execute(&mut *transaction).await?;
    Ok(())
}

/// Ends the quarantine of aggregates.
pub(super) async fn release(
    target: Target<'_>,
    transaction: &mut Transaction<'_>,
    aggregates: &[HeldAggregate],
    outcome: QuarantineOutcome,
) -> Result<(), QueryError> {
    if aggregates.is_empty() {
        return Ok(());
    }
    let released: Vec<QuarantinedAggregate> = sqlx::query_as(
        "DELETE FROM quarantine q USING UNNEST($2::text[], $3::uuid[]) AS ended (aggregate_type, aggregate_id)
          WHERE q.read_model = $1 AND q.aggregate_type = ended.aggregate_type AND q.aggregate_id = ended.aggregate_id
         RETURNING q.*",
    )
    .bind(target.table)
    .bind(aggregates.iter().map(|held| held.aggregate).collect::<Vec<_>>())
    .bind(aggregates.iter().map(|held| held.aggregate_id).collect::<Vec<_>>())
    .fetch_all(&mut *transaction)
    .await?;
    if target.is_live() {
        if outcome != QuarantineOutcome::Erased {
            count_as_used(transaction, &released).await?;
        }
        journal::ended(target, transaction, aggregates, outcome).await?;
        count_change(target, transaction).await?;
    }
    Ok(())
}

/// Counts the end of a quarantine as a use: only now can the owners use the aggregates again, and retention
/// does not count the time before.
async fn count_as_used(
    transaction: &mut Transaction<'_>,
    released: &[QuarantinedAggregate],
) -> Result<(), QueryError> {
    let used = || released.iter().filter(|held| held.aggregate_type != AggregateType::Account);
    sqlx::query(
        "INSERT INTO last_reads AS known (owner, id, read_on)
         SELECT DISTINCT r.owner, r.id, (clock_timestamp() AT TIME ZONE 'UTC')::date
           FROM UNNEST($1::uuid[], $2::uuid[]) AS r (owner, id)
           JOIN keys k ON k.kind = 'user' AND k.id = r.owner AND k.destroyed_at IS NULL
             ON CONFLICT (owner, id) DO UPDATE SET read_on = excluded.read_on
          WHERE known.read_on < excluded.read_on",
    )
    .bind(used().map(|held| held.owner).collect::<Vec<_>>())
    .bind(used().map(|held| held.aggregate_id).collect::<Vec<_>>())
    .execute(&mut *transaction)
    .await?;
    Ok(())
}

/// Makes every projector read the quarantine of a read model again.
async fn count_change(target: Target<'_>, transaction: &mut Transaction<'_>) -> Result<(), QueryError> {
    sqlx::query("UPDATE checkpoints SET quarantine_version = quarantine_version + 1 WHERE name = $1")
        .bind(target.model.name())
        .execute(&mut *transaction)
        .await?;
    Ok(())
}

/// The quarantine of a rebuilt table takes the place of that of the live one, with the table.
pub(crate) async fn move_to_live(
    model: ReadModel,
    rebuilt: &str,
    transaction: &mut Transaction<'_>,
) -> Result<(), QueryError> {
    let live = Target { model, table: model.name() };
    let before: Vec<QuarantinedAggregate> =
        sqlx::query_as("DELETE FROM quarantine WHERE read_model = $1 RETURNING *")
            .bind(live.table)
            .fetch_all(&mut *transaction)
            .await?;
    let after: Vec<QuarantinedAggregate> =
        sqlx::query_as("UPDATE quarantine SET read_model = $2 WHERE read_model = $1 RETURNING *")
            .bind(rebuilt)
            .bind(live.table)
            .fetch_all(&mut *transaction)
            .await?;
    if before.is_empty() && after.is_empty() {
        return Ok(());
    }
    let is_in = |aggregate: &QuarantinedAggregate, all: &[QuarantinedAggregate]| {
        all.iter().any(|other| {
            (other.aggregate_type, other.aggregate_id, other.position)
                == (aggregate.aggregate_type, aggregate.aggregate_id, aggregate.position)
        })
    };
    let released: Vec<QuarantinedAggregate> =
        before.iter().filter(|held| !is_in(held, &after)).cloned().collect();
    let ended: Vec<HeldAggregate> = released.iter().map(HeldAggregate::from).collect();
    count_as_used(transaction, &released).await?;
    let new: Vec<UnappliedEvent> =
        after.iter().filter(|held| !is_in(held, &before)).map(UnappliedEvent::from).collect();
    journal::ended(live, transaction, &ended, QuarantineOutcome::Rebuilt).await?;
    journal::quarantined(live, transaction, &new).await?;
    count_change(live, transaction).await
}

impl From<&QuarantinedAggregate> for HeldAggregate {
    fn from(held: &QuarantinedAggregate) -> Self {
        Self { aggregate: held.aggregate_type, aggregate_id: held.aggregate_id, position: held.position }
    }
}

impl From<&QuarantinedAggregate> for UnappliedEvent {
    fn from(held: &QuarantinedAggregate) -> Self {
        Self {
            position: held.position,
            aggregate: held.aggregate_type,
            aggregate_id: held.aggregate_id,
            sequence: held.sequence,
            owner: held.owner,
            event_type: held.event_type.clone(),
            cause: held.cause,
            detail: held.detail.clone(),
        }
    }
}

const HOLD: &str = "
INSERT INTO quarantine AS q (read_model, aggregate_type, aggregate_id, owner, position, sequence, event_type, cause, detail)
SELECT $1, * FROM UNNEST($2::text[], $3::uuid[], $4::uuid[], $5::bigint[], $6::bigint[], $7::text[], $8::text[],
                         $9::text[])
    ON CONFLICT (read_model, aggregate_type, aggregate_id) DO UPDATE
   SET position = excluded.position, sequence = excluded.sequence, event_type = excluded.event_type,
       cause = excluded.cause, detail = excluded.detail, attempts = q.attempts + 1";

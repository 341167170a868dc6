//! The end of a quarantine by an operator: the rows of one aggregate are built again from its first event on.

use aggregates::operation::QuarantineOutcome;
use aggregates::{AggregateType, Position, Version};
use database::{Begin, Transaction};
use std::collections::HashSet;
use std::time::Duration;
use uuid::Uuid;

use super::records::{self, QuarantinedAggregate};
use super::set::{HeldAggregate, lock_read_models};
use super::{Target, isolate};
use crate::{DecryptedEvent, LedgerBatch, QueryError, ReadModel, UnappliedEvent};

/// Time limit of one statement. The projector waits meanwhile.
const STATEMENT_LIMIT: Duration = Duration::from_mins(1);

/// A transaction that builds the rows of a quarantined aggregate again. It holds the checkpoints of the read
/// models, so that the projector applies the later events of the aggregate afterwards. Without [`Self::end`]
/// nothing changes.
#[derive(Debug)]
pub struct Release<'c> {
    transaction: Transaction<'c>,
    outcome: QuarantineOutcome,
    models: Vec<Rebuilding>,
    skipped: HashSet<(ReadModel, Version)>,
}

/// One read model of the release.
#[derive(Debug)]
struct Rebuilding {
    model: ReadModel,
    held: QuarantinedAggregate,
    /// Events up to here are applied now, and later ones by the projector.
    checkpoint: Position,
    failed: Option<UnappliedEvent>,
}

/// Outcome of a quarantine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Released {
    /// The read model.
    pub model: ReadModel,
    /// The event that still cannot be applied; `None` if the aggregate has its rows again.
    pub failed: Option<UnappliedEvent>,
}

impl<'c> Release<'c> {
    /// Begins to build the rows again in all read models in which the aggregate is quarantined, or in those
    /// that are named. With `skip` the events at which it is held are left out from now on. `None` if it is
    /// not quarantined.
    pub async fn begin(
        database: impl Begin<'c>,
        id: Uuid,
        only: Option<ReadModel>,
        skip: bool,
    ) -> Result<Option<Self>, QueryError> {
        let mut transaction = database.begin().await?;
        let checkpoints = lock_read_models(&mut transaction, STATEMENT_LIMIT).await?;
        let mut models = Vec::new();
        for held in records::of_aggregate(&mut transaction, id).await? {
            let Ok(model) = held.read_model.parse::<ReadModel>() else { continue };
            if only.is_none_or(|only| only == model)
                && let Some((checkpoint, _)) = checkpoints.get(&model)
            {
                models.push(Rebuilding { model, held, checkpoint: *checkpoint, failed: None });
            }
        }
        let Some(first) = models.first() else { return Ok(None) };
        let aggregate = first.held.aggregate_type;
        if skip {
            skip_events(&mut transaction, &models).await?;
        }
        for Rebuilding { model, .. } in &models {
            let target = Target { model: *model, table: model.name() };
            records::delete_rows(target, &mut transaction, &[id]).await?;
        }
        let skipped = skipped_events(&mut transaction, aggregate, id).await?;
        let outcome = if skip { QuarantineOutcome::Skipped } else { QuarantineOutcome::Retried };
        Ok(Some(Self { transaction, outcome, models, skipped }))
    }

    /// The kind of aggregate.
    pub fn aggregate(&self) -> Option<AggregateType> {
        Some(self.models.first()?.held.aggregate_type)
    }

    /// The position up to which the events of the aggregate have to be applied.
    pub fn up_to(&self) -> Position {
        self.models.iter().map(|model| model.checkpoint).max().unwrap_or_default()
    }

    /// Applies the next events of the aggregate, in order.
    pub async fn apply(&mut self, batch: &LedgerBatch) -> Result<(), QueryError> {
        for rebuilding in &mut self.models {
            if rebuilding.failed.is_some() {
                continue;
            }
            let model = rebuilding.model;
            // What the events before it add to sums is still there.
            let from = if model == ReadModel::UsageDays { rebuilding.held.position } else { Position(0) };
            let is_due = |position: Position, sequence| {
                (from..=rebuilding.checkpoint).contains(&position)
                    && !self.skipped.contains(&(model, sequence))
            };
            let unreadable = batch
                .unreadable
                .iter()
                .find(|event| model.lacks(event) && is_due(event.position, event.sequence))
                .cloned();
            let events: Vec<DecryptedEvent> = batch
                .events
                .iter()
                .filter(|event| is_due(event.recorded.position, event.recorded.sequence))
                .filter(|event| unreadable.as_ref().is_none_or(|at| event.recorded.position < at.position))
                .cloned()
                .collect();
            let target = Target { model, table: model.name() };
            let failed = isolate::apply(target, &mut self.transaction, &events).await?.pop();
            rebuilding.failed = failed.or(unreadable);
        }
        Ok(())
    }

    /// Ends the quarantine in the read models that have all events, and keeps it in the others, without rows.
    pub async fn end(mut self) -> Result<Vec<Released>, QueryError> {
        let mut released = Vec::with_capacity(self.models.len());
        for Rebuilding { model, held, failed, .. } in self.models {
            let target = Target { model, table: model.name() };
            match &failed {
                None => {
                    let ended = [HeldAggregate::from(&held)];
                    records::release(target, &mut self.transaction, &ended, self.outcome).await?;
                }
                Some(event) => {
                    records::hold(target, &mut self.transaction, std::slice::from_ref(event)).await?;
                }
            }
            released.push(Released { model, failed });
        }
        self.transaction.commit().await?;
        Ok(released)
    }
}

async fn skip_events(transaction: &mut Transaction<'_>, models: &[Rebuilding]) -> Result<(), QueryError> {
    for Rebuilding { held, .. } in models {
        sqlx::query(
            "INSERT INTO skipped_events (read_model, aggregate_type, aggregate_id, sequence)
             VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
        )
        .bind(&held.read_model)
        .bind(held.aggregate_type)
        .bind(held.aggregate_id)
        .bind(held.sequence)
        .execute(&mut *transaction)
        .await?;
    }
    Ok(())
}

async fn skipped_events(
    transaction: &mut Transaction<'_>,
    aggregate: AggregateType,
    id: Uuid,
) -> Result<HashSet<(ReadModel, Version)>, QueryError> {
    let rows: Vec<(String, Version)> = sqlx::query_as(
        "SELECT read_model, sequence FROM skipped_events WHERE aggregate_type = $1 AND aggregate_id = $2",
    )
    .bind(aggregate)
    .bind(id)
    .fetch_all(&mut *transaction)
    .await?;
    Ok(rows.into_iter().filter_map(|(model, sequence)| Some((model.parse().ok()?, sequence))).collect())
}

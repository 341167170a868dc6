//! The quarantined aggregates, as a projector remembers them.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use aggregates::account::AccountEvent;
use aggregates::conversation::ConversationEvent;
use aggregates::{AggregateType, Event, Position, UserId, Version};
use database::Transaction;
use uuid::Uuid;

use super::DEFAULT_LIMIT;
use crate::purge::PurgeScope;
use crate::{DecryptedEvent, QueryError, ReadModel, UnappliedEvent};

/// The quarantined aggregates of the read models. A projector keeps one over its transactions: the
/// checkpoints, which each transaction locks, say whether it is still true, so that it is read again only
/// after a change.
#[derive(Debug)]
pub struct QuarantineSet {
    /// The versions of the quarantine by read model; empty if they have to be read.
    versions: HashMap<ReadModel, i64>,
    held: HashMap<(ReadModel, AggregateType, Uuid), Held>,
    /// Events that a rebuild leaves out.
    skipped: HashSet<(AggregateType, Uuid, Version)>,
    /// Aggregates that may fail for one cause within an hour.
    limit: usize,
}

impl Default for QuarantineSet {
    fn default() -> Self {
        Self::limited_to(DEFAULT_LIMIT)
    }
}

#[derive(Debug, Clone, Copy)]
struct Held {
    position: Position,
    owner: UserId,
}

/// A quarantined aggregate of a read model, and the position of the event that was not applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct HeldAggregate {
    pub(super) aggregate: AggregateType,
    pub(super) aggregate_id: Uuid,
    pub(super) position: Position,
}

impl HeldAggregate {
    pub(super) const fn key(&self) -> (AggregateType, Uuid) {
        (self.aggregate, self.aggregate_id)
    }
}

/// The number of aggregates of a limit that is 0 for none.
fn as_number(limit: u32) -> usize {
    if limit == 0 { usize::MAX } else { usize::try_from(limit).unwrap_or(usize::MAX) }
}

impl QuarantineSet {
    /// A set that has not been read yet, for a projector that quarantines at most so many aggregates of a read
    /// model within an hour for one cause; 0 for no limit.
    pub fn limited_to(limit: u32) -> Self {
        let limit = as_number(limit);
        Self { versions: HashMap::new(), held: HashMap::new(), skipped: HashSet::new(), limit }
    }

    /// The same set with another limit.
    pub(crate) fn with_limit(self, limit: u32) -> Self {
        Self { limit: as_number(limit), ..self }
    }

    pub(super) const fn limit(&self) -> usize {
        self.limit
    }

    /// The set of a rebuild in this table, with the events that operators left out of the read model.
    pub(crate) async fn of_rebuild(
        transaction: &mut Transaction<'_>,
        model: ReadModel,
        table: &str,
    ) -> Result<Self, QueryError> {
        let skipped: Vec<(AggregateType, Uuid, Version)> = sqlx::query_as(
            "SELECT aggregate_type, aggregate_id, sequence FROM skipped_events WHERE read_model = $1",
        )
        .bind(model.name())
        .fetch_all(&mut *transaction)
        .await?;
        let mut set = Self { skipped: skipped.into_iter().collect(), ..Self::default() };
        set.read(transaction, &[(model, table)]).await?;
        Ok(set)
    }

    /// Reads the set again if the versions are not those that it was read at.
    pub(crate) async fn refresh(
        &mut self,
        transaction: &mut Transaction<'_>,
        versions: HashMap<ReadModel, i64>,
    ) -> Result<(), QueryError> {
        if self.versions != versions {
            self.read(transaction, &ReadModel::ALL.map(|model| (model, model.name()))).await?;
            self.versions = versions;
        }
        Ok(())
    }

    async fn read(
        &mut self,
        transaction: &mut Transaction<'_>,
        tables: &[(ReadModel, &str)],
    ) -> Result<(), QueryError> {
        let rows: Vec<(String, AggregateType, Uuid, Position, UserId)> = sqlx::query_as(
            "SELECT read_model, aggregate_type, aggregate_id, position, owner FROM quarantine
              WHERE read_model = ANY($1)",
        )
        .bind(tables.iter().map(|(_, table)| *table).collect::<Vec<_>>())
        .fetch_all(&mut *transaction)
        .await?;
        let held = rows.into_iter().filter_map(|(table, aggregate, id, position, owner)| {
            let (model, _) = tables.iter().find(|(_, name)| *name == table)?;
            Some(((*model, aggregate, id), Held { position, owner }))
        });
        self.held = held.collect();
        Ok(())
    }

    /// Forgets everything, after a change or a transaction whose outcome is not known: the next transaction
    /// reads the set again.
    pub fn forget(&mut self) {
        self.versions.clear();
        self.held.clear();
    }

    /// Holds the aggregate of an event; `false` if it is held already, or if the event is skipped.
    pub(super) fn hold(&mut self, model: ReadModel, event: &UnappliedEvent) -> bool {
        let key = (model, event.aggregate, event.aggregate_id);
        if self.held.contains_key(&key)
            || self.is_skipped(event.aggregate, event.aggregate_id, event.sequence)
        {
            return false;
        }
        self.held.insert(key, Held { position: event.position, owner: event.owner });
        true
    }

    /// The events that are applied to a read model.
    pub(super) fn wanted<'a>(
        &self,
        model: ReadModel,
        events: &'a [DecryptedEvent],
    ) -> Cow<'a, [DecryptedEvent]> {
        if self.held.is_empty() && self.skipped.is_empty() {
            return Cow::Borrowed(events);
        }
        if events.iter().all(|event| self.is_wanted(model, event)) {
            return Cow::Borrowed(events);
        }
        events.iter().filter(|event| self.is_wanted(model, event)).cloned().collect()
    }

    fn is_wanted(&self, model: ReadModel, DecryptedEvent { recorded, .. }: &DecryptedEvent) -> bool {
        let held = self.held.get(&(model, recorded.aggregate, recorded.aggregate_id));
        let waits = held.is_some_and(|held| held.position <= recorded.position) && !is_last(&recorded.event);
        !waits && !self.is_skipped(recorded.aggregate, recorded.aggregate_id, recorded.sequence)
    }

    fn is_skipped(&self, aggregate: AggregateType, id: Uuid, sequence: Version) -> bool {
        !self.skipped.is_empty() && self.skipped.contains(&(aggregate, id, sequence))
    }

    /// Lets go of the aggregates that events erase, and returns them.
    pub(super) fn release_purged(
        &mut self,
        model: ReadModel,
        events: &[DecryptedEvent],
    ) -> Vec<HeldAggregate> {
        if self.held.is_empty() {
            return vec![];
        }
        let mut ended = Vec::new();
        for event in events {
            let Some(scope) = PurgeScope::of(event) else { continue };
            let is_end = ends_account(&event.recorded.event);
            self.held.retain(|(of, aggregate, id), held| {
                let is_purged = *of == model
                    && match scope {
                        PurgeScope::Owner(owner) => {
                            held.owner == owner && (model != ReadModel::Accounts || is_end)
                        }
                        PurgeScope::Conversation(conversation) => {
                            (*aggregate, *id) == (AggregateType::Conversation, conversation.uuid())
                        }
                    };
                if is_purged {
                    ended.push(HeldAggregate {
                        aggregate: *aggregate,
                        aggregate_id: *id,
                        position: held.position,
                    });
                }
                !is_purged
            });
        }
        ended
    }
}

/// The end of an aggregate is applied whatever came before it: of an account the id and the status remain, of
/// a conversation nothing.
const fn is_last(event: &Event) -> bool {
    ends_account(event) || matches!(event, Event::Conversation(ConversationEvent::ConversationErased))
}

const fn ends_account(event: &Event) -> bool {
    matches!(event, Event::Account(AccountEvent::AccountErased))
}

/// Locks the checkpoints of all read models, in the order of their names, and returns their positions and the
/// versions of their quarantine. Limits each later statement of the transaction, and the time for which the
/// process may stand still in it.
pub(crate) async fn lock_read_models(
    transaction: &mut Transaction<'_>,
    statement_limit: std::time::Duration,
) -> Result<HashMap<ReadModel, (Position, i64)>, QueryError> {
    let rows: Vec<(String, Position, i64)> = sqlx::query_as(LOCK_CHECKPOINTS)
        .bind(ReadModel::ALL.map(ReadModel::name))
        .bind(statement_limit.as_millis().to_string())
        .bind(STANDSTILL)
        .fetch_all(&mut *transaction)
        .await?;
    let known = rows
        .into_iter()
        .filter_map(|(name, position, version)| Some((name.parse().ok()?, (position, version))));
    Ok(known.collect())
}

/// Time for which a projector may stand still between two statements of its transaction, with the locks.
const STANDSTILL: &str = "5s";

const LOCK_CHECKPOINTS: &str = "
SELECT c.name, c.position, c.quarantine_version
  FROM (SELECT set_config('statement_timeout', $2, true),
               set_config('idle_in_transaction_session_timeout', $3, true) OFFSET 0) AS limits
 CROSS JOIN checkpoints c
 WHERE c.name = ANY($1) ORDER BY c.name FOR UPDATE OF c";

//! Events that are committed and not in the read models yet: what a read of one's own writes waits for.
//!
//! Only events of conversations and documents count. Users see no other events in read models.

use std::collections::{HashMap, HashSet};

use aggregates::{Position, UserId};
use sqlx::{PgExecutor, Row as _};

use crate::{QueryError, ReadModel};

/// Events that one look returns, at most, of the outbox and of the ledger each.
const MAX_EVENTS: i64 = 512;
const _: () = assert!(MAX_EVENTS == 512, "the statement names the number");

/// The events of one owner that are not projected.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Behind {
    /// The first and the last row of the outbox: the events have no position yet.
    pub outbox: Option<(i64, i64)>,
    /// The last position in the ledger.
    pub position: Option<Position>,
}

/// The state of the read models at one moment.
#[derive(Debug, Default)]
pub struct Unprojected {
    /// The position up to which every read model is projected.
    pub level: Position,
    /// The last position of the ledger.
    pub head: Position,
    /// Whether nothing that is not projected is left out.
    pub is_complete: bool,
    /// Owners with events in the ledger after the given position and up to `level`; `None` if there are too
    /// many, or if an operation was carried out in between.
    pub changed: Option<HashSet<UserId>>,
    behind: HashMap<UserId, Behind>,
}

impl Unprojected {
    /// Events of an owner that are not projected.
    pub fn of(&self, owner: UserId) -> Behind {
        self.behind.get(&owner).copied().unwrap_or_default()
    }

    /// Whether every event of every owner is projected.
    pub fn is_level(&self) -> bool {
        self.is_complete && self.behind.is_empty()
    }
}

/// The events that are not projected, and the owners whose rows changed after a position (`None` for no such
/// owners). Takes one round trip; while many events wait a second one, which looks for the events
/// of `owners` alone.
pub async fn unprojected(
    executor: impl PgExecutor<'_> + Copy,
    after: Option<Position>,
    owners: impl Iterator<Item = UserId>,
) -> Result<Unprojected, QueryError> {
    let rows =
        sqlx::query(RECENT).bind(ReadModel::ALL.map(ReadModel::name)).bind(after).fetch_all(executor).await?;
    let mut state =
        Unprojected { changed: Some(HashSet::new()), is_complete: true, ..Unprojected::default() };
    let (mut in_outbox, mut in_ledger, mut all_changed) = (0, 0, false);
    for row in &rows {
        state.level = row.try_get("level")?;
        state.head = row.try_get("head")?;
        let id: Option<i64> = row.try_get("outbox_id")?;
        let position: Option<Position> = row.try_get("position")?;
        in_outbox += i64::from(id.is_some());
        in_ledger += i64::from(position.is_some());
        all_changed |= row.try_get::<Option<bool>, _>("of_all")?.unwrap_or_default()
            && position.is_some_and(|position| position <= state.level);
        let Some(owner) = row.try_get::<Option<UserId>, _>("owner")? else { continue };
        match position {
            Some(position) if position <= state.level => {
                state.changed.get_or_insert_default().insert(owner);
            }
            _ => state.behind.entry(owner).or_default().add(id, position),
        }
    }
    if in_outbox < MAX_EVENTS && in_ledger < MAX_EVENTS {
        if all_changed {
            state.changed = None;
        }
        return Ok(state);
    }
    unprojected_of(executor, owners.collect()).await
}

async fn unprojected_of(
    executor: impl PgExecutor<'_>,
    owners: Vec<UserId>,
) -> Result<Unprojected, QueryError> {
    let rows = sqlx::query(OF_OWNERS)
        .bind(ReadModel::ALL.map(ReadModel::name))
        .bind(owners)
        .fetch_all(executor)
        .await?;
    let mut state = Unprojected::default();
    for row in &rows {
        state.level = row.try_get("level")?;
        state.head = row.try_get("head")?;
        let Some(owner) = row.try_get::<Option<UserId>, _>("owner")? else { continue };
        let behind = state.behind.entry(owner).or_default();
        behind.add(row.try_get("first_id")?, row.try_get("position")?);
        behind.add(row.try_get("last_id")?, None);
    }
    Ok(state)
}

impl Behind {
    fn add(&mut self, outbox_id: Option<i64>, position: Option<Position>) {
        if let Some(id) = outbox_id {
            let (first, last) = self.outbox.unwrap_or((id, id));
            self.outbox = Some((first.min(id), last.max(id)));
        }
        self.position = self.position.max(position);
    }
}

/// An operation, such as a rebuild or the end of a quarantine, can change the rows of everybody.
///
/// One snapshot: an event is in the outbox, or in the ledger after the level, or projected. The outbox is
/// read in the order of its ids, as the sequencer reads it: an index skips the rows that were deleted a
/// moment ago. The limits are no parameters, which would have the statement planned at each execution.
const RECENT: &str = "
WITH level AS MATERIALIZED (
    SELECT coalesce(min(position), 0) AS position FROM checkpoints WHERE name = ANY($1)
)
SELECT level.position AS level, (SELECT coalesce(max(position), 0) FROM ledger) AS head,
       e.owner, e.outbox_id, e.position, e.of_all
  FROM level
  LEFT JOIN LATERAL (
       (SELECT CASE WHEN l.aggregate_type IN ('conversation', 'document') THEN l.owner END AS owner,
               NULL::bigint AS outbox_id, l.position, l.aggregate_type = 'operation' AS of_all
          FROM ledger l WHERE l.position > least(level.position, coalesce($2, level.position))
         ORDER BY l.position LIMIT 512)
        UNION ALL
       (SELECT CASE WHEN o.aggregate_type IN ('conversation', 'document')
                    THEN coalesce(o.owner, (SELECT e.owner FROM events e
                                             WHERE e.aggregate_type = o.aggregate_type
                                               AND e.aggregate_id = o.aggregate_id AND e.sequence = o.sequence)) END,
               o.id, NULL, false
          FROM (SELECT * FROM outbox ORDER BY id LIMIT 512) AS o)
  ) AS e ON true";

const OF_OWNERS: &str = "
WITH level AS MATERIALIZED (
    SELECT coalesce(min(position), 0) AS position FROM checkpoints WHERE name = ANY($1)
), waiting AS (
    SELECT w.owner, min(w.id) AS first_id, max(w.id) AS last_id
      FROM (SELECT coalesce(o.owner, (SELECT e.owner FROM events e
                                       WHERE e.aggregate_type = o.aggregate_type
                                         AND e.aggregate_id = o.aggregate_id AND e.sequence = o.sequence)) AS owner,
                   o.id
              FROM outbox o
             WHERE o.aggregate_type IN ('conversation', 'document') AND (o.owner IS NULL OR o.owner = ANY($2))) AS w
     GROUP BY w.owner
)
SELECT level.position AS level, (SELECT coalesce(max(position), 0) FROM ledger) AS head,
       u.owner, w.first_id, w.last_id,
       (SELECT max(l.position) FROM ledger l
         WHERE l.owner = u.owner AND l.position > level.position
           AND l.aggregate_type IN ('conversation', 'document')) AS position
  FROM level
  LEFT JOIN UNNEST($2::uuid[]) AS u (owner) ON true
  LEFT JOIN waiting w ON w.owner = u.owner";

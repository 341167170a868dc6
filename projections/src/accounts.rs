//! Accounts as this service knows them.

use std::collections::BTreeMap;

use aggregates::account::AccountEvent;
use aggregates::{Event, UserId};
use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::{FromRow, PgExecutor, PgTransaction};
use uuid::Uuid;

use crate::{Opened, owned};

/// An account.
#[derive(Debug, Clone, PartialEq, Eq, FromRow, Serialize)]
pub struct AccountRow {
    /// When its first request came.
    pub opened_at: DateTime<Utc>,
    /// The number of its events.
    pub version: i64,
    /// `open`, `erasing` or `erased`.
    pub phase: String,
}

/// Applies a batch. One statement.
pub(crate) async fn apply(
    table: &str,
    transaction: &mut PgTransaction<'_>,
    batch: &[Opened],
) -> Result<(), sqlx::Error> {
    let mut changed: BTreeMap<Uuid, (DateTime<Utc>, i64, Option<&str>)> = BTreeMap::new();
    for event in batch {
        let Event::Account(happened) = &event.recorded.event else {
            continue;
        };
        let phase = match happened {
            AccountEvent::AccountOpened { .. } => Some("open"),
            AccountEvent::AccountErasureRequested { .. } => Some("erasing"),
            AccountEvent::StoreErased { .. } => None,
            AccountEvent::AccountErased => Some("erased"),
        };
        let version = event.recorded.sequence.0.cast_signed();
        let account = changed.entry(event.recorded.owner.uuid()).or_insert((
            event.recorded.recorded_at,
            version,
            phase,
        ));
        account.1 = version;
        account.2 = phase.or(account.2);
    }
    if changed.is_empty() {
        return Ok(());
    }
    sqlx::query(&UPSERT.replace("{table}", table))
        .bind(changed.keys().copied().collect::<Vec<_>>())
        .bind(changed.values().map(|account| account.0).collect::<Vec<_>>())
        .bind(changed.values().map(|account| account.1).collect::<Vec<_>>())
        .bind(changed.values().map(|account| account.2).collect::<Vec<_>>())
        .execute(&mut **transaction)
        .await?;
    Ok(())
}

/// An owner's account; `None` before the read model knows it.
pub async fn get(executor: impl PgExecutor<'_>, owner: UserId) -> Result<Option<AccountRow>, sqlx::Error> {
    sqlx::query_as(GET).bind(owner.to_string()).fetch_optional(executor).await
}

const UPSERT: &str = "
INSERT INTO {table} AS a (owner, opened_at, version, phase)
SELECT owner, opened_at, version, coalesce(phase, 'open')
  FROM UNNEST($1::uuid[], $2::timestamptz[], $3::bigint[], $4::text[]) AS row (owner, opened_at, version, phase)
    ON CONFLICT (owner) DO UPDATE
   SET version = excluded.version,
       phase = CASE WHEN excluded.phase = 'open' THEN a.phase ELSE excluded.phase END";

const GET: &str =
    owned!("SELECT a.opened_at, a.version, a.phase FROM my_accounts a WHERE a.owner = me.owner");

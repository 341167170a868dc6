//! Accounts as this service knows them: one row per account, written at the first request of its user.

use std::collections::BTreeMap;

use aggregates::account::{AccountEvent, AccountStatus};
use aggregates::{Event, UserId, Version};
use chrono::{DateTime, Utc};
use database::Transaction;
use sqlx::{FromRow, PgExecutor};

use crate::{DecryptedEvent, QueryError, owned};

/// A row of the table `accounts`.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct AccountRow {
    /// The time of the user's first request.
    pub opened_at: DateTime<Utc>,
    /// The version of the account's aggregate.
    pub version: Version,
    /// Whether the account is in use, being erased, or erased.
    #[sqlx(rename = "phase")]
    pub status: AccountStatus,
}

/// The columns that a batch sets for one account.
struct Change {
    opened_at: DateTime<Utc>,
    version: Version,
    /// `None` if no event of the batch changes it.
    status: Option<AccountStatus>,
}

/// Applies a batch with one statement.
pub(crate) async fn apply(
    table: &str,
    transaction: &mut Transaction<'_>,
    batch: &[DecryptedEvent],
) -> Result<(), sqlx::Error> {
    let mut changes: BTreeMap<UserId, Change> = BTreeMap::new();
    for DecryptedEvent { recorded, .. } in batch {
        let Event::Account(event) = &recorded.event else { continue };
        let status = match event {
            AccountEvent::AccountOpened { .. } => Some(AccountStatus::Open),
            AccountEvent::AccountErasureRequested { .. } => Some(AccountStatus::Erasing),
            AccountEvent::StoreErased { .. }
            | AccountEvent::SignedIn { .. }
            | AccountEvent::SignInRefused { .. }
            | AccountEvent::SignedOut { .. }
            | AccountEvent::SessionsRevoked { .. }
            | AccountEvent::RoleChanged { .. }
            | AccountEvent::Banned { .. }
            | AccountEvent::BanLifted { .. }
            | AccountEvent::AccountInstructed { .. }
            | AccountEvent::DataExported => None,
            AccountEvent::AccountErased => Some(AccountStatus::Erased),
        };
        let version = recorded.sequence;
        let change = changes.entry(recorded.owner).or_insert(Change {
            opened_at: recorded.recorded_at,
            version,
            status,
        });
        change.version = version;
        change.status = status.or(change.status);
    }
    if changes.is_empty() {
        return Ok(());
    }
    sqlx::query(&UPSERT.replace("{table}", table))
        .bind(changes.keys().copied().collect::<Vec<_>>())
        .bind(changes.values().map(|change| change.opened_at).collect::<Vec<_>>())
        .bind(changes.values().map(|change| change.version).collect::<Vec<_>>())
        .bind(changes.values().map(|change| change.status).collect::<Vec<_>>())
        .execute(&mut *transaction)
        .await?;
    Ok(())
}

/// An owner's account; `None` until the projector has applied its first event.
pub async fn get(executor: impl PgExecutor<'_>, owner: UserId) -> Result<Option<AccountRow>, QueryError> {
    Ok(sqlx::query_as(GET).bind(owner.to_string()).fetch_optional(executor).await?)
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

//! What the account service reports: facts, which become events, and revocations, by which processes refuse
//! tokens. Triggers in its schema write both in the transaction of the change.

use std::time::Duration;

use aggregates::account::UserRole;
use aggregates::{SessionId, UserId};
use sqlx::FromRow;
use uuid::Uuid;

use super::AccountsDatabase;
use crate::StoreError;
use database::Limit;

/// Age at which facts about accounts that this service does not know are deleted.
const FORGOTTEN_AFTER_DAYS: i32 = 30;

/// A fact about an account, to be recorded as an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountFact {
    /// The id of the fact. A fact is recorded once.
    pub id: Uuid,
    /// The place of the fact in the order of facts.
    pub number: i64,
    /// The user of the account.
    pub user: UserId,
    /// The event.
    pub kind: FactKind,
}

/// Event of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FactKind {
    /// A session began.
    SignedIn(SessionId),
    /// Sign-ins were refused, so many in a minute.
    SignInRefused(u32),
    /// The user ended a session.
    SignedOut(SessionId),
    /// A session was ended before its time: by the user elsewhere, or with a change of the password.
    SessionRevoked(SessionId),
    /// The role was changed, and not by this service.
    RoleChanged(UserRole),
    /// The account was banned, and not by this service.
    Banned,
    /// A ban was lifted, and not by this service.
    BanLifted,
}

/// A change by which tokens that are not expired lose their validity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revocation {
    /// The user.
    pub user: UserId,
    /// The time of the change, in seconds since 1970.
    pub at: u64,
    /// The change.
    pub kind: RevocationKind,
}

/// The kind of a [`Revocation`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RevocationKind {
    /// A session ended.
    Session(SessionId),
    /// The user has another role; `None` for one without a name in this version.
    Role(Option<UserRole>),
    /// The user was banned.
    Banned,
    /// The ban was lifted.
    BanLifted,
}

#[derive(FromRow)]
struct Row {
    id: Uuid,
    number: i64,
    kind: String,
    user_id: UserId,
    session_id: Option<SessionId>,
    role: Option<String>,
    count: i32,
}

impl Row {
    /// `None` for a fact that this version cannot record.
    fn decode(self) -> Option<AccountFact> {
        let role = self.role.as_deref().unwrap_or_default().parse();
        let kind = match (self.kind.as_str(), self.session_id) {
            ("signed_in", Some(session)) => FactKind::SignedIn(session),
            ("sign_in_refused", _) => FactKind::SignInRefused(self.count.unsigned_abs()),
            ("signed_out", Some(session)) => FactKind::SignedOut(session),
            ("session_revoked", Some(session)) => FactKind::SessionRevoked(session),
            ("role_changed", _) => FactKind::RoleChanged(role.ok()?),
            ("banned", _) => FactKind::Banned,
            ("ban_lifted", _) => FactKind::BanLifted,
            _ => return None,
        };
        Some(AccountFact { id: self.id, number: self.number, user: self.user_id, kind })
    }
}

#[derive(FromRow)]
struct RevocationRow {
    user_id: UserId,
    kind: String,
    session_id: Option<SessionId>,
    role: Option<String>,
    at: i64,
}

impl RevocationRow {
    fn decode(self) -> Option<Revocation> {
        let kind = match (self.kind.as_str(), self.session_id) {
            ("session", Some(session)) => RevocationKind::Session(session),
            ("role", _) => RevocationKind::Role(self.role.as_deref().unwrap_or_default().parse().ok()),
            ("banned", _) => RevocationKind::Banned,
            ("ban_lifted", _) => RevocationKind::BanLifted,
            _ => return None,
        };
        Some(Revocation { user: self.user_id, at: self.at.unsigned_abs(), kind })
    }
}

impl AccountsDatabase {
    /// Whether the account service has the tables of its reports. It creates them at its start; during an
    /// update the running one can be older.
    pub(super) async fn has_reports(&self) -> Result<bool, StoreError> {
        self.transaction(Limit::Short, async |transaction| {
            sqlx::query_scalar(
                "SELECT to_regclass('account_facts') IS NOT NULL AND to_regclass('revocations') IS NOT NULL",
            )
            .fetch_one(transaction)
            .await
        })
        .await
    }

    /// The facts after a number, in order, and the number of the last one that was read. Refused sign-ins are
    /// among them once their minute is over.
    pub async fn facts_after(
        &self,
        number: i64,
        limit: u32,
    ) -> Result<(Vec<AccountFact>, Option<i64>), StoreError> {
        if !self.has_reports().await? {
            return Ok((vec![], None));
        }
        let rows: Vec<Row> = self
            .transaction(Limit::Short, async |transaction| {
                sqlx::query_as(
                    "SELECT f.id, f.number, f.kind, f.user_id, f.session_id, f.role, f.count
                       FROM account_facts f
                      WHERE f.number > $1 AND (f.minute IS NULL OR f.minute < now() - interval '2 minutes')
                      ORDER BY f.number LIMIT $2",
                )
                .bind(number)
                .bind(i64::from(limit))
                .fetch_all(transaction)
                .await
            })
            .await?;
        let last = rows.last().map(|row| row.number);
        Ok((rows.into_iter().filter_map(Row::decode).collect(), last))
    }

    /// Deletes facts that are recorded.
    pub async fn remove_facts(&self, facts: &[Uuid]) -> Result<(), StoreError> {
        self.transaction(Limit::Short, async |transaction| {
            sqlx::query("DELETE FROM account_facts WHERE id = ANY($1)")
                .bind(facts)
                .execute(transaction)
                .await?;
            Ok(())
        })
        .await
    }

    /// Deletes revocations of tokens that have expired, and facts about accounts that were never opened.
    pub async fn remove_old_reports(&self, revocations: Duration) -> Result<(), StoreError> {
        if !self.has_reports().await? {
            return Ok(());
        }
        self.transaction(Limit::Long, async |transaction| {
            sqlx::query("DELETE FROM revocations WHERE at < now() - make_interval(secs => $1)")
                .bind(revocations.as_secs_f64())
                .execute(&mut *transaction)
                .await?;
            sqlx::query("DELETE FROM account_facts WHERE at < now() - make_interval(days => $1)")
                .bind(FORGOTTEN_AFTER_DAYS)
                .execute(transaction)
                .await?;
            Ok(())
        })
        .await
    }

    /// The revocations of the last `window`, newest first, at most `limit`. None while the account service is
    /// older than its table.
    pub async fn revocations(&self, window: Duration, limit: u32) -> Result<Vec<Revocation>, StoreError> {
        if !self.has_reports().await? {
            return Ok(vec![]);
        }
        let rows: Vec<RevocationRow> = self
            .transaction(Limit::Short, async |transaction| {
                sqlx::query_as(
                    "SELECT r.user_id, r.kind, r.session_id, r.role, extract(epoch FROM r.at)::bigint AS at
                       FROM revocations r WHERE r.at > now() - make_interval(secs => $1)
                      ORDER BY r.at DESC, r.id DESC LIMIT $2",
                )
                .bind(window.as_secs_f64())
                .bind(i64::from(limit))
                .fetch_all(transaction)
                .await
            })
            .await?;
        Ok(rows.into_iter().filter_map(RevocationRow::decode).collect())
    }
}

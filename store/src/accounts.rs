//! The tables of the account service (Better Auth) that this service reads and changes.
//!
//! Their schema is a setting. Each transaction sets `search_path` for itself, because a transaction pooler
//! keeps no setting of a session.

mod facts;
mod invitations;
mod schema;

pub use facts::{AccountFact, FactKind, Revocation, RevocationKind};
pub use invitations::InvitedAddress;
pub use schema::{AccountsSchema, InvalidSchemaName};

use aggregates::account::UserRole;
use aggregates::{SessionId, UserId};
use secrecy::SecretString;
use sqlx::Error;
use sqlx::types::Json;

use crate::{ConnectError, StoreError};
use database::{Limit, Pool, PreparedStatements, Transaction};

/// Sessions of one user that are listed at most.
const SESSIONS: i64 = 1_000;

/// The database of the account service. It can be the database of the store or another one.
#[derive(Debug, Clone)]
pub struct AccountsDatabase {
    pool: Pool,
    schema: AccountsSchema,
}

impl AccountsDatabase {
    /// A pool of at most `connections`. Connects when a connection is first needed. Its statements are few
    /// and all in transactions, so that they do without prepared ones behind whichever pooler.
    pub fn connect(
        url: &SecretString,
        schema: &AccountsSchema,
        connections: u32,
    ) -> Result<Self, ConnectError> {
        let pool = Pool::new(url, connections, PreparedStatements::Off)?;
        Ok(Self { pool, schema: schema.clone() })
    }

    /// Runs statements in one transaction, in which names without a schema are those of the account service.
    async fn transaction<T>(
        &self,
        limit: Limit,
        work: impl AsyncFnOnce(&mut Transaction<'_>) -> Result<T, Error>,
    ) -> Result<T, StoreError> {
        let done = self.pool.transaction(limit, async |transaction| {
            sqlx::query("SELECT set_config('search_path', $1, true)")
                .bind(self.schema.as_str())
                .execute(&mut *transaction)
                .await?;
            work(transaction).await
        });
        Ok(done.await?)
    }

    /// Changes rows of a user by statements with the user's id as parameter. This service has recorded the
    /// changes as events, so that the triggers report them to the processes and not as facts.
    async fn change(
        &self,
        limit: Limit,
        user: UserId,
        statements: &[&'static str],
    ) -> Result<(), StoreError> {
        let id = user.to_string();
        self.transaction(limit, async |transaction| {
            sqlx::query(RECORDED).execute(&mut *transaction).await?;
            for statement in statements {
                sqlx::query(statement).bind(&id).execute(&mut *transaction).await?;
            }
            Ok(())
        })
        .await
    }

    /// The user with an e-mail address.
    pub async fn user_with_email(&self, email: &str) -> Result<Option<UserId>, StoreError> {
        self.transaction(Limit::Short, async |transaction| {
            sqlx::query_scalar("SELECT id::text::uuid FROM \"user\" WHERE lower(email) = lower($1)")
                .bind(email)
                .fetch_optional(transaction)
                .await
        })
        .await
    }

    /// Whether a user exists.
    pub async fn has_user(&self, user: UserId) -> Result<bool, StoreError> {
        self.transaction(Limit::Short, async |transaction| {
            sqlx::query_scalar("SELECT EXISTS (SELECT FROM \"user\" WHERE id::text = $1)")
                .bind(user.to_string())
                .fetch_one(transaction)
                .await
        })
        .await
    }

    /// Sets the role of a user. The caller has recorded the change.
    pub async fn set_role(&self, user: UserId, role: UserRole) -> Result<(), StoreError> {
        self.transaction(Limit::Short, async |transaction| {
            sqlx::query(RECORDED).execute(&mut *transaction).await?;
            sqlx::query("UPDATE \"user\" SET role = $2 WHERE id::text = $1")
                .bind(user.to_string())
                .bind(role)
                .execute(transaction)
                .await?;
            Ok(())
        })
        .await
    }

    /// Refuses all sign-ins of a user and ends the sessions. The caller has recorded the change.
    pub async fn ban(&self, user: UserId) -> Result<(), StoreError> {
        self.change(Limit::Short, user, &BAN).await
    }

    /// Permits the sign-ins of a user again. The caller has recorded the change.
    pub async fn lift_ban(&self, user: UserId) -> Result<(), StoreError> {
        self.change(Limit::Short, user, &LIFT_BAN).await
    }

    /// The open sessions of a user, newest first, at most 1,000.
    pub async fn sessions(&self, user: UserId) -> Result<Vec<SessionId>, StoreError> {
        self.transaction(Limit::Short, async |transaction| {
            sqlx::query_scalar(
                "SELECT s.id::text::uuid FROM session s
                  WHERE s.\"userId\"::text = $1 AND s.\"expiresAt\" > now()
                  ORDER BY s.\"createdAt\" DESC LIMIT $2",
            )
            .bind(user.to_string())
            .bind(SESSIONS)
            .fetch_all(transaction)
            .await
        })
        .await
    }

    /// Ends sessions of a user. The caller has recorded the change.
    pub async fn revoke_sessions(&self, user: UserId, sessions: &[SessionId]) -> Result<(), StoreError> {
        self.transaction(Limit::Short, async |transaction| {
            sqlx::query(RECORDED).execute(&mut *transaction).await?;
            sqlx::query("DELETE FROM session WHERE \"userId\"::text = $1 AND id::text::uuid = ANY($2)")
                .bind(user.to_string())
                .bind(sessions)
                .execute(transaction)
                .await?;
            Ok(())
        })
        .await
    }

    /// The data of an account without its secrets (passwords, tokens), for the user's own export.
    pub async fn profile(&self, user: UserId) -> Result<serde_json::Value, StoreError> {
        self.transaction(Limit::Short, async |transaction| {
            let profile: Json<serde_json::Value> =
                sqlx::query_scalar(PROFILE).bind(user.to_string()).fetch_one(transaction).await?;
            Ok(profile.0)
        })
        .await
    }

    /// Whether a session exists and has not expired. Asks the database each time.
    pub async fn is_session_live(&self, user: UserId, session: SessionId) -> Result<bool, StoreError> {
        self.transaction(Limit::Short, async |transaction| {
            sqlx::query_scalar(
                "SELECT EXISTS (SELECT FROM session s
                                 WHERE s.id::text = $1 AND s.\"userId\"::text = $2 AND s.\"expiresAt\" > now())",
            )
            .bind(session.to_string())
            .bind(user.to_string())
            .fetch_one(transaction)
            .await
        })
        .await
    }

    /// Deletes an account with its sessions, and lets PostgreSQL reuse the space of the deleted rows.
    pub async fn erase(&self, user: UserId) -> Result<(), StoreError> {
        let reports: &[&'static str] = if self.has_reports().await? { &ERASE_REPORTS } else { &[] };
        self.change(Limit::Long, user, &[&ERASE, reports].concat()).await?;
        // Otherwise the deleted rows stay on disk until autovacuum runs.
        for table in VACUUMED {
            // Runs outside of a transaction, so that the statement itself names the schema.
            let statement = format!("VACUUM {}.{table}", self.schema);
            if let Err(error) = sqlx::query(&statement).execute(&self.pool).await {
                tracing::debug!(%error, "table of accounts was not vacuumed after an erasure");
            }
        }
        Ok(())
    }
}

const RECORDED: &str = "SELECT set_config('colloquy.recorded', 'on', true)";

const PROFILE: &str = "
SELECT jsonb_build_object(
    'user', (SELECT to_jsonb(u) FROM \"user\" u WHERE u.id::text = $1),
    'sessions', (SELECT coalesce(jsonb_agg(to_jsonb(s) - 'token'), '[]')
                   FROM session s WHERE s.\"userId\"::text = $1),
    'sign_in', (SELECT coalesce(jsonb_agg(jsonb_build_object('provider', a.\"providerId\", 'since', a.\"createdAt\")), '[]')
                  FROM account a WHERE a.\"userId\"::text = $1))";

const BAN: [&str; 2] = [
    "UPDATE \"user\" SET banned = true, \"banReason\" = NULL, \"banExpires\" = NULL WHERE id::text = $1",
    "DELETE FROM session WHERE \"userId\"::text = $1",
];

const LIFT_BAN: [&str; 1] =
    ["UPDATE \"user\" SET banned = false, \"banReason\" = NULL, \"banExpires\" = NULL WHERE id::text = $1"];

pub(crate) const ERASE: [&str; 4] = [
    "DELETE FROM verification v WHERE v.value = $1
        OR v.identifier IN (SELECT u.email FROM \"user\" u WHERE u.id::text = $1)
        OR (v.identifier LIKE 'invitation:%'
            AND v.value::jsonb->>'email' IN (SELECT lower(u.email) FROM \"user\" u WHERE u.id::text = $1))",
    "DELETE FROM session WHERE \"userId\"::text = $1",
    "DELETE FROM account WHERE \"userId\"::text = $1",
    "DELETE FROM \"user\" WHERE id::text = $1",
];

/// The tokens of an erased account are refused because of its phase, so that no revocation is kept, either.
const ERASE_REPORTS: [&str; 2] = [
    "DELETE FROM account_facts WHERE user_id = $1::uuid",
    "DELETE FROM revocations WHERE user_id = $1::uuid",
];

const VACUUMED: [&str; 4] = ["\"user\"", "session", "account", "verification"];

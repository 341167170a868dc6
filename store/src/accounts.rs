//! The tables of the account service (Better Auth, schema `auth`) that this service reads and changes.

use aggregates::UserId;
use secrecy::SecretString;
use sqlx::types::Json;
use uuid::Uuid;

use crate::database::Limit;
use crate::database::pool::Pool;
use crate::{ConnectError, Database, StoreError};

/// The database of the account service. It can be the database of the store or another one.
#[derive(Debug, Clone)]
pub struct AccountsDatabase {
    pool: Pool,
}

impl AccountsDatabase {
    /// A pool of at most `connections`. Connects when a connection is first needed.
    pub fn connect(url: &SecretString, connections: u32) -> Result<Self, ConnectError> {
        Ok(Self { pool: Database::connect(url, connections)?.0 })
    }

    /// Sets the role of the account with an e-mail address; `false` if no account has it. Takes effect with
    /// the account's next token, within 15 minutes.
    pub async fn grant_role(&self, email: &str, role: &str) -> Result<bool, StoreError> {
        let updated = sqlx::query("UPDATE auth.\"user\" SET role = $2 WHERE lower(email) = lower($1)")
            .bind(email)
            .bind(role)
            .execute(&self.pool)
            .await?;
        Ok(updated.rows_affected() > 0)
    }

    /// The data of an account without its secrets (passwords, tokens), for the user's own export.
    pub async fn profile(&self, user: UserId) -> Result<serde_json::Value, StoreError> {
        let profile: Json<serde_json::Value> =
            sqlx::query_scalar(PROFILE).bind(user.to_string()).fetch_one(&self.pool).await?;
        Ok(profile.0)
    }

    /// Whether a session exists and has not expired. Asks the database each time.
    pub async fn is_session_live(&self, user: UserId, session: Uuid) -> Result<bool, StoreError> {
        Ok(sqlx::query_scalar(
            "SELECT EXISTS (SELECT FROM auth.session s
                             WHERE s.id::text = $1 AND s.\"userId\"::text = $2 AND s.\"expiresAt\" > now())",
        )
        .bind(session.to_string())
        .bind(user.to_string())
        .fetch_one(&self.pool)
        .await?)
    }

    /// Deletes an account with its sessions, and lets PostgreSQL reuse the space of the deleted rows.
    pub async fn erase(&self, user: UserId) -> Result<(), StoreError> {
        let id = user.to_string();
        let erasing = self.pool.transaction(Limit::Long, async |transaction| {
            for statement in ERASE {
                sqlx::query(statement).bind(&id).execute(&mut *transaction).await?;
            }
            Ok(())
        });
        erasing.await?;
        // Otherwise the deleted rows stay on disk until autovacuum runs.
        for statement in VACUUM {
            if let Err(error) = sqlx::query(statement).execute(&self.pool).await {
                tracing::debug!(%error, "table of accounts was not vacuumed after an erasure");
            }
        }
        Ok(())
    }
}

const PROFILE: &str = "
SELECT jsonb_build_object(
    'user', (SELECT to_jsonb(u) FROM auth.\"user\" u WHERE u.id::text = $1),
    'sessions', (SELECT coalesce(jsonb_agg(to_jsonb(s) - 'token'), '[]')
                   FROM auth.session s WHERE s.\"userId\"::text = $1),
    'sign_in', (SELECT coalesce(jsonb_agg(jsonb_build_object('provider', a.\"providerId\", 'since', a.\"createdAt\")), '[]')
                  FROM auth.account a WHERE a.\"userId\"::text = $1))";

const ERASE: [&str; 4] = [
    "DELETE FROM auth.verification v WHERE v.value = $1
        OR v.identifier IN (SELECT u.email FROM auth.\"user\" u WHERE u.id::text = $1)",
    "DELETE FROM auth.session WHERE \"userId\"::text = $1",
    "DELETE FROM auth.account WHERE \"userId\"::text = $1",
    "DELETE FROM auth.\"user\" WHERE id::text = $1",
];

const VACUUM: [&str; 4] =
    ["VACUUM auth.\"user\"", "VACUUM auth.session", "VACUUM auth.account", "VACUUM auth.verification"];

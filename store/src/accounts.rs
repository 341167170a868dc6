//! What this service does with the account service's tables: give an account a role, for operators, and tell its owner what
//! is kept there.

use aggregates::UserId;
use sqlx::PgPool;
use sqlx::types::Json;

use super::StoreError;

/// Gives a role to the account with an e-mail address; `false` if there is none. Counts from the account's next token on,
/// at most 15 minutes later.
pub async fn grant(pool: &PgPool, email: &str, role: &str) -> Result<bool, StoreError> {
    let done = sqlx::query("UPDATE auth.\"user\" SET role = $2 WHERE lower(email) = lower($1)")
        .bind(email)
        .bind(role)
        .execute(pool)
        .await?;
    Ok(done.rows_affected() > 0)
}

/// What the account service keeps about somebody, without what opens doors: passwords, tokens.
pub async fn account_profile(accounts: &PgPool, user: UserId) -> Result<serde_json::Value, StoreError> {
    let profile: Json<serde_json::Value> = sqlx::query_scalar(
        "SELECT jsonb_build_object(
            'user', (SELECT to_jsonb(u) FROM auth.\"user\" u WHERE u.id::text = $1),
            'sessions', (SELECT coalesce(jsonb_agg(to_jsonb(s) - 'token'), '[]') FROM auth.session s WHERE s.\"userId\"::text = $1),
            'sign_in', (SELECT coalesce(jsonb_agg(jsonb_build_object('provider', a.\"providerId\", 'since', a.\"createdAt\")), '[]')
                          FROM auth.account a WHERE a.\"userId\"::text = $1))",
    )
    .bind(user.to_string())
    .fetch_one(accounts)
    .await?;
    Ok(profile.0)
}

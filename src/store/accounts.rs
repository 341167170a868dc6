//! The one thing this service does to the account service's tables: give an account a role, for operators.

use sqlx::PgPool;

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

//! Invitations, as rows of the table `verification` of the account service, which uses them up. A row has the
//! hash of the code, and never the code.

use std::time::Duration;

use aggregates::account::UserRole;
use database::Limit;
use sqlx::types::Json;
use uuid::Uuid;

use super::AccountsDatabase;
use crate::StoreError;

/// An address and the role that its account begins with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvitedAddress {
    /// The address, in lower case.
    pub email: String,
    /// The role.
    pub role: UserRole,
}

impl AccountsDatabase {
    /// Adds an invitation that is good for a time. Earlier invitations of the address end, and so do those of
    /// others whose time is over. `code_hash` is the SHA-256 of the code, in hexadecimal.
    pub async fn add_invitation(
        &self,
        id: Uuid,
        code_hash: &str,
        invited: &InvitedAddress,
        valid: Duration,
    ) -> Result<(), StoreError> {
        let InvitedAddress { email, role } = invited;
        let value = serde_json::json!({ "email": email, "role": role.name() });
        self.transaction(Limit::Short, async |transaction| {
            sqlx::query(
                "DELETE FROM verification v WHERE v.identifier LIKE 'invitation:%'
                    AND (v.value::jsonb->>'email' = $1 OR v.\"expiresAt\" < now())",
            )
            .bind(email)
            .execute(&mut *transaction)
            .await?;
            // The id is text in databases of old installations.
            sqlx::query(
                "INSERT INTO verification (id, identifier, value, \"expiresAt\", \"createdAt\", \"updatedAt\")
                 VALUES ($1::uuid, 'invitation:' || $2, $3::jsonb::text, now() + make_interval(secs => $4), now(), now())",
            )
            .bind(id)
            .bind(code_hash)
            .bind(Json(value))
            .bind(valid.as_secs_f64())
            .execute(transaction)
            .await?;
            Ok(())
        })
        .await
    }
}

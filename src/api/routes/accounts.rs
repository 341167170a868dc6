//! `POST /v1/accounts/{user_id}/commands`: what administrators do to other people's accounts.

use std::sync::Arc;

use aggregates::account::{AccountRefused, UserRole};
use aggregates::{Actor, UserId};
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::api::account_service::AccountService;
use crate::api::identity::Caller;
use crate::api::limits::Limits;
use crate::api::middleware::trace::Trace;
use crate::api::problem::Problem;
use crate::api::reads::params::parse_id;
use crate::api::routes::commands::{parse_fields, parse_object};
use crate::operations::accounts::{AccountChange, NotChanged};

/// A command to an account.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(in crate::api) enum AccountCommand {
    /// Set the role.
    ChangeRole(ChangeRole),
    /// Refuse all sign-ins, and end the sessions.
    Ban,
    /// Permit sign-ins again.
    LiftBan,
    /// End all sessions.
    RevokeSessions,
}

/// Set the role.
#[derive(Debug, Deserialize, ToSchema)]
pub(in crate::api) struct ChangeRole {
    /// The new role.
    role: UserRole,
}

/// The result of a command to an account.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct AccountChanged {
    /// Id of the user.
    pub(in crate::api) user_id: uuid::Uuid,
    /// Types of the command's events; empty if the command changed nothing.
    pub(in crate::api) events: Vec<&'static str>,
}

impl AccountCommand {
    fn parse(body: &[u8]) -> Result<Self, Problem> {
        let mut fields: Map<String, Value> = parse_object(body)?;
        let name = fields.remove("type");
        match name.as_ref().and_then(Value::as_str).unwrap_or_default() {
            "change_role" => parse_fields(fields).map(Self::ChangeRole),
            "ban" => Ok(Self::Ban),
            "lift_ban" => Ok(Self::LiftBan),
            "revoke_sessions" => Ok(Self::RevokeSessions),
            _ => Err(Problem::invalid_field("type", "The value is not the name of a command.")),
        }
    }
}

impl From<AccountCommand> for AccountChange {
    fn from(command: AccountCommand) -> Self {
        match command {
            AccountCommand::ChangeRole(ChangeRole { role }) => Self::Role(role),
            AccountCommand::Ban => Self::Ban,
            AccountCommand::LiftBan => Self::LiftBan,
            AccountCommand::RevokeSessions => Self::RevokeSessions,
        }
    }
}

/// Change the role of an account, ban it, or end its sessions
///
/// For administrators, with a session that exists at this moment. Administrators cannot change their own
/// account. Effective in every process within 10 seconds.
#[utoipa::path(post, path = "/v1/accounts/{user_id}/commands", operation_id = "change_account", tag = "Accounts",
    params(("user_id" = uuid::Uuid, Path)), request_body = AccountCommand,
    responses((status = 202, body = AccountChanged), (status = 404), (status = 409), (status = 413), (status = 422)),
    security(("bearer" = [])))]
pub(in crate::api) async fn command(
    State(account_service): State<Arc<AccountService>>,
    State(limits): State<Arc<Limits>>,
    trace: Trace,
    caller: Caller,
    Path(user): Path<String>,
    body: Bytes,
) -> Result<(StatusCode, Json<AccountChanged>), Problem> {
    match caller.role {
        UserRole::Admin => {}
        UserRole::User | UserRole::Auditor => return Err(Problem::admins_only()),
    }
    limits.commands.count(&caller.user)?;
    let user: UserId = parse_id(&user, "user_id")?;
    let change = AccountCommand::parse(&body)?.into();
    account_service.require_live_session(&caller).await?;
    let administration = account_service.administration();
    let events = administration.change(user, change, Actor::User(caller.user), trace.request_id()).await?;
    Ok((StatusCode::ACCEPTED, Json(AccountChanged { user_id: user.uuid(), events })))
}

impl From<NotChanged> for Problem {
    fn from(error: NotChanged) -> Self {
        match error {
            NotChanged::NotFound => Self::not_found(),
            NotChanged::Refused(refused) => refused.into(),
            NotChanged::Store(error) => error.into(),
        }
    }
}

impl From<AccountRefused> for Problem {
    fn from(refused: AccountRefused) -> Self {
        match refused {
            AccountRefused::Erasing => Self::account_is_being_erased(),
            AccountRefused::OwnAccount => Self::own_account(),
            AccountRefused::NotFound | AccountRefused::NotErasing => Self::internal(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::snapshots::{assert_json, id};

    #[test]
    fn the_response_matches_its_snapshot() {
        assert_json("account_changed", &AccountChanged { user_id: id(5), events: vec!["RoleChanged"] });
    }

    #[test]
    fn a_command_is_parsed_by_its_type() {
        let parse = |body: &str| AccountCommand::parse(body.as_bytes()).map(AccountChange::from);
        let role = AccountChange::Role(UserRole::Auditor);
        assert_eq!(parse("{\"type\":\"change_role\",\"role\":\"auditor\"}").unwrap(), role);
        assert_eq!(parse("{\"type\":\"ban\"}").unwrap(), AccountChange::Ban);
        for (body, field) in [
            ("{}", "type"),
            ("{\"type\":\"set_password\"}", "type"),
            ("{\"type\":\"change_role\"}", "role"),
            ("{\"type\":\"change_role\",\"role\":\"emperor\"}", "role"),
        ] {
            assert_eq!(parse(body).unwrap_err().field(), Some(field), "{body}");
        }
    }
}

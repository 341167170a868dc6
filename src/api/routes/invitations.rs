//! `POST /v1/invitations`: lets somebody sign up.

use std::sync::Arc;

use aggregates::Actor;
use aggregates::account::UserRole;
use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::account_service::AccountService;
use crate::api::identity::Caller;
use crate::api::limits::Limits;
use crate::api::middleware::trace::Trace;
use crate::api::problem::Problem;
use crate::api::routes::commands::{parse_fields, parse_object};
use crate::operations::invitations::{EmailAddress, NotInvited, invite};

/// The invited person.
#[derive(Debug, Deserialize, ToSchema)]
pub(in crate::api) struct NewInvitation {
    /// The e-mail address with which the invitation is good.
    email: String,
    /// The role that the account begins with.
    #[serde(default = "user")]
    role: UserRole,
}

/// An invitation. Neither its code nor its link can be read again.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct InvitationCreated {
    /// Id of the invitation and of its event.
    invitation_id: uuid::Uuid,
    /// The code to enter at the sign-up, good once.
    code: String,
    /// The address of the page with the code, which browsers send to no server.
    link: String,
    /// The time at which the code ends.
    expires_at: DateTime<Utc>,
}

const fn user() -> UserRole {
    UserRole::User
}

/// Invite somebody
///
/// For administrators, with a session that exists at this moment. The invitation is for one e-mail address,
/// which has no account, and replaces earlier ones. It is good once and for seven days.
#[utoipa::path(post, path = "/v1/invitations", operation_id = "create_invitation", tag = "Accounts",
    request_body = NewInvitation, responses((status = 201, body = InvitationCreated), (status = 409)),
    security(("bearer" = [])))]
pub(in crate::api) async fn create(
    State(account_service): State<Arc<AccountService>>,
    State(limits): State<Arc<Limits>>,
    trace: Trace,
    caller: Caller,
    body: Bytes,
) -> Result<(StatusCode, Json<InvitationCreated>), Problem> {
    match caller.role {
        UserRole::Admin => {}
        UserRole::User | UserRole::Auditor => return Err(Problem::admins_only()),
    }
    limits.commands.count(&caller.user)?;
    let NewInvitation { email, role } = parse_fields(parse_object(&body)?)?;
    let email: EmailAddress =
        email.parse().map_err(|_| Problem::invalid_field("email", "The value is not an e-mail address."))?;
    account_service.require_live_session(&caller).await?;
    let administration = account_service.administration();
    let actor = Actor::User(caller.user);
    let invitation = invite(administration, email, role, actor, trace.request_id()).await?;
    let created = InvitationCreated {
        invitation_id: invitation.id,
        link: invitation.link(account_service.public_url()),
        code: invitation.code.expose_secret().to_owned(),
        expires_at: invitation.expires_at,
    };
    Ok((StatusCode::CREATED, Json(created)))
}

impl From<NotInvited> for Problem {
    fn from(error: NotInvited) -> Self {
        match error {
            NotInvited::HasAccount => Self::has_account(),
            NotInvited::NoRandomness => Self::internal(),
            NotInvited::Store(error) => error.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::snapshots::{assert_json, id, time};

    #[test]
    fn the_response_matches_its_snapshot() {
        let code = "ABCDE-FGHJK-LMNPQ-RSTUV-WXYZ2";
        let created = InvitationCreated {
            invitation_id: id(5),
            code: code.to_owned(),
            link: format!("https://chat.example.org/sign-up#invitation={code}"),
            expires_at: time(),
        };
        assert_json("invitation_created", &created);
    }
}

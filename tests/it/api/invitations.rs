//! Administrators invite people.

use colloquy::roles::Role;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::accounts::{OwnAccounts, PASSWORD, id_of, post};
use crate::support::product::Product;

const ROLES: [Role; 3] = [Role::Api, Role::Sequencer, Role::Projector];

#[tokio::test]
async fn an_administrator_invites_an_address_and_nobody_else_does() {
    let accounts = OwnAccounts::start().await;
    let product = Product::on(accounts.config.clone(), &ROLES).await;
    let admin = accounts.person_with_role(&product, "admin").await;
    let (auditor, person) =
        (accounts.person_with_role(&product, "auditor").await, accounts.person(&product).await);
    let email = format!("{}@example.org", Uuid::now_v7().simple());
    let invitation = json!({"email": email, "role": "auditor"});
    for other in [&auditor, &person] {
        assert_eq!(other.post("/v1/invitations", &invitation).await.status, 403);
    }
    let created = admin.post("/v1/invitations", &invitation).await;
    assert_eq!(created.status, 201, "{created:?}");
    let code = created.body["code"].as_str().unwrap();
    let path = format!("/sign-up#invitation={code}");
    assert!(created.body["link"].as_str().unwrap().ends_with(&path), "{created:?}");

    let account = json!({"email": email, "password": PASSWORD, "name": "Ada", "invitation": code});
    let signed_up = post(&product, "sign-up/email", None, &account).await;
    assert_eq!(signed_up.status(), 200);
    assert_eq!(signed_up.json::<Value>().await.unwrap()["user"]["role"], "auditor");

    let again = admin.post("/v1/invitations", &invitation).await;
    assert_eq!((again.status, &again.body["type"]), (409, &json!("urn:colloquy:problem:has-account")));
    for (body, field) in [
        (json!({"email": "ada"}), "email"),
        (json!({"role": "auditor"}), "email"),
        (json!({"email": "ada@example.org", "role": "emperor"}), "role"),
    ] {
        let refused = admin.post("/v1/invitations", &body).await;
        assert_eq!((refused.status, &refused.body["field"]), (422, &json!(field)), "{body}");
    }

    let id: Uuid = created.body["invitation_id"].as_str().unwrap().parse().unwrap();
    let page = auditor
        .until_shown("/v1/audit/events?type=InvitationCreated", |page| {
            !page["items"].as_array().unwrap().is_empty()
        })
        .await;
    let event = &page["items"][0];
    assert_eq!(
        event["payload"],
        json!({"type": "InvitationCreated", "role": "auditor", "by": id_of(&admin).await})
    );
    assert_eq!(event["aggregate_id"], json!(id), "{event}");
    assert!(!event.to_string().contains(&email));
    product.end().await;
}

#[tokio::test]
async fn an_erasure_takes_invitations_of_the_address_with_it() {
    let accounts = OwnAccounts::start().await;
    let product = Product::on(accounts.config.clone(), &ROLES).await;
    let person = accounts.person(&product).await;
    let invitations = async || -> i64 {
        let count = "SELECT count(*) FROM auth.verification WHERE identifier LIKE 'invitation:%'";
        sqlx::query_scalar(count).fetch_one(&accounts.pool).await.unwrap()
    };
    let email = person.email().to_owned();
    for (number, role) in ["user", "admin"].into_iter().enumerate() {
        let invited = store::InvitedAddress { email: email.clone(), role: role.parse().unwrap() };
        let valid = std::time::Duration::from_hours(1);
        let hash = number.to_string();
        accounts.tables().add_invitation(Uuid::now_v7(), &hash, &invited, valid).await.unwrap();
    }
    assert_eq!(invitations().await, 1);
    let user = aggregates::UserId::new(id_of(&person).await);
    accounts.tables().erase(user).await.unwrap();
    assert_eq!(invitations().await, 0);
    product.end().await;
}

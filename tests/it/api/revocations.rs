//! A session that ends, a ban and a change of a role reach every process, and open streams end.

use colloquy::roles::Role;
use futures::StreamExt as _;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::accounts::{OwnAccounts, PASSWORD, id_of, post, sign_in};
use crate::support::person::Person;
use crate::support::product::Product;
use crate::support::waiting::until;

const ROLES: [Role; 3] = [Role::Api, Role::Sequencer, Role::Projector];

/// Two processes over the same stores. No hint of the first reaches the second, as if NATS were away.
async fn two_processes(accounts: &OwnAccounts) -> (Product, Product) {
    let one = Product::on(accounts.config.clone(), &ROLES).await;
    let mut config = accounts.config.clone();
    config.app.nats_prefix = format!("t{}", Uuid::now_v7().simple());
    (one, Product::on(config, &[Role::Api]).await)
}

async fn until_status(person: &Person, path: &str, status: u16) {
    until(path, async || (person.get(path).await.status == status).then_some(())).await;
}

/// Reads a stream to its end.
async fn until_ended(stream: reqwest::Response) {
    let mut bytes = stream.bytes_stream();
    let reading = async { while let Some(Ok(_)) = bytes.next().await {} };
    tokio::time::timeout(std::time::Duration::from_mins(1), reading).await.expect("the stream ends");
}

async fn command(admin: &Person, user: Uuid, command: &Value) -> (u16, Value) {
    let answered = admin.post(&format!("/v1/accounts/{user}/commands"), command).await;
    (answered.status, answered.body)
}

#[tokio::test]
async fn tokens_and_streams_of_a_session_that_was_signed_out_end_in_every_process() {
    let accounts = OwnAccounts::start().await;
    let (here, there) = two_processes(&accounts).await;
    let person = accounts.person(&here).await;
    let elsewhere = person.at(&there);
    let opaque = elsewhere.with_token(person.session.clone());
    for client in [&person, &elsewhere, &opaque] {
        assert_eq!(client.get("/v1/me").await.status, 200);
    }
    let streams = [elsewhere.open("/v1/stream", None).await, opaque.open("/v1/stream", None).await];
    assert_eq!(post(&here, "sign-out", Some(&person.session), &json!({})).await.status(), 200);
    for client in [&person, &elsewhere, &opaque] {
        until_status(client, "/v1/me", 401).await;
    }
    for stream in streams {
        until_ended(stream).await;
    }
    assert_eq!(person.request("DELETE", "/v1/me").await.status, 401);
}

#[tokio::test]
async fn an_administrator_ends_the_sessions_of_somebody_and_bans_and_unbans_them() {
    let accounts = OwnAccounts::start().await;
    let (here, there) = two_processes(&accounts).await;
    let person = accounts.person(&there).await;
    let user = id_of(&person).await;
    let admin = accounts.person_with_role(&here, "admin").await;
    let (status, body) = command(&admin, user, &json!({"type": "revoke_sessions"})).await;
    assert_eq!((status, &body["events"]), (202, &json!(["SessionsRevoked"])));
    until_status(&person, "/v1/me", 401).await;
    assert_eq!(sign_in(&here, &person, PASSWORD).await, 200);

    let again = accounts.person(&there).await;
    let user = id_of(&again).await;
    let stream = again.open("/v1/stream", None).await;
    let (status, body) = command(&admin, user, &json!({"type": "ban"})).await;
    assert_eq!((status, &body["events"]), (202, &json!(["Banned"])));
    assert_eq!(command(&admin, user, &json!({"type": "ban"})).await.1["events"], json!([]));
    until_status(&again, "/v1/me", 401).await;
    until_ended(stream).await;
    assert_eq!(sign_in(&here, &again, PASSWORD).await, 403);
    let (status, body) = command(&admin, user, &json!({"type": "lift_ban"})).await;
    assert_eq!((status, &body["events"]), (202, &json!(["BanLifted"])));
    assert_eq!(sign_in(&here, &again, PASSWORD).await, 200);
}

#[tokio::test]
async fn a_role_that_is_taken_away_closes_the_ledger_to_tokens_that_name_it() {
    let accounts = OwnAccounts::start().await;
    let (here, there) = two_processes(&accounts).await;
    let auditor = accounts.person_with_role(&there, "auditor").await;
    let user = id_of(&auditor).await;
    assert_eq!(auditor.get("/v1/audit/events").await.status, 200);
    let stream = auditor.open("/v1/audit/events/stream", None).await;
    let admin = accounts.person_with_role(&here, "admin").await;
    let demote = json!({"type": "change_role", "role": "user"});
    let (status, body) = command(&admin, user, &demote).await;
    assert_eq!((status, &body["events"]), (202, &json!(["RoleChanged"])));
    until_status(&auditor, "/v1/audit/events", 403).await;
    until_ended(stream).await;
    // The session goes on, with what a user may do.
    assert_eq!(auditor.get("/v1/me").await.body["role"], json!("user"));
    let (_, body) = command(&admin, user, &json!({"type": "change_role", "role": "auditor"})).await;
    assert_eq!(body["events"], json!(["RoleChanged"]));
    until_status(&auditor, "/v1/audit/events", 200).await;
    let shown = |page: &Value| page["items"].to_string().contains("RoleChanged");
    let page = auditor.until_shown(&format!("/v1/audit/events?user={user}&type=RoleChanged"), shown).await;
    let by = id_of(&admin).await;
    assert_eq!(page["items"][0]["payload"], json!({"type": "RoleChanged", "role": "user", "by": by}));
    assert_eq!(page["items"][0]["actor"], json!({"kind": "user", "id": by}));
}

#[tokio::test]
async fn nobody_but_an_administrator_changes_accounts_and_no_administrator_their_own() {
    let accounts = OwnAccounts::start().await;
    let here = Product::on(accounts.config.clone(), &ROLES).await;
    let person = accounts.person(&here).await;
    let user = id_of(&person).await;
    let auditor = accounts.person_with_role(&here, "auditor").await;
    let grant = json!({"type": "change_role", "role": "admin"});
    for client in [&person, &auditor] {
        assert_eq!(command(client, user, &grant).await.0, 403);
    }
    let admin = accounts.person_with_role(&here, "admin").await;
    let own = id_of(&admin).await;
    for change in [json!({"type": "change_role", "role": "user"}), json!({"type": "ban"})] {
        let (status, body) = command(&admin, own, &change).await;
        assert_eq!((status, &body["type"]), (409, &json!("urn:colloquy:problem:own-account")));
    }
    assert_eq!(command(&admin, Uuid::now_v7(), &grant).await.0, 404);
    assert_eq!(command(&admin, user, &json!({"type": "set_password"})).await.0, 422);
    // A token of a session that is over changes nothing, not even before the list is read again.
    sqlx::query("DELETE FROM auth.session WHERE \"userId\"::text = $1")
        .bind(own.to_string())
        .execute(&accounts.pool)
        .await
        .unwrap();
    assert_eq!(command(&admin, user, &grant).await.0, 401);
}

#[tokio::test]
async fn an_administrator_cannot_act_as_somebody_else_through_the_account_service() {
    let accounts = OwnAccounts::start().await;
    let here = Product::on(accounts.config.clone(), &[Role::Api]).await;
    let (admin, person) = (accounts.person(&here).await, accounts.person(&here).await);
    let (own, user) = (id_of(&admin).await, id_of(&person).await);
    accounts.tables().set_role(aggregates::UserId::new(own), "admin".parse().unwrap()).await.unwrap();
    let changes = [
        ("admin/set-user-password", json!({"userId": user, "newPassword": "the administrator's"})),
        ("admin/update-user", json!({"userId": user, "data": {"email": "admin@example.org"}})),
        ("admin/create-user", json!({"email": "new@example.org", "password": PASSWORD, "name": "New"})),
        ("admin/set-role", json!({"userId": user, "role": "admin"})),
        ("admin/impersonate-user", json!({"userId": user})),
        ("admin/ban-user", json!({"userId": user})),
        ("admin/remove-user", json!({"userId": user})),
    ];
    for (path, body) in changes {
        let spelled = path.replacen("admin", "%61dmin", 1);
        for path in [path.to_owned(), format!("{path}/"), format!("/{path}"), spelled] {
            let answer = post(&here, &path, Some(&admin.session), &body).await;
            assert_eq!(answer.status(), 404, "{path}");
        }
    }
    assert_eq!(sign_in(&here, &person, PASSWORD).await, 200);
}

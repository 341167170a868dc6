//! Invitations from the command line of a machine that has the database and the master key.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::accounts::{OwnAccounts, PASSWORD};
use crate::support::served::{MASTER_KEY, command, failing, run};
use crate::support::service;

async fn invite(accounts: &OwnAccounts, arguments: &[&str]) -> String {
    let mut command = command(&accounts.config, MASTER_KEY);
    command.arg("invite").args(arguments).env("PUBLIC_URL", "https://chat.example.org/colloquy");
    let output = run(command).await;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

async fn sign_up(accounts: &OwnAccounts, email: &str, invitation: &str) -> reqwest::Response {
    let body = json!({"email": email, "password": PASSWORD, "name": "Ada", "invitation": invitation});
    let request = reqwest::Client::new().post(format!("{}/api/auth/sign-up/email", accounts.url()));
    request.header("origin", service("COLLOQUY_TEST_PUBLIC_URL")).json(&body).send().await.unwrap()
}

#[tokio::test]
async fn an_invitation_is_an_event_and_gives_its_role_to_the_invited_address_once() {
    let accounts = OwnAccounts::start().await;
    store::migrate(&accounts.config.database_direct_url).await.unwrap();
    let email = format!("{}@example.org", Uuid::now_v7().simple());
    let replaced = invite(&accounts, &[&email]).await;
    let link = invite(&accounts, &[&email.to_uppercase(), "--role", "auditor"]).await;
    let code = link.trim().strip_prefix("https://chat.example.org/colloquy/sign-up#invitation=").unwrap();

    let stored: Vec<String> = sqlx::query_scalar("SELECT v::text FROM auth.verification v")
        .fetch_all(&accounts.pool)
        .await
        .unwrap();
    assert_eq!(stored.len(), 1);
    assert!(!stored[0].contains(code) && !stored[0].contains(&code.replace('-', "")));

    let replaced = replaced.trim().rsplit_once('=').unwrap().1;
    assert_eq!(sign_up(&accounts, &email, replaced).await.status(), 400);
    assert_eq!(sign_up(&accounts, "somebody.else@example.org", code).await.status(), 400);
    let signed_up = sign_up(&accounts, &email, code).await;
    assert_eq!(signed_up.status(), 200);
    assert_eq!(signed_up.json::<Value>().await.unwrap()["user"]["role"], "auditor");
    assert_eq!(sign_up(&accounts, &email, code).await.status(), 400);

    let events: Vec<Value> = sqlx::query_scalar(
        "SELECT payload FROM events WHERE aggregate_type = 'operation' ORDER BY recorded_at",
    )
    .fetch_all(&accounts.pool)
    .await
    .unwrap();
    let created = |role| json!({"type": "InvitationCreated", "role": role, "by": Uuid::nil()});
    assert_eq!(events, [created("user"), created("auditor")]);
}

#[tokio::test]
async fn an_address_that_has_an_account_or_is_none_is_not_invited() {
    let accounts = OwnAccounts::start().await;
    store::migrate(&accounts.config.database_direct_url).await.unwrap();
    let email = format!("{}@example.org", Uuid::now_v7().simple());
    assert_eq!(sign_up(&accounts, &email, "").await.status(), 200);
    for (address, reason) in
        [(email.as_str(), "an account has this e-mail address"), ("ada", "not an e-mail address")]
    {
        let mut command = command(&accounts.config, MASTER_KEY);
        command.args(["invite", address]);
        let error = failing(command).await;
        assert!(error.contains(reason), "{error}");
    }
}

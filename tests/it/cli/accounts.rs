//! Roles and bans from the command line of a machine that has the database and the master key.

use colloquy::roles::Role;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::accounts::{OwnAccounts, PASSWORD, id_of, sign_in};
use crate::support::product::Product;
use crate::support::served::{MASTER_KEY, command, failing, run};
use crate::support::waiting::until;

async fn colloquy(accounts: &OwnAccounts, arguments: &[&str]) {
    let mut command = command(&accounts.config, MASTER_KEY);
    let output = run({
        command.args(arguments);
        command
    })
    .await;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[tokio::test]
async fn a_granted_role_and_a_ban_are_events_and_take_effect_on_tokens_in_use() {
    let accounts = OwnAccounts::start().await;
    let product = Product::on(accounts.config.clone(), &[Role::Api, Role::Sequencer, Role::Projector]).await;
    let person = accounts.person(&product).await;
    // Before the first request: the account has no event yet.
    colloquy(&accounts, &["grant", person.email(), "auditor"]).await;
    until("the role is in effect", async || {
        (person.get("/v1/audit/checkpoint").await.status == 200).then_some(())
    })
    .await;
    let user = id_of(&person).await;
    colloquy(&accounts, &["grant", person.email(), "auditor"]).await;
    colloquy(&accounts, &["ban", person.email()]).await;
    until("the token is refused", async || (person.get("/v1/me").await.status == 401).then_some(())).await;
    assert_eq!(sign_in(&product, &person, PASSWORD).await, 403);
    colloquy(&accounts, &["ban", "--lift", person.email()]).await;
    assert_eq!(sign_in(&product, &person, PASSWORD).await, 200);
    let events: Vec<Value> = sqlx::query_scalar(
        "SELECT payload FROM events WHERE aggregate_type = 'account' AND aggregate_id = $1
            AND sequence > 1 ORDER BY sequence",
    )
    .bind(user)
    .fetch_all(&accounts.pool)
    .await
    .unwrap();
    let by = Uuid::nil();
    let expected = [
        json!({"type": "RoleChanged", "role": "auditor", "by": by}),
        json!({"type": "Banned", "by": by}),
        json!({"type": "BanLifted", "by": by}),
    ];
    assert_eq!(events, expected);
}

#[tokio::test]
async fn an_address_without_an_account_is_an_error() {
    let accounts = OwnAccounts::start().await;
    store::migrate(&accounts.config.database_direct_url).await.unwrap();
    for arguments in [vec!["grant", "nobody@example.org", "admin"], vec!["ban", "nobody@example.org"]] {
        let mut command = command(&accounts.config, MASTER_KEY);
        command.args(arguments);
        let error = failing(command).await;
        assert!(error.contains("no account has this e-mail address"), "{error}");
    }
}

#[tokio::test]
async fn a_schema_of_another_name_is_used_throughout() {
    let accounts = OwnAccounts::start().await;
    store::migrate(&accounts.config.database_direct_url).await.unwrap();
    let mut command = command(&accounts.config, MASTER_KEY);
    command.args(["grant", "nobody@example.org", "admin"]).env("AUTH_SCHEMA", "elsewhere");
    let error = failing(command).await;
    assert!(error.contains("\"user\" does not exist"), "{error}");
    sqlx::query("ALTER SCHEMA auth RENAME TO elsewhere").execute(&accounts.pool).await.unwrap();
    let config = accounts.config.clone();
    let renamed = config.auth_database_url;
    let tables = store::AccountsDatabase::connect(&renamed, &"elsewhere".parse().unwrap(), 1).unwrap();
    let nobody = aggregates::UserId::new(Uuid::now_v7());
    assert!(!tables.has_user(nobody).await.unwrap());
    assert_eq!(tables.profile(nobody).await.unwrap()["sessions"], json!([]));
    tables.erase(nobody).await.unwrap();
}

//! A pooler whose settings do not fit is a message at the start, and no mixed up statements later.

use std::process::Command;

use colloquy::config::Config;
use secrecy::SecretString;
use store::{CheckError, PreparedStatements, Sharing, WrongPooler, check_pooler};

use super::Pooled;
use crate::support::pooler::{prepared_statements, without_prepared_statements};
use crate::support::served::{MASTER_KEY, command, failing};

async fn check(url: &str, prepared: PreparedStatements) -> Result<Sharing, WrongPooler> {
    match check_pooler(&SecretString::from(url), prepared).await {
        Ok(sharing) => Ok(sharing),
        Err(CheckError::Wrong(wrong)) => Err(wrong),
        Err(error) => panic!("{error:?}"),
    }
}

/// The product as a process of its own, beside a database that is migrated already.
fn serving(config: &Config) -> Command {
    let mut serving = command(config, MASTER_KEY);
    serving.args(["serve", "--no-migrate"]);
    serving
}

#[tokio::test]
async fn prepared_statements_that_a_pooler_mixes_up_are_refused_at_the_start() {
    let pooled = Pooled::with_defaults().await;
    assert_eq!(check(&pooled.url, PreparedStatements::Off).await, Ok(Sharing::Shared));
    let message = failing(serving(&pooled.configuration(PreparedStatements::On))).await;
    assert!(message.contains("DATABASE_PREPARED_STATEMENTS=off"), "{message}");
    assert!(message.contains("max_prepared_statements"), "{message}");
}

#[tokio::test]
async fn they_are_refused_as_well_if_the_pooler_takes_its_servers_in_turn() {
    let settings =
        format!("pool_mode = transaction\nserver_round_robin = 1\n{}", without_prepared_statements());
    let pooled = Pooled::start(&settings).await;
    use_servers(&pooled, 4).await;
    assert_eq!(check(&pooled.url, PreparedStatements::On).await, Err(WrongPooler::PreparedStatements));
    // The pooler has closed the servers on which the check failed.
    use_servers(&pooled, 4).await;
    assert_eq!(check(&pooled.url, PreparedStatements::Off).await, Ok(Sharing::Shared));
}

/// Has the pooler open servers: as many as there are transactions at once.
async fn use_servers(pooled: &Pooled, servers: u32) {
    let clients = crate::support::backbone::connect(&pooled.url, servers);
    let mut transactions = Vec::new();
    for _ in 0..servers {
        let mut transaction = clients.begin().await.unwrap();
        sqlx::raw_sql("SELECT 1").execute(&mut *transaction).await.unwrap();
        transactions.push(transaction);
    }
    for transaction in transactions {
        transaction.commit().await.unwrap();
    }
}

#[tokio::test]
async fn a_pooler_that_keeps_sessions_or_prepared_statements_fits() {
    let pooled = Pooled::start("pool_mode = session\n").await;
    assert_eq!(check(&pooled.url, PreparedStatements::On).await, Ok(Sharing::NotSeen));
    assert_eq!(check(&pooled.direct_url, PreparedStatements::On).await, Ok(Sharing::NotSeen));
    store::migrate(&pooled.url.as_str().into()).await.unwrap();
    let (prepared, keeping) = prepared_statements();
    let pooled = Pooled::start(&format!("pool_mode = transaction\n{keeping}")).await;
    assert_eq!(check(&pooled.url, prepared).await, Ok(Sharing::Shared));
}

#[tokio::test]
async fn a_pooler_that_gives_servers_to_single_statements_is_refused() {
    let pooled = Pooled::start(&format!("pool_mode = statement\n{}", without_prepared_statements())).await;
    for prepared in [PreparedStatements::On, PreparedStatements::Off] {
        let refused = check(&pooled.url, prepared).await.unwrap_err();
        assert!(matches!(refused, WrongPooler::StatementPooling | WrongPooler::PreparedStatements));
    }
    let message = failing(serving(&pooled.configuration(PreparedStatements::Off))).await;
    assert!(message.contains("pool_mode = transaction"), "{message}");
}

#[tokio::test]
async fn a_start_parameter_that_the_pooler_does_not_know_is_named() {
    let pooled = Pooled::with_defaults().await;
    let mut config = pooled.configuration(PreparedStatements::Off);
    config.app.database_url = format!("{}?options=-c%20geqo%3Doff", pooled.url).into();
    let message = failing(serving(&config)).await;
    assert!(message.contains("ignore_startup_parameters = options"), "{message}");
}

#[tokio::test]
async fn migrating_through_a_transaction_pooler_is_refused() {
    let pooled = Pooled::with_defaults().await;
    let mut migrate = command(&pooled.configuration(PreparedStatements::Off), MASTER_KEY);
    migrate.arg("migrate");
    let message = failing(migrate).await;
    assert!(message.contains("DATABASE_DIRECT_URL leads through a transaction pooler"), "{message}");
}

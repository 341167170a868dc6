//! Logins at NATS: each kind is accepted, a refused one is a problem in words, and a replaced one counts.

use embedded::{DataDir, Nats, Parts, WithModel};
use nats::{ConnectionConfig, Problems};
use nkeys::KeyPair;
use serde_json::Value;

use super::{outcome, subjects};
use crate::support::backbone::new_database;
use crate::support::nats_operator::HostedNats;
use crate::support::product::configuration;
use crate::support::served::Served;
use crate::support::tls::Certificates;
use crate::support::waiting::until;

const JETSTREAM: &str = "jetstream { max_memory_store: 2GB, max_file_store: 20GB }\n";

async fn server(text: &str) -> (Nats, DataDir) {
    let data = DataDir::temporary().unwrap();
    let parts = Parts::locate(WithModel::No).await.unwrap();
    (Nats::configured(&parts, &data, text).await.unwrap(), data)
}

fn url_with(login: &str, nats: &Nats) -> String {
    nats.url().replace("nats://", &format!("nats://{login}@"))
}

#[tokio::test]
async fn users_tokens_nkeys_and_credentials_files_are_accepted() {
    let (key, files) = (KeyPair::new_user(), tempfile::tempdir().unwrap());
    let users = format!(
        "{JETSTREAM}authorization {{ users = [{{user: ann, password: \"p@ss:word\"}}, {{nkey: {}}}] }}\n",
        key.public_key()
    );
    let (nats, _data) = server(&users).await;
    let by_password = ConnectionConfig::new(url_with("ann:p%40ss%3Aword", &nats));
    assert_eq!(outcome(&by_password, &subjects()).await, Ok(()));
    let seed = files.path().join("seed");
    std::fs::write(&seed, key.seed().unwrap()).unwrap();
    let by_nkey = ConnectionConfig { nkey: Some(seed), ..ConnectionConfig::new(nats.url()) };
    assert_eq!(outcome(&by_nkey, &subjects()).await, Ok(()));

    let (nats, _data) = server(&format!("{JETSTREAM}authorization {{ token: t0ken }}\n")).await;
    let by_token = ConnectionConfig::new(url_with("t0ken", &nats));
    assert_eq!(outcome(&by_token, &subjects()).await, Ok(()));

    let operator = HostedNats::new();
    let (nats, _data) = server(&operator.server()).await;
    let creds = files.path().join("creds");
    std::fs::write(&creds, operator.credentials()).unwrap();
    let by_file = ConnectionConfig { credentials: Some(creds), ..ConnectionConfig::new(nats.url()) };
    assert_eq!(outcome(&by_file, &subjects()).await, Ok(()));
}

#[tokio::test]
async fn tls_needs_the_authority_of_the_server_and_the_certificate_of_the_client() {
    let certificates = Certificates::new();
    let (certificate, key) = (certificates.certificate(), certificates.key());
    let tls = format!(
        "{JETSTREAM}tls {{ cert_file: {certificate:?}, key_file: {key:?}, ca_file: {:?}, verify: true }}\n",
        certificates.authority()
    );
    let (nats, _data) = server(&tls).await;
    let without_authority = ConnectionConfig::new(nats.url().replace("nats://", "tls://"));
    let without_certificate =
        ConnectionConfig { ca: Some(certificates.authority()), ..ConnectionConfig::new(nats.url()) };
    for config in [&without_authority, &without_certificate] {
        let problem = outcome(config, &subjects()).await.unwrap_err();
        assert!(problem.starts_with("TLS to the server fails"), "{problem}");
    }
    let complete = ConnectionConfig { certificate: Some(certificate), key: Some(key), ..without_certificate };
    assert_eq!(outcome(&complete, &subjects()).await, Ok(()));
}

#[tokio::test]
async fn a_refused_login_is_in_the_readiness_without_its_password_until_it_is_accepted() {
    let login = |password: &str| {
        format!("{JETSTREAM}authorization {{ users = [{{user: ann, password: {password}}}] }}\n")
    };
    let (nats, _data) = server(&login("former")).await;
    let mut config = configuration(new_database().await);
    config.app.nats_url = url_with("ann:s3cret-pass", &nats).into();
    let served = Served::start(&config).await;
    let ready = async || {
        let response = reqwest::get(format!("{}/readyz", served.admin)).await.ok()?;
        Some((response.status().as_u16(), response.json::<Value>().await.ok()?))
    };
    let problem = until("the readiness has the problem", async || {
        let (status, ready) = ready().await?;
        (status == 503).then(|| ready["dependencies"]["nats"]["reason"].as_str().map(str::to_owned))?
    })
    .await;
    assert!(problem.starts_with("the server refuses the login"), "{problem}");
    nats.reconfigure(&login("s3cret-pass")).await.unwrap();
    until("the service is ready", async || (ready().await?.0 == 200).then_some(())).await;
    let log = served.log();
    assert_eq!(log.matches("NATS cannot be used until this is corrected").count(), 1, "{log}");
    assert!(!log.contains("s3cret"), "{log}");
}

#[tokio::test]
async fn a_running_service_uses_a_replaced_credentials_file() {
    let (operator, folder) = (HostedNats::new(), tempfile::tempdir().unwrap());
    let creds = folder.path().join("creds");
    std::fs::write(&creds, operator.credentials()).unwrap();
    let (nats, _data) = server(&operator.server()).await;
    let config = ConnectionConfig { credentials: Some(creds.clone()), ..ConnectionConfig::new(nats.url()) };
    let problems = Problems::default();
    let client = nats::connect(&config, "test", &problems).await.unwrap();
    until("the first login is accepted", async || client.flush().await.ok()).await;
    let operator = operator.with_new_account();
    nats.reconfigure(&operator.server()).await.unwrap();
    until("the former login is refused", async || problems.first()).await;
    std::fs::write(&creds, operator.credentials()).unwrap();
    until("the new login is accepted", async || problems.first().is_none().then_some(())).await;
    client.flush().await.unwrap();
}

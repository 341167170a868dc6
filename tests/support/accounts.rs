//! An account service of one's own, in the database of one product.

use colloquy::config::Config;
use embedded::{Auth, AuthOptions, DataDir, RateLimit};
use reqwest::Response;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use sqlx::PgPool;
use store::{AccountsDatabase, AccountsSchema};
use uuid::Uuid;

use super::backbone::{connect, new_database};
use super::person::Person;
use super::product::{Product, configuration};
use super::service;

pub(crate) const PASSWORD: &str = "correct horse battery";

/// A running account service.
pub(crate) struct OwnAccounts {
    auth: Auth,
    /// Holds its secret.
    _data: DataDir,
    /// The configuration of products over it.
    pub(crate) config: Config,
    /// Connections to its database.
    pub(crate) pool: PgPool,
}

impl OwnAccounts {
    pub(crate) async fn start() -> Self {
        Self::with(&[]).await
    }

    /// A service with more settings.
    pub(crate) async fn with(settings: &[(&str, &str)]) -> Self {
        Self::start_with(RateLimit::Off, settings).await
    }

    /// A service that limits sign-ins.
    pub(crate) async fn with_rate_limit() -> Self {
        Self::start_with(RateLimit::On, &[]).await
    }

    async fn start_with(rate_limit: RateLimit, settings: &[(&str, &str)]) -> Self {
        let mut config = configuration(new_database().await);
        let data = DataDir::temporary().unwrap();
        let database_url = config.app.database_url.expose_secret().to_owned();
        let options = AuthOptions {
            database_url: database_url.clone(),
            public_url: service("COLLOQUY_TEST_PUBLIC_URL"),
            rate_limit,
        };
        let auth = Auth::start_with(&options, settings, &data).await.unwrap();
        config.api.auth_url = auth.url();
        config.auth_database_url = config.app.database_url.clone();
        Self { auth, _data: data, config, pool: connect(&database_url, 2) }
    }

    pub(crate) fn tables(&self) -> AccountsDatabase {
        AccountsDatabase::connect(&self.config.auth_database_url, &AccountsSchema::default(), 1).unwrap()
    }

    /// Somebody new with an account here.
    pub(crate) async fn person(&self, product: &Product) -> Person {
        Person::with_account_at(&self.auth.url(), &product.url).await
    }

    /// The same with a role.
    pub(crate) async fn person_with_role(&self, product: &Product, role: &str) -> Person {
        let person = self.person(product).await;
        let user = self.tables().user_with_email(person.email()).await.unwrap().unwrap();
        self.tables().set_role(user, role.parse().unwrap()).await.unwrap();
        person.renewed(&self.auth.url()).await
    }

    pub(crate) fn url(&self) -> String {
        self.auth.url()
    }
}

/// Sends a request of a browser to the account service, through the product.
pub(crate) async fn post(product: &Product, path: &str, session: Option<&str>, body: &Value) -> Response {
    let url = format!("{}/api/auth/{path}", product.url);
    let mut request = reqwest::Client::new().post(url).header("origin", service("COLLOQUY_TEST_PUBLIC_URL"));
    if let Some(session) = session {
        request = request.bearer_auth(session);
    }
    request.json(body).send().await.unwrap()
}

/// Signs in through the product; returns the status.
pub(crate) async fn sign_in(product: &Product, person: &Person, password: &str) -> u16 {
    let body = json!({"email": person.email(), "password": password});
    post(product, "sign-in/email", None, &body).await.status().as_u16()
}

/// The id of a user, as the product knows it.
pub(crate) async fn id_of(person: &Person) -> Uuid {
    person.get("/v1/me").await.body["id"].as_str().unwrap().parse().unwrap()
}

//! Somebody with an account, and a client.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use store::{AccountsDatabase, AccountsSchema};
use uuid::Uuid;

use super::product::Product;
use super::service;
pub(crate) use super::told::{Told, read_until};
use super::waiting::until;

/// Somebody with an account.
#[derive(Clone)]
pub(crate) struct Person {
    http: reqwest::Client,
    url: String,
    email: String,
    /// Bearer token, a JWT.
    pub(crate) token: String,
    /// The opaque session token.
    pub(crate) session: String,
}

/// Status and body of an answer.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) status: u16,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Value,
}

impl Person {
    /// Signs up with the account service.
    pub(crate) async fn new(product: &Product) -> Self {
        Self::of(&product.url).await
    }

    /// The same, at any address.
    pub(crate) async fn of(url: &str) -> Self {
        Self::with_account_at(&service("COLLOQUY_TEST_AUTH_URL"), url).await
    }

    /// The same, with another account service than the run's.
    pub(crate) async fn with_account_at(auth: &str, url: &str) -> Self {
        let http = reqwest::Client::new();
        let email = format!("{}@example.org", Uuid::now_v7().simple());
        let response = http
            .post(format!("{auth}/api/auth/sign-up/email"))
            .header("origin", service("COLLOQUY_TEST_PUBLIC_URL"))
            .json(&json!({"email": email, "password": "correct horse battery", "name": "Somebody"}))
            .send()
            .await
            .unwrap();
        let session = response.headers()["set-auth-token"].to_str().unwrap().to_owned();
        let token = token(&http, auth, &session).await;
        Self { http, url: url.to_owned(), email, token, session }
    }

    /// A user with the role auditor.
    pub(crate) async fn auditor(product: &Product) -> Self {
        Self::with_role(product, "auditor").await
    }

    /// Somebody with a role.
    pub(crate) async fn with_role(product: &Product, role: &str) -> Self {
        let person = Self::of(&product.url).await;
        let url = service("COLLOQUY_TEST_AUTH_DATABASE_URL");
        let accounts = AccountsDatabase::connect(&url.into(), &AccountsSchema::default(), 1).unwrap();
        let user = accounts.user_with_email(&person.email).await.unwrap().unwrap();
        accounts.set_role(user, role.parse().unwrap()).await.unwrap();
        let token = token(&person.http, &service("COLLOQUY_TEST_AUTH_URL"), &person.session).await;
        person.with_token(token)
    }

    /// The same person with a new token of the same session.
    pub(crate) async fn renewed(&self, auth: &str) -> Self {
        self.with_token(token(&self.http, auth, &self.session).await)
    }

    /// Sends a request and returns the answer as text, for the given media type.
    pub(crate) async fn text(&self, path: &str, accept: &str) -> (u16, String) {
        let request = self.http.get(format!("{}{path}", self.url)).header("accept", accept);
        let response = request.bearer_auth(&self.token).send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    }

    /// Ends the session.
    pub(crate) async fn sign_out(&self) {
        let url = format!("{}/api/auth/sign-out", service("COLLOQUY_TEST_AUTH_URL"));
        let request = self.http.post(url).header("origin", service("COLLOQUY_TEST_PUBLIC_URL"));
        let response = request.bearer_auth(&self.session).json(&json!({})).send().await.unwrap();
        assert!(response.status().is_success());
    }

    /// The same person at another product over the same accounts.
    pub(crate) fn at(&self, product: &Product) -> Self {
        Self { url: product.url.clone(), ..self.clone() }
    }

    /// The same person at any address.
    pub(crate) fn at_url(&self, url: &str) -> Self {
        Self { url: url.to_owned(), ..self.clone() }
    }

    /// The answer, or `None` if no server listens.
    pub(crate) async fn try_get(&self, path: &str) -> Option<Answered> {
        self.try_send(self.http.get(format!("{}{path}", self.url))).await.ok()
    }

    /// The same client with another token.
    pub(crate) fn with_token(&self, token: String) -> Self {
        Self { token, ..self.clone() }
    }

    /// The answer of the read models once they are up to date: a read that is told `not-yet` is repeated, as
    /// the interface asks of a client.
    pub(crate) async fn get(&self, path: &str) -> Answered {
        until(path, async || {
            let answered = self.get_once(path).await;
            (answered.body["type"] != "urn:colloquy:problem:not-yet").then_some(answered)
        })
        .await
    }

    /// The first answer of any status.
    pub(crate) async fn get_once(&self, path: &str) -> Answered {
        self.send(self.http.get(format!("{}{path}", self.url))).await
    }

    /// Sends a request whose body is not read; the status, and the open response.
    pub(crate) async fn begin(&self, path: &str) -> (u16, reqwest::Response) {
        let request = self.http.get(format!("{}{path}", self.url)).bearer_auth(&self.token);
        let response = request.send().await.unwrap();
        (response.status().as_u16(), response)
    }

    /// Gets something that is no JSON.
    pub(crate) async fn download(&self, path: &str) -> (u16, Vec<u8>) {
        let request = self.http.get(format!("{}{path}", self.url)).bearer_auth(&self.token);
        let response = request.send().await.unwrap();
        (response.status().as_u16(), response.bytes().await.unwrap().to_vec())
    }

    /// Gets something with header fields of its own.
    pub(crate) async fn fetch(&self, path: &str, headers: &[(&str, &str)]) -> reqwest::Response {
        let mut request = self.http.get(format!("{}{path}", self.url)).bearer_auth(&self.token);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.send().await.unwrap()
    }

    pub(crate) async fn request(&self, method: &str, path: &str) -> Answered {
        let method = method.parse().unwrap();
        self.send(self.http.request(method, format!("{}{path}", self.url))).await
    }

    /// Sends any request, and returns the answer also as text.
    pub(crate) async fn send_attempt(
        &self,
        method: &str,
        path: &str,
        headers: &[(String, String)],
        with_body: impl FnOnce(reqwest::RequestBuilder) -> reqwest::RequestBuilder,
    ) -> (Answered, String) {
        let mut request = self.http.request(method.parse().unwrap(), format!("{}{path}", self.url));
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let response = with_body(request).bearer_auth(&self.token).send().await.unwrap();
        let status = response.status().as_u16();
        let text = response.text().await.unwrap();
        let body = serde_json::from_str(&text).unwrap_or(Value::Null);
        (Answered { status, headers: BTreeMap::new(), body }, text)
    }

    /// Brings a document.
    pub(crate) async fn upload(&self, name: &str, bytes: Vec<u8>, fields: &[(&str, &str)]) -> Answered {
        let part = reqwest::multipart::Part::bytes(bytes).file_name(name.to_owned());
        let form =
            fields.iter().fold(reqwest::multipart::Form::new().part("file", part), |form, (name, value)| {
                form.text((*name).to_owned(), (*value).to_owned())
            });
        self.send(self.http.post(format!("{}/v1/documents", self.url)).multipart(form)).await
    }

    /// Sends a JSON document.
    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answered {
        self.send(self.http.post(format!("{}{path}", self.url)).json(body)).await
    }

    /// Sends a command.
    pub(crate) async fn command(&self, conversation: Uuid, command: &Value) -> Answered {
        self.command_with(conversation, command, &[]).await
    }

    /// Sends a command with headers.
    pub(crate) async fn command_with(
        &self,
        conversation: Uuid,
        command: &Value,
        headers: &[(&str, &str)],
    ) -> Answered {
        let url = format!("{}/v1/conversations/{conversation}/commands", self.url);
        let mut request = self.http.post(url).json(command);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request).await
    }

    /// Sends bytes as a command.
    pub(crate) async fn raw_command(&self, conversation: &str, body: Vec<u8>, media_type: &str) -> Answered {
        let url = format!("{}/v1/conversations/{conversation}/commands", self.url);
        self.send(self.http.post(url).header("content-type", media_type).body(body)).await
    }

    /// Asks, and says which question it was.
    pub(crate) async fn ask(&self, conversation: Uuid, text: &str) -> Uuid {
        let question = Uuid::now_v7();
        let answered =
            self.command(conversation, &json!({"type": "ask", "question_id": question, "text": text})).await;
        assert_eq!(answered.status, 202, "{answered:?}");
        question
    }

    /// Reads a query again and again until it shows what is wanted.
    pub(crate) async fn until_shown(&self, path: &str, shown: impl Fn(&Value) -> bool) -> Value {
        until(path, async || {
            let answered = self.get(path).await;
            (answered.status == 200 && shown(&answered.body)).then_some(answered.body)
        })
        .await
    }

    /// Waits until there is nothing to be seen at a path.
    pub(crate) async fn until_gone(&self, path: &str) {
        until(path, async || (self.get(path).await.status == 404).then_some(())).await;
    }

    /// The address they signed up with.
    pub(crate) fn email(&self) -> &str {
        &self.email
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> Answered {
        self.try_send(request).await.unwrap()
    }

    async fn try_send(&self, request: reqwest::RequestBuilder) -> reqwest::Result<Answered> {
        let response = request.bearer_auth(&self.token).send().await?;
        let status = response.status().as_u16();
        let headers = response
            .headers()
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap_or("").to_owned()))
            .collect();
        let body = response.bytes().await?;
        Ok(Answered { status, headers, body: serde_json::from_slice(&body).unwrap_or(Value::Null) })
    }

    /// Opens a stream; what it tells comes with its body.
    pub(crate) async fn open(&self, path: &str, last: Option<&str>) -> reqwest::Response {
        let mut request = self.http.get(format!("{}{path}", self.url)).bearer_auth(&self.token);
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200);
        response
    }

    /// Opens a stream, which may be refused.
    pub(crate) async fn try_open(&self, path: &str) -> Option<reqwest::Response> {
        self.http.get(format!("{}{path}", self.url)).bearer_auth(&self.token).send().await.ok()
    }

    /// Reads a stream until the condition holds; returns all events.
    pub(crate) async fn listen(
        &self,
        path: &str,
        last: Option<&str>,
        enough: impl Fn(&Told) -> bool,
    ) -> Vec<Told> {
        read_until(self.open(path, last).await, enough).await
    }
}

/// A JWT for a session.
async fn token(http: &reqwest::Client, auth: &str, session: &str) -> String {
    let response = http.get(format!("{auth}/api/auth/token")).bearer_auth(session).send().await.unwrap();
    response.json::<Value>().await.unwrap()["token"].as_str().unwrap().to_owned()
}

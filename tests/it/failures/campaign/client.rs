//! A person's HTTP client: sends attempts to any api process, classifies the answers, and records them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use reqwest::{RequestBuilder, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

use super::history::{Effect, Fact, History, Op, Outcome, Who};
use crate::support::service;

/// Longer than the service's own limit for a request, so that the client learns what the service says.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(18);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// JWTs are valid for 15 minutes.
const TOKEN_AGE: Duration = Duration::from_mins(10);

/// Somebody with an account, at all api processes of the campaign.
#[derive(Debug)]
pub(super) struct Client {
    pub(super) who: Who,
    pub(super) user: Uuid,
    pub(super) history: Arc<History>,
    pub(super) http: reqwest::Client,
    apis: Vec<String>,
    auth: String,
    session: String,
    token: Mutex<(String, Instant)>,
}

/// A response: status and body.
#[derive(Debug)]
pub(super) struct Response {
    pub(super) status: u16,
    pub(super) body: Value,
}

impl Client {
    /// Signs up. The account service must be there.
    pub(super) async fn sign_up(
        who: Who,
        history: Arc<History>,
        apis: Vec<String>,
        auth: &str,
        email: &str,
    ) -> Self {
        let http = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(REQUEST_TIMEOUT)
            .build()
            .unwrap();
        let form = json!({"email": email, "password": "correct horse battery", "name": "Somebody"});
        let request = http.post(format!("{auth}/api/auth/sign-up/email")).json(&form);
        let origin = service("COLLOQUY_TEST_PUBLIC_URL");
        let response = request.header("origin", origin).send().await.unwrap();
        let session = response.headers()["set-auth-token"].to_str().unwrap().to_owned();
        let user = response.json::<Value>().await.unwrap()["user"]["id"].as_str().unwrap().parse().unwrap();
        let auth = auth.to_owned();
        let token = fetch_token(&http, &auth, &session).await.unwrap();
        let token = Mutex::new((token, Instant::now()));
        Self { who, user, history, http, apis, auth, session, token }
    }

    /// A new token where the old one is due and the account service answers; else the old one.
    pub(super) async fn token(&self) -> String {
        let (token, at) = self.token.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if at.elapsed() < TOKEN_AGE {
            return token;
        }
        self.refresh().await.unwrap_or(token)
    }

    async fn refresh(&self) -> Option<String> {
        let token = fetch_token(&self.http, &self.auth, &self.session).await?;
        *self.token.lock().unwrap_or_else(PoisonError::into_inner) = (token.clone(), Instant::now());
        Some(token)
    }

    /// Whether the person's stream has told the end of an answer.
    pub(super) fn has_ended(&self, answer: Uuid) -> bool {
        self.history.has_told(self.who, answer)
    }

    /// One of the api processes.
    pub(super) fn api(&self, choice: usize) -> &str {
        &self.apis[choice % self.apis.len()]
    }

    /// Sends a request of an operation, and records the answer.
    pub(super) async fn attempt(&self, op: Op, request: RequestBuilder) -> Outcome {
        let outcome = self.outcome(request).await;
        self.history.record(Fact::Answered { op, outcome: outcome.clone() });
        outcome
    }

    pub(super) async fn outcome(&self, request: RequestBuilder) -> Outcome {
        let response = match request.bearer_auth(self.token().await).send().await {
            Ok(response) => response,
            // The request was never sent.
            Err(error) if error.is_connect() => return Outcome::Nothing { kind: "no connection".to_owned() },
            Err(error) => return Outcome::Unknown { kind: format!("{error:?}") },
        };
        let status = response.status();
        let Ok(body) = response.text().await else {
            return Outcome::Unknown { kind: "the answer broke off".to_owned() };
        };
        self.history.observe(self.who, "a command", &body);
        let body: Value = serde_json::from_str(&body).unwrap_or_default();
        if status == StatusCode::UNAUTHORIZED {
            self.refresh().await;
        }
        meaning(status, &body)
    }

    /// Reads a path, at any api process. `None` without a complete answer.
    pub(super) async fn get(&self, api: usize, path: &str) -> Option<Response> {
        let request = self.http.get(format!("{}{path}", self.api(api))).bearer_auth(self.token().await);
        let response = request.send().await.ok()?;
        let status = response.status().as_u16();
        let body = response.text().await.ok()?;
        self.history.observe(self.who, path, &body);
        if status == 401 {
            self.refresh().await;
        }
        Some(Response { status, body: serde_json::from_str(&body).unwrap_or_default() })
    }

    /// Records a new operation.
    pub(super) fn begin(&self, aggregate: Uuid, effect: Effect) -> Op {
        let op = self.history.next_op();
        self.history.record(Fact::Sent { op, who: self.who, aggregate, effect });
        op
    }

    /// The request of a command.
    pub(super) fn command(&self, api: usize, conversation: Uuid, op: Op, body: &Value) -> RequestBuilder {
        let url = format!("{}/v1/conversations/{conversation}/commands", self.api(api));
        let request = self.http.post(url).json(body);
        let has_ids = body.get("question_id").or(body.get("answer_id")).is_some() && body["type"] != "rate";
        // Commands without ids of their own are repeatable by a key.
        if has_ids { request } else { request.header("idempotency-key", format!("operation {op}")) }
    }

    /// The request of an upload.
    pub(super) fn upload(&self, api: usize, document: Uuid, title: &str, text: &str) -> RequestBuilder {
        let part = reqwest::multipart::Part::bytes(text.as_bytes().to_vec()).file_name("notes.txt");
        let form = reqwest::multipart::Form::new()
            .text("document_id", document.to_string())
            .text("title", title.to_owned())
            .part("file", part);
        self.http.post(format!("{}/v1/documents", self.api(api))).multipart(form)
    }
}

/// The meaning of an answer to a command.
fn meaning(status: StatusCode, body: &Value) -> Outcome {
    let kind = body["type"].as_str().unwrap_or_default().rsplit(':').next().unwrap_or_default().to_owned();
    let code = status.as_u16();
    match code {
        202 => {
            let id =
                ["conversation_id", "document_id", "receipt"].iter().find_map(|name| body[name].as_str());
            let events = body["events"].as_array().into_iter().flatten();
            Outcome::Accepted {
                aggregate: id.unwrap_or_default().parse().unwrap_or_default(),
                version: body["version"].as_u64().unwrap_or_default(),
                events: events.filter_map(|event| Some(event.as_str()?.to_owned())).collect(),
            }
        }
        503 if kind == "outcome-unknown" => Outcome::Unknown { kind },
        503 => Outcome::Nothing { kind },
        400..=499 => Outcome::Refused { status: code, kind },
        _ => Outcome::Broken { status: code, kind },
    }
}

/// A JWT for a session; `None` while the account service is away.
async fn fetch_token(http: &reqwest::Client, auth: &str, session: &str) -> Option<String> {
    let response = http.get(format!("{auth}/api/auth/token")).bearer_auth(session).send().await.ok()?;
    let body: BTreeMap<String, Value> = response.json().await.ok()?;
    body.get("token")?.as_str().map(str::to_owned)
}

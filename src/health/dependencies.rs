//! Asks what the roles of the process depend on.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use async_nats::connection::State as Connection;
use async_nats::{Client, jetstream};
use measures::catalogue::DEPENDENCY_OK;
use nats::{Problems, Subjects};
use rag::error_chain::ErrorChain;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::Mutex;

use super::readiness::{State, Verdict};
use crate::knowledge::files::Files;
use crate::roles::Role;
use crate::runtime::stages::{Condition, EMBEDDING_MODEL, Stages};
use store::Store;

/// Longest wait for an answer.
const TIME_LIMIT: Duration = Duration::from_secs(2);
/// Time for which the answer of a dependency is believed that takes money or writes.
const BELIEVED: Duration = Duration::from_secs(15);
/// No answer came in time.
const SILENT: &str = "does not answer in time";

/// Addresses that are asked by HTTP.
#[derive(Debug, Clone, Default)]
pub struct Addresses {
    /// The account service.
    pub accounts: String,
    /// The language model with its key.
    pub model: Option<(String, Option<SecretString>)>,
}

/// Connections to the dependencies of a process.
pub struct Dependencies {
    /// Postgres.
    pub store: Store,
    /// NATS.
    pub nats: Client,
    /// Problems with NATS that waiting does not mend.
    pub nats_problems: Problems,
    /// The names of streams.
    pub subjects: Subjects,
    /// The index of passages.
    pub index: rag::index::PassageIndex,
    /// The files.
    pub files: Files,
    /// Addresses that are asked by HTTP.
    pub addresses: Addresses,
    /// Asks by HTTP.
    pub client: reqwest::Client,
    /// Answers that are believed for a while.
    pub believed: Mutex<BTreeMap<&'static str, (Instant, State)>>,
}

impl std::fmt::Debug for Dependencies {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Dependencies").field("addresses", &self.addresses).finish_non_exhaustive()
    }
}

impl Dependencies {
    /// Asks all dependencies of these roles at the same time.
    pub(super) async fn check(
        &self,
        roles: &BTreeSet<Role>,
        stages: &Stages,
    ) -> BTreeMap<&'static str, State> {
        let (api, worker) = (roles.contains(&Role::Api), roles.contains(&Role::Worker));
        let (postgres, jetstream, qdrant, files, accounts, model) = tokio::join!(
            self.postgres(api),
            self.jetstream(),
            when(api || worker, self.qdrant()),
            when(api || worker, self.believed("files", self.files())),
            when(api, self.accounts()),
            when(worker, self.believed("model", self.model())),
        );
        let embedding = worker.then(|| embedding_model(stages));
        let nats = Some(self.nats());
        let answers = [
            ("postgres", Some(postgres)),
            ("nats", nats),
            ("jetstream", Some(jetstream)),
            ("qdrant", qdrant),
            ("files", files),
            ("accounts", accounts),
            ("model", model),
            (EMBEDDING_MODEL, embedding),
        ];
        let answers: BTreeMap<_, _> =
            answers.into_iter().filter_map(|(name, state)| Some((name, state?))).collect();
        for (name, state) in &answers {
            DEPENDENCY_OK.set(&[name], if state.status == Verdict::Ok { 1.0 } else { 0.0 });
        }
        answers
    }

    /// Postgres that refuses changes still serves the queries of an api process, and nothing else.
    async fn postgres(&self, has_queries: bool) -> State {
        let refuses_changes =
            |reason| if has_queries { State::degraded(reason) } else { State::unavailable(reason) };
        match within(self.store.is_read_only()).await {
            Some(Ok(false)) => {}
            Some(Ok(true)) => {
                return refuses_changes("accepts no changes: it is a replica or read-only".to_owned());
            }
            Some(Err(error)) => return State::unavailable(ErrorChain(&error).to_string()),
            None => return State::unavailable(SILENT),
        }
        // Nothing else tells that the disk is full: where changes are refused, no role has any to make.
        let writing = async {
            match within(self.store.accepts_writes()).await {
                Some(Ok(())) => State::ok(),
                Some(Err(error)) => refuses_changes(format!("accepts no changes: {}", ErrorChain(&error))),
                None => refuses_changes(SILENT.to_owned()),
            }
        };
        self.believed("postgres", writing).await
    }

    fn nats(&self) -> State {
        if let Some(problem) = self.nats_problems.first() {
            return State::unavailable(problem);
        }
        match self.nats.connection_state() {
            Connection::Connected => State::ok(),
            Connection::Pending | Connection::Disconnected => State::degraded("is not connected"),
        }
    }

    async fn jetstream(&self) -> State {
        if self.nats.connection_state() != Connection::Connected {
            return State::degraded("NATS is not connected");
        }
        let jetstream = jetstream::new(self.nats.clone());
        match within(jetstream.get_stream(self.subjects.events_stream())).await {
            Some(Ok(_)) => State::ok(),
            Some(Err(error)) => State::degraded(ErrorChain(&error).to_string()),
            None => State::degraded(SILENT),
        }
    }

    async fn qdrant(&self) -> State {
        match within(self.index.check()).await {
            Some(Ok(())) => State::ok(),
            Some(Err(error)) => State::degraded(ErrorChain(&error).to_string()),
            None => State::degraded(SILENT),
        }
    }

    async fn files(&self) -> State {
        match within(self.files.probe()).await {
            Some(Ok(())) => State::ok(),
            Some(Err(error)) => State::degraded(ErrorChain(&error).to_string()),
            None => State::degraded(SILENT),
        }
    }

    async fn accounts(&self) -> State {
        let request = self.client.get(format!("{}/api/auth/ok", self.addresses.accounts));
        match within(request.send()).await {
            Some(Ok(response)) if response.status().is_success() => State::ok(),
            Some(Ok(response)) => State::degraded(format!("answers {}", response.status())),
            Some(Err(error)) => State::degraded(ErrorChain(&error.without_url()).to_string()),
            None => State::degraded(SILENT),
        }
    }

    /// The list of models is what every endpoint offers without costs. One that does not know it answers all
    /// the same.
    async fn model(&self) -> State {
        let Some((url, key)) = &self.addresses.model else {
            return State {
                reason: Some("none is configured, answers are quoted".to_owned()),
                ..State::ok()
            };
        };
        let mut request = self.client.get(format!("{}/models", url.trim_end_matches('/')));
        if let Some(key) = key {
            request = request.bearer_auth(key.expose_secret());
        }
        match within(request.send()).await {
            Some(Ok(response)) => match response.status().as_u16() {
                401 | 403 => State::degraded("refuses the API key"),
                500.. => State::degraded(format!("answers {}", response.status())),
                _ => State::ok(),
            },
            Some(Err(error)) => State::degraded(ErrorChain(&error.without_url()).to_string()),
            None => State::degraded(SILENT),
        }
    }

    /// The answer of a dependency, or that of a while ago. What failed is asked again.
    async fn believed(&self, name: &'static str, asking: impl Future<Output = State>) -> State {
        let known = self.believed.lock().await.get(name).cloned();
        if let Some((at, state)) = known
            && at.elapsed() < BELIEVED
            && state.status == Verdict::Ok
        {
            return state;
        }
        let state = asking.await;
        self.believed.lock().await.insert(name, (Instant::now(), state.clone()));
        state
    }
}

/// The worker reports of its embedding model as of a stage.
fn embedding_model(stages: &Stages) -> State {
    match stages.reports().get(EMBEDDING_MODEL).map(|report| report.condition.clone()) {
        Some(Condition::Ok) => State::ok(),
        Some(Condition::Failing(reason) | Condition::Refused(reason)) => State::degraded(reason),
        Some(Condition::Starting) | None => State::degraded("is being loaded"),
    }
}

async fn when<T>(is_wanted: bool, asking: impl Future<Output = T>) -> Option<T> {
    if is_wanted { Some(asking.await) } else { None }
}

async fn within<T>(asking: impl Future<Output = T>) -> Option<T> {
    tokio::time::timeout(TIME_LIMIT, asking).await.ok()
}

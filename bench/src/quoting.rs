//! Answers from documents: how long they take to be indexed, and how many questions are answered by quotation
//! and by a language model that takes no time.

mod person;
mod questions;

use std::sync::Arc;
use std::time::Duration;

use embedded::Service;
use hdrhistogram::Histogram;
use sqlx::{Connection as _, PgConnection};
use tokio::time::Instant;

use crate::delivery::nanoseconds;
use crate::fixed_server::FixedServer;
use crate::load::{self, Measured};
use crate::processes;
use crate::report::{Report, milliseconds, thousands};
use crate::requests::Clients;
use crate::server::{Environment, Server};
use crate::settings::Settings;
use person::{Outcome, Person};
use questions::Questions;

/// People who ask at the same time, each one question after the other.
const PEOPLE: usize = 32;
/// Questions asked one after the other, with nothing else going on.
const ALONE: usize = 60;
/// Between two of these.
const PAUSE: Duration = Duration::from_millis(100);
const WARM_UP: Duration = Duration::from_secs(3);
const ROLES: &str = "api,sequencer,projector,worker";
const DATABASE: &str = "bench_quoting";

/// Answers of a load.
struct Answers {
    measured: Measured,
    /// Answers without a citation.
    refused: u64,
}

/// What the loads have in common.
struct Quoting<'a> {
    server: &'a Server,
    clients: Arc<Clients>,
    questions: Questions,
    lasts: Duration,
    report: &'a mut Report,
}

/// Measures on a database of its own: questions that other loads left behind would be answered as well.
pub(crate) async fn measure(settings: &Settings, server: &Server, report: &mut Report) -> anyhow::Result<()> {
    let docs = match &settings.docs {
        Some(docs) => docs.clone(),
        None => embedded::repository()?.join("docs"),
    };
    let questions = Questions::read(settings.questions.as_deref(), &docs)?;
    let tokens: Vec<String> =
        (0..PEOPLE).map(|user| server.accounts.token(user)).collect::<Result<_, _>>()?;
    let clients = Clients::new(&tokens, PEOPLE);
    let (database_url, mut environment) = server.empty_database(DATABASE).await?;
    let (qdrant, took) = server.knowledge_of(&docs, &mut environment).await?;
    let what = format!("`colloquy ingest`, {}", indexed(&database_url).await?);
    report.figure(&what, format!("{:.1} s", took.as_secs_f64()), "", String::new());
    let mut quoting = Quoting { server, clients, questions, lasts: settings.load, report };
    let outcome = quoting.both(&environment).await;
    qdrant.stop().await?;
    outcome
}

impl Quoting<'_> {
    async fn both(&mut self, environment: &Environment) -> anyhow::Result<()> {
        let service = self.server.start_roles("quoting", ROLES, environment).await?;
        let outcome = self.quoted(&service).await;
        service.stop().await?;
        outcome?;
        let model = FixedServer::start(instant_answer()).await?;
        let mut environment = environment.clone();
        environment
            .extend([("MODEL_URL", format!("{}/v1", model.url())), ("MODEL_NAME", "instant".to_owned())]);
        let service = self.server.start_roles("instant_model", ROLES, &environment).await?;
        let outcome = self.written(&service).await;
        service.stop().await?;
        outcome
    }

    async fn quoted(&mut self, service: &Service) -> anyhow::Result<()> {
        let times = self.alone(service).await?;
        let time = |of_a_hundred| milliseconds(Duration::from_nanos(times.value_at_percentile(of_a_hundred)));
        let ours = format!("median {}, p95 {}", time(50.0), time(95.0));
        let what = "A quoted answer from `ask` until it is whole, nothing else going on";
        self.report.figure(what, ours, "under 150 ms", String::new());
        self.together("Quoted answers", service, "40 a second").await
    }

    async fn written(&mut self, service: &Service) -> anyhow::Result<()> {
        // The worker has read its model when an answer is complete.
        let mut person = Person::open(service.address(), &self.clients, 0).await?;
        person.ask(&self.clients, &self.questions.next()).await?;
        self.together("Answers of an instant language model", service, "100 a second").await
    }

    /// One question after the other.
    async fn alone(&self, service: &Service) -> anyhow::Result<Histogram<u64>> {
        let mut person = Person::open(service.address(), &self.clients, 0).await?;
        let mut times = load::latencies()?;
        // The first one waits for the worker to read its model, and does not count.
        for number in 0..=ALONE {
            let began = Instant::now();
            let outcome = person.ask(&self.clients, &self.questions.next()).await?;
            anyhow::ensure!(!matches!(outcome, Outcome::Failed), "a question was not answered");
            if number > 0 {
                times.saturating_record(nanoseconds(began.elapsed()));
            }
            tokio::time::sleep(PAUSE).await;
        }
        Ok(times)
    }

    /// All people at once.
    async fn together(&mut self, what: &str, service: &Service, floor: &str) -> anyhow::Result<()> {
        self.server.analyze(DATABASE).await?;
        let watched = self.server.watched(service)?;
        processes::forget_highest_memory(watched.colloquy)?;
        let (answers, before) = tokio::join!(self.ask_all(service), async {
            tokio::time::sleep(WARM_UP).await;
            watched.look()
        });
        let (Answers { measured, refused }, taken) = (answers?, watched.look().since(before));
        let (_, memory) = processes::memory(watched.colloquy);
        let (throughput, p95) = (measured.throughput(), measured.percentile(95.0));
        let refused = refused as f64 / measured.answered.max(1) as f64 * 100.0;
        let (throughput, p95, failed) = (thousands(throughput), milliseconds(p95), measured.failed);
        let ours =
            format!("{throughput} a second, p95 {p95}, {refused:.0} % without a citation, {failed} failed");
        self.report.figure(&format!("{what}, {PEOPLE} people at once"), ours, floor, String::new());
        self.report.load(what, PEOPLE, measured, taken, memory);
        Ok(())
    }

    async fn ask_all(&self, service: &Service) -> anyhow::Result<Answers> {
        let opening = (0..PEOPLE).map(|user| Person::open(service.address(), &self.clients, user));
        let people = futures::future::try_join_all(opening).await?;
        let begin = Instant::now() + WARM_UP;
        let end = begin + self.lasts;
        let asking = people.into_iter().map(|person| self.ask_until(person, begin, end));
        let mut latencies = load::latencies()?;
        let (mut answered, mut refused, mut failed) = (0, 0, 0);
        for (outcome, latency) in futures::future::try_join_all(asking).await?.into_iter().flatten() {
            match outcome {
                Outcome::Failed => {
                    failed += 1;
                    continue;
                }
                Outcome::Refused => refused += 1,
                Outcome::Cited => {}
            }
            answered += 1;
            latencies.saturating_record(nanoseconds(latency));
        }
        let measured = Measured { latencies, lasted: self.lasts, answered, failed, example: None };
        Ok(Answers { measured, refused })
    }

    /// The answers that one person got between two moments.
    async fn ask_until(
        &self,
        mut person: Person,
        begin: Instant,
        end: Instant,
    ) -> anyhow::Result<Vec<(Outcome, Duration)>> {
        let mut answers = Vec::new();
        while Instant::now() < end {
            let asked = Instant::now();
            let outcome = person.ask(&self.clients, &self.questions.next()).await?;
            let at = Instant::now();
            if (begin..end).contains(&at) {
                answers.push((outcome, at - asked));
            }
        }
        Ok(answers)
    }
}

/// What was indexed, in words.
async fn indexed(database_url: &str) -> anyhow::Result<String> {
    let mut connection = PgConnection::connect(database_url).await?;
    let (documents, passages): (i64, i64) = sqlx::query_as(
        "SELECT count(*), coalesce(sum((payload->>'passages')::bigint), 0)::bigint
           FROM events WHERE event_type = 'DocumentIndexed'",
    )
    .fetch_one(&mut connection)
    .await?;
    connection.close().await?;
    Ok(format!("{documents} documents, {} passages", thousands(passages as f64)))
}

/// The answer of a language model that has it at once.
fn instant_answer() -> String {
    let text = serde_json::json!({"choices": [{"index": 0, "finish_reason": null,
        "delta": {"role": "assistant", "content": "The first passage tells it [1]."}}]});
    let end = serde_json::json!({"choices": [{"index": 0, "finish_reason": "stop", "delta": {}}],
        "usage": {"prompt_tokens": 1_000, "completion_tokens": 9}});
    let body = format!("data: {text}\n\ndata: {end}\n\ndata: [DONE]\n\n");
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream";
    format!("{head}\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

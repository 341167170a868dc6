//! One trace leads from the request to the last delta, through every stage.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Request, State};
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;
use serde_json::json;
use uuid::Uuid;

use crate::support::backbone::new_database;
use crate::support::model_server::{Act, ModelServer};
use crate::support::person::{Person, read_until};
use crate::support::product::configuration;
use crate::support::served::Served;
use crate::support::waiting::until;

/// Keeps the spans that it gets.
#[derive(Clone, Default)]
struct Collector {
    spans: Arc<Mutex<Vec<Span>>>,
    bytes: Arc<Mutex<Vec<u8>>>,
    logins: Arc<Mutex<Vec<String>>>,
}

impl Collector {
    async fn start() -> (Self, String) {
        let collector = Self::default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().route("/v1/traces", post(Self::take)).with_state(collector.clone());
        tokio::spawn(async { axum::serve(listener, router).await });
        (collector, url)
    }

    async fn take(State(collector): State<Self>, request: Request) {
        let login = request.headers().get("x-team").and_then(|login| login.to_str().ok());
        collector.logins.lock().unwrap().push(login.unwrap_or_default().to_owned());
        let body = axum::body::to_bytes(request.into_body(), 1 << 24).await.unwrap();
        collector.bytes.lock().unwrap().extend_from_slice(&body);
        let export = ExportTraceServiceRequest::decode(body).unwrap();
        let scopes = export.resource_spans.into_iter().flat_map(|resource| resource.scope_spans);
        collector.spans.lock().unwrap().extend(scopes.flat_map(|scope| scope.spans));
    }

    /// The spans of a trace, by name.
    fn of(&self, trace: &str) -> BTreeMap<String, Vec<Span>> {
        let mut named: BTreeMap<String, Vec<Span>> = BTreeMap::new();
        for span in self.spans.lock().unwrap().iter().filter(|span| hex::encode(&span.trace_id) == trace) {
            named.entry(span.name.clone()).or_default().push(span.clone());
        }
        named
    }
}

/// The first span of a name, and whether it descends from another.
fn one<'a>(spans: &'a BTreeMap<String, Vec<Span>>, name: &str) -> &'a Span {
    spans
        .get(name)
        .and_then(|spans| spans.first())
        .unwrap_or_else(|| panic!("no span {name}: {:?}", spans.keys()))
}

fn descends(spans: &BTreeMap<String, Vec<Span>>, span: &Span, from: &Span) -> bool {
    let of = |id: &[u8]| spans.values().flatten().find(|span| span.span_id == id);
    let mut parent = of(&span.parent_span_id);
    while let Some(span) = parent {
        if span.span_id == from.span_id {
            return true;
        }
        parent = of(&span.parent_span_id);
    }
    false
}

const QUESTION: &str = "What does the ophicleide burn?";
const ANSWER: &str = "Whale oil burns in the ophicleide.";

/// The spans of the stages, in the order in which they begin.
const STAGES: [&str; 12] = [
    "POST /v1/conversations/{id}/commands",
    "append",
    "sequence",
    "publish",
    "receive",
    "project",
    "answer",
    "retrieve",
    "chat scripted",
    "send deltas",
    "record",
    "deliver",
];
const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const CALLER: &str = "b7ad6b7169203331";

/// Asks a question with a `traceparent`, and reads its answer to the end.
async fn ask(person: &Person, traceparent: &str) {
    let added = person.upload("ophicleide.md", format!("# Ophicleide\n\n{ANSWER}").into(), &[]).await;
    let document = format!("/v1/documents/{}", added.body["document_id"].as_str().unwrap());
    person.until_shown(&document, |row| row["status"] == "indexed").await;
    let listening = person.open("/v1/stream", None).await;
    let asked = json!({"type": "ask", "question_id": Uuid::now_v7(), "text": QUESTION});
    let answered = person.command_with(Uuid::now_v7(), &asked, &[("traceparent", traceparent)]).await;
    assert_eq!(answered.status, 202, "{answered:?}");
    read_until(listening, |told| told.event == "answer.completed").await;
}

fn assert_is_a_tree(spans: &BTreeMap<String, Vec<Span>>) {
    let (request, answer) = (one(spans, STAGES[0]), one(spans, "answer"));
    assert_eq!(hex::encode(&request.parent_span_id), CALLER);
    for stage in &STAGES[1..] {
        assert!(spans[*stage].iter().all(|span| descends(spans, span, request)), "{stage}");
    }
    for stage in ["retrieve", "chat scripted", "send deltas", "record"] {
        assert!(descends(spans, one(spans, stage), answer), "{stage}");
    }
    // The end of the answer is sequenced, projected and delivered below the answer.
    for stage in ["sequence", "project", "deliver"] {
        assert!(spans[stage].iter().any(|span| descends(spans, span, answer)), "{stage}");
    }
    let chat = one(spans, "chat scripted");
    assert!(chat.attributes.iter().any(|attribute| attribute.key == "gen_ai.request.model"), "{chat:?}");
}

#[tokio::test]
async fn one_trace_leads_from_the_request_to_the_last_delta() {
    let (collector, url) = Collector::start().await;
    let model = ModelServer::start(&[Act::Say(ANSWER)]).await;
    let settings = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", url.as_str()),
        ("OTEL_EXPORTER_OTLP_HEADERS", "x-team=brass"),
        ("OTEL_BSP_SCHEDULE_DELAY", "100"),
        ("MODEL_URL", model.url.as_str()),
        ("MODEL_NAME", "scripted"),
        ("LOG_FORMAT", "json"),
    ];
    let served = Served::start_with(&configuration(new_database().await), &settings).await;
    let person = Person::of(&served.url).await;
    ask(&person, &format!("00-{TRACE}-{CALLER}-01")).await;
    let spans = until("the collector has the whole trace", async || {
        let spans = collector.of(TRACE);
        let is_whole = STAGES.iter().all(|stage| spans.contains_key(*stage))
            && spans["project"].len() >= 4
            && spans["deliver"].iter().any(|span| descends(&spans, span, one(&spans, "answer")));
        is_whole.then_some(spans)
    })
    .await;
    assert_is_a_tree(&spans);

    let bytes = String::from_utf8_lossy(&collector.bytes.lock().unwrap()).into_owned();
    for secret in ["ophicleide", "Whale", &person.token, &person.session, person.email()] {
        assert!(!bytes.contains(secret), "{secret}");
    }
    assert!(collector.logins.lock().unwrap().iter().all(|login| login == "brass"));
    let log = served.log();
    let lines: Vec<&str> = log.lines().filter(|line| line.contains(TRACE)).collect();
    let has = |part: &str| lines.iter().any(|line| line.contains(part));
    assert!(
        has("request served") && has("duration_ms") && has(STAGES[0].split_once(' ').unwrap().1),
        "{log}"
    );
    assert!(has("answer written"), "{log}");
}

#[tokio::test]
async fn a_request_that_is_not_sampled_leaves_no_span_at_any_stage() {
    let (collector, url) = Collector::start().await;
    let settings = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", url.as_str()),
        ("OTEL_BSP_SCHEDULE_DELAY", "100"),
        ("OTEL_TRACES_SAMPLER_ARG", "0"),
    ];
    let served = Served::start_with(&configuration(new_database().await), &settings).await;
    // The requests of the sign-up have no traceparent, and their traces are outside of the share.
    let person = Person::of(&served.url).await;
    ask(&person, &format!("00-11111111111111111111111111111111-{CALLER}-00")).await;
    ask(&person, &format!("00-{TRACE}-{CALLER}-01")).await;
    until("the sampled trace has arrived", async || {
        let spans = collector.of(TRACE);
        (spans.contains_key("record") && spans.contains_key("deliver")).then_some(())
    })
    .await;
    let spans = collector.spans.lock().unwrap();
    let others: Vec<&str> = spans
        .iter()
        .filter(|span| hex::encode(&span.trace_id) != TRACE)
        .map(|span| span.name.as_str())
        .collect();
    assert!(others.is_empty(), "{others:?}");
}

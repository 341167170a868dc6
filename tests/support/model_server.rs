//! A language model's server that says what a test wants, and fails on cue: what no real model
//! does when asked.

use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use axum::{Json, Router};
use futures::StreamExt as _;
use serde_json::{Value, json};
use tokio::sync::watch;

/// Behaviour for a request.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Act {
    /// Streams the words, then finishes.
    Say(&'static str),
    /// Streams the words, one in each 100 ms, then finishes.
    SaySlowly(&'static str),
    /// Streams the words, then closes the connection.
    BreakOff(&'static str),
    /// Streams the words, then says nothing more.
    Stall(&'static str),
    /// Streams the first words, and the others once [`ModelServer::release`] was called; then finishes.
    Hold(&'static str, &'static str),
    /// Answers with this status.
    Status(u16),
    /// Streams these events, then says nothing more.
    Events(&'static [&'static str]),
}

#[derive(Clone)]
struct Shared {
    acts: Arc<[Act]>,
    requests: Arc<AtomicUsize>,
    bodies: Arc<Mutex<Vec<Value>>>,
    answering: Arc<AtomicUsize>,
    released: watch::Sender<bool>,
}

/// The running server; ends with the test.
pub(crate) struct ModelServer {
    pub(crate) url: String,
    shared: Shared,
}

impl ModelServer {
    /// A server that meets each request with the next act, and all further ones with the last.
    pub(crate) async fn start(acts: &[Act]) -> Self {
        let shared = Shared {
            acts: acts.into(),
            requests: Arc::default(),
            bodies: Arc::default(),
            answering: Arc::default(),
            released: watch::Sender::new(false),
        };
        let app = Router::new().route("/v1/chat/completions", post(complete)).with_state(shared.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/v1", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { url, shared }
    }

    /// Number of requests.
    pub(crate) fn requests(&self) -> usize {
        self.shared.requests.load(Ordering::SeqCst)
    }

    /// Message texts of the last request.
    pub(crate) fn last_messages(&self) -> Vec<String> {
        let last = self.bodies().pop().unwrap();
        let messages = last["messages"].as_array().unwrap();
        messages.iter().map(|message| message["content"].as_str().unwrap().to_owned()).collect()
    }

    /// The text that each request had the model continue.
    pub(crate) fn continued(&self) -> Vec<Option<String>> {
        let last = |body: &Value| body["messages"].as_array().unwrap().last().unwrap().clone();
        let begun = |message: Value| {
            (message["role"] == "assistant").then(|| message["content"].as_str().unwrap().to_owned())
        };
        self.bodies().iter().map(|body| begun(last(body))).collect()
    }

    fn bodies(&self) -> Vec<Value> {
        self.shared.bodies.lock().unwrap().clone()
    }

    /// The last message text of each request.
    pub(crate) fn questions(&self) -> Vec<String> {
        let last = |body: &Value| body["messages"].as_array().unwrap().last().unwrap().clone();
        self.bodies().iter().map(|body| last(body)["content"].as_str().unwrap().to_owned()).collect()
    }

    /// Temperature of the last request.
    pub(crate) fn last_temperature(&self) -> Option<f64> {
        self.bodies().pop().unwrap()["temperature"].as_f64()
    }

    /// Whether a client reads an answer.
    pub(crate) fn is_answering(&self) -> bool {
        self.answering() > 0
    }

    /// Number of answers that clients read.
    pub(crate) fn answering(&self) -> usize {
        self.shared.answering.load(Ordering::SeqCst)
    }

    /// Lets all held answers go on, those to come as well.
    pub(crate) fn release(&self) {
        self.shared.released.send_replace(true);
    }
}

/// An answer with a reading client, until dropped.
struct Answering(Arc<AtomicUsize>);

impl Answering {
    fn begin(answering: Arc<AtomicUsize>) -> Self {
        answering.fetch_add(1, Ordering::SeqCst);
        Self(answering)
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

async fn complete(State(shared): State<Shared>, Json(request): Json<Value>) -> Response {
    shared.bodies.lock().unwrap().push(request);
    let number = shared.requests.fetch_add(1, Ordering::SeqCst);
    let act = shared.acts.get(number).or(shared.acts.last()).copied().unwrap();
    let (words, pause, end) = match act {
        Act::Events(events) => {
            let events = events.iter().map(|data| format!("data: {data}\n\n")).collect::<Vec<_>>().concat();
            let rest = futures::stream::pending();
            let body = futures::stream::iter([Ok::<_, Infallible>(Bytes::from(events))]).chain(rest);
            return Response::builder().body(Body::from_stream(body)).unwrap();
        }
        Act::Status(status) => return StatusCode::from_u16(status).unwrap().into_response(),
        Act::Say(words) => (words, Duration::ZERO, finish()),
        Act::SaySlowly(words) => (words, Duration::from_millis(100), finish()),
        Act::BreakOff(words) => (words, Duration::ZERO, String::new()),
        Act::Stall(words) => (words, Duration::ZERO, STALL.to_owned()),
        Act::Hold(words, rest) => (words, Duration::ZERO, deltas(rest).collect::<String>() + &finish()),
    };
    let is_held = matches!(act, Act::Hold(..));
    let parts: Vec<String> = deltas(words).chain([end]).collect();
    let last = parts.len() - 1;
    let answering = Arc::new(Answering::begin(shared.answering));
    let stream = futures::stream::iter(parts.into_iter().enumerate()).then(move |(number, part)| {
        let answering = Arc::clone(&answering);
        let mut released = shared.released.subscribe();
        async move {
            tokio::time::sleep(if part == STALL { Duration::from_mins(5) } else { pause }).await;
            if is_held && number == last {
                let _ = released.wait_for(|released| *released).await;
            }
            drop(answering);
            Ok::<_, Infallible>(Bytes::from(part))
        }
    });
    Response::builder().header("content-type", "text/event-stream").body(Body::from_stream(stream)).unwrap()
}

const STALL: &str = "stall";

fn deltas(words: &str) -> impl Iterator<Item = String> {
    words.split_inclusive(' ').map(|word| event(&json!({"choices": [{"delta": {"content": word}}]})))
}

fn finish() -> String {
    let end = event(&json!({"choices": [{"delta": {}, "finish_reason": "stop"}]}));
    let usage = event(&json!({"choices": [], "usage": {"prompt_tokens": 21, "completion_tokens": 7}}));
    end + &usage + "data: [DONE]\n\n"
}

fn event(value: &serde_json::Value) -> String {
    format!("data: {value}\n\n")
}

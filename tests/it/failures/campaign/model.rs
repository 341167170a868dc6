//! A language model that repeats the marked word of the question, slowly, and fails now and then.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use axum::{Json, Router};
use futures::StreamExt as _;
use serde_json::{Value, json};

use super::marks;

const PAUSE: Duration = Duration::from_millis(25);
/// One answer in so many is refused, and one breaks off.
const REFUSES_ONE_IN: u64 = 23;
const BREAKS_OFF_ONE_IN: u64 = 17;
const FEWEST_WORDS: u64 = 8;
const MOST_WORDS: u64 = 48;

/// The running server; ends with the test.
pub(super) struct Model {
    pub(super) url: String,
}

impl Model {
    pub(super) async fn start() -> Self {
        let requests = Arc::new(AtomicU64::new(0));
        let app = Router::new().route("/v1/chat/completions", post(complete)).with_state(requests);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/v1", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { url }
    }
}

async fn complete(State(requests): State<Arc<AtomicU64>>, Json(request): Json<Value>) -> Response {
    let number = requests.fetch_add(1, Ordering::Relaxed) + 1;
    if number.is_multiple_of(REFUSES_ONE_IN) {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    }
    let asked = request["messages"].to_string();
    let word = marks::found_in(&asked).last().unwrap_or("nothing").to_owned();
    let breaks_off = number.is_multiple_of(BREAKS_OFF_ONE_IN);
    let parts = parts(number, &word, breaks_off);
    let stream = futures::stream::iter(parts).then(|part| async move {
        tokio::time::sleep(PAUSE).await;
        Ok::<_, Infallible>(Bytes::from(part))
    });
    Response::builder().header("content-type", "text/event-stream").body(Body::from_stream(stream)).unwrap()
}

/// The parts of an answer. Each answer differs in all its words from every other.
fn parts(number: u64, word: &str, breaks_off: bool) -> Vec<String> {
    let words = FEWEST_WORDS + number * 7 % (MOST_WORDS - FEWEST_WORDS);
    let said = (0..words).map(|place| format!("{word} is said in {number} at {place}. "));
    let mut parts: Vec<String> =
        said.map(|text| event(&json!({"choices": [{"delta": {"content": text}}]}))).collect();
    if breaks_off {
        parts.truncate(usize::try_from(words / 2).unwrap());
        return parts;
    }
    parts.push(event(&json!({"choices": [{"delta": {}, "finish_reason": "stop"}]})));
    parts.push(event(&json!({"choices": [], "usage": {"prompt_tokens": 21, "completion_tokens": words}})));
    parts.push("data: [DONE]\n\n".to_owned());
    parts
}

fn event(value: &Value) -> String {
    format!("data: {value}\n\n")
}

//! An OpenAI-compatible server that says exactly what a test wants, or fails on cue.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use futures::StreamExt as _;
use serde_json::{Value, json};

/// What the server does with a request.
#[derive(Debug, Clone)]
pub(crate) enum Act {
    /// Streams these pieces, then finishes with usage.
    Say(Vec<&'static str>),
    /// Streams these, then finishes without usage.
    SayUncounted(Vec<&'static str>),
    /// Streams these, then closes the connection.
    Drop(Vec<&'static str>),
    /// Streams these, then says nothing more.
    Stall(Vec<&'static str>),
    /// Reports an error within the stream, after these.
    Report(Vec<&'static str>),
    /// Answers with this status.
    Status(u16),
}

#[derive(Clone)]
struct Shared {
    act: Act,
    requests: Arc<Mutex<Vec<(HeaderMap, Value)>>>,
    answering: Arc<()>,
}

/// The running server; ends with the test.
pub(crate) struct ModelServer {
    pub(crate) base_url: String,
    requests: Arc<Mutex<Vec<(HeaderMap, Value)>>>,
    answering: Weak<()>,
}

impl ModelServer {
    pub(crate) async fn start(act: Act) -> Self {
        let requests = Arc::default();
        let answering = Arc::new(());
        let observed = Arc::downgrade(&answering);
        let shared = Shared { act, requests: Arc::clone(&requests), answering };
        let app = Router::new().route("/v1/chat/completions", post(complete)).with_state(shared);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base_url = format!("http://{}/v1", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { base_url, requests, answering: observed }
    }

    /// Answers being streamed, beside the references the server itself keeps.
    pub(crate) fn holders(&self) -> usize {
        self.answering.strong_count()
    }

    /// Headers and bodies of what was asked.
    pub(crate) fn requests(&self) -> Vec<(HeaderMap, Value)> {
        self.requests.lock().unwrap().clone()
    }
}

async fn complete(State(shared): State<Shared>, headers: HeaderMap, Json(body): Json<Value>) -> Response {
    shared.requests.lock().unwrap().push((headers, body));
    let (pieces, end) = match shared.act {
        Act::Status(status) => return StatusCode::from_u16(status).unwrap().into_response(),
        Act::Say(pieces) => (pieces, finish(true)),
        Act::SayUncounted(pieces) => (pieces, finish(false)),
        Act::Drop(pieces) => (pieces, String::new()),
        Act::Stall(pieces) => (pieces, "stall".to_owned()),
        Act::Report(pieces) => (pieces, "data: {\"error\":{\"message\":\"out of memory\"}}\n\n".to_owned()),
    };
    let role = event(&json!({"choices": [{"delta": {"role": "assistant", "content": null}}]}));
    let said = pieces.into_iter().map(|piece| event(&json!({"choices": [{"delta": {"content": piece}}]})));
    let parts: Vec<String> = std::iter::once(role).chain(said).chain([end]).collect();
    let stream = futures::stream::iter(parts).then(move |part| {
        let answering = Arc::clone(&shared.answering);
        async move {
            if part == "stall" {
                tokio::time::sleep(Duration::from_mins(5)).await;
            }
            drop(answering);
            Ok::<_, Infallible>(Bytes::from(part))
        }
    });
    Response::builder().header("content-type", "text/event-stream").body(Body::from_stream(stream)).unwrap()
}

fn finish(counted: bool) -> String {
    let mut end = event(&json!({"choices": [{"delta": {}, "finish_reason": "stop"}]}));
    if counted {
        end += &event(&json!({"choices": [], "usage": {"prompt_tokens": 21, "completion_tokens": 7}}));
    }
    end + "data: [DONE]\n\n"
}

fn event(value: &Value) -> String {
    format!("data: {value}\n\n")
}

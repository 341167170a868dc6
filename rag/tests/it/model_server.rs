//! An OpenAI-compatible server that answers as a test prescribes.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{AppendHeaders, IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use futures::StreamExt as _;
use serde_json::{Value, json};
use tokio::sync::watch;

/// The response to each request.
#[derive(Debug, Clone)]
pub(crate) enum Behavior {
    /// Streams these deltas, a finish reason and usage.
    Complete(Vec<&'static str>),
    /// Streams these deltas and a finish reason without usage.
    CompleteWithoutUsage(Vec<&'static str>),
    /// Streams these deltas and closes the connection.
    CloseAfter(Vec<&'static str>),
    /// Streams these deltas and sends nothing more.
    StallAfter(Vec<&'static str>),
    /// Streams these deltas and an error object.
    ErrorAfter(Vec<&'static str>),
    /// Streams these deltas and this event, and sends nothing more.
    EventAfter(Vec<&'static str>, Value),
    /// Streams this delta again and again, without end.
    Flood(String),
    /// Answers with this HTTP status.
    Status(u16),
    /// Sends this body and then nothing more.
    Raw(String),
    /// Answers so many requests with 429 and these headers, and the others with `Yes.`
    Busy(usize, Vec<(&'static str, &'static str)>),
    /// Redirects with this HTTP status to an address. The server answers at `/moved` with `Yes.`
    Redirecting(u16, String),
    /// Sends this body with this `Content-Encoding`.
    Encoded(&'static str, Vec<u8>),
    /// Accepts the request and never answers.
    Silent,
    /// Refuses requests with the first of these parameters that they have, by name; otherwise answers with
    /// `Yes.`
    Refusing(&'static [&'static str]),
}

type Requests = Arc<Mutex<Vec<(HeaderMap, Value)>>>;

#[derive(Clone)]
struct Shared {
    behavior: Behavior,
    requests: Requests,
    responses: watch::Sender<()>,
    arrived: watch::Sender<()>,
}

/// A running server. It ends with the runtime of the test.
pub(crate) struct ModelServer {
    pub(crate) base_url: String,
    requests: Requests,
    /// Each response that is being streamed holds a receiver.
    responses: watch::Sender<()>,
    arrived: watch::Sender<()>,
}

impl ModelServer {
    pub(crate) async fn start(behavior: Behavior) -> Self {
        let (requests, responses) = (Requests::default(), watch::Sender::default());
        let arrived = watch::Sender::default();
        let shared = Shared {
            behavior,
            requests: Arc::clone(&requests),
            responses: responses.clone(),
            arrived: arrived.clone(),
        };
        let app = Router::new()
            .route("/v1/chat/completions", post(complete))
            .route("/moved", post(moved))
            .with_state(shared);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base_url = format!("http://{}/v1", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { base_url, requests, responses, arrived }
    }

    /// Whether a response is being streamed.
    pub(crate) fn is_responding(&self) -> bool {
        self.responses.receiver_count() > 0
    }

    /// Waits until no response is being streamed.
    pub(crate) async fn all_responses_ended(&self) {
        self.responses.closed().await;
    }

    /// Waits until a request has arrived.
    pub(crate) async fn has_requests(&self) {
        let mut arrived = self.arrived.subscribe();
        while self.requests.lock().unwrap().is_empty() {
            arrived.changed().await.unwrap();
        }
    }

    /// Headers and bodies of all requests so far.
    pub(crate) fn requests(&self) -> Vec<(HeaderMap, Value)> {
        self.requests.lock().unwrap().clone()
    }
}

async fn moved(State(shared): State<Shared>, headers: HeaderMap, Json(body): Json<Value>) -> Response {
    shared.requests.lock().unwrap().push((headers, body));
    stream(&shared.responses, vec!["Yes."], [Some(finish(true))])
}

async fn complete(State(shared): State<Shared>, headers: HeaderMap, Json(body): Json<Value>) -> Response {
    shared.requests.lock().unwrap().push((headers, body.clone()));
    shared.arrived.send_replace(());
    let count = shared.requests.lock().unwrap().len();
    let (deltas, end) = match shared.behavior {
        Behavior::Busy(times, headers) if count <= times => {
            return (StatusCode::TOO_MANY_REQUESTS, AppendHeaders(headers)).into_response();
        }
        Behavior::Busy(..) => (vec!["Yes."], Some(finish(true))),
        Behavior::Redirecting(status, location) => {
            let status = StatusCode::from_u16(status).unwrap();
            return (status, AppendHeaders([("location", location)])).into_response();
        }
        Behavior::Encoded(encoding, body) => {
            return (AppendHeaders([("content-encoding", encoding)]), body).into_response();
        }
        Behavior::Raw(body) => return stream_parts(&shared.responses, [Some(body), None]),
        Behavior::Refusing(parameters) => match parameters.iter().find(|name| body.get(**name).is_some()) {
            Some(name) => {
                let error = json!({"error": {"message": "Unsupported parameter", "param": name}});
                return (StatusCode::BAD_REQUEST, Json(error)).into_response();
            }
            None => (vec!["Yes."], Some(finish(true))),
        },
        Behavior::Silent => std::future::pending().await,
        Behavior::Status(status) => return StatusCode::from_u16(status).unwrap().into_response(),
        Behavior::Complete(deltas) => (deltas, Some(finish(true))),
        Behavior::CompleteWithoutUsage(deltas) => (deltas, Some(finish(false))),
        Behavior::CloseAfter(deltas) => (deltas, Some(String::new())),
        Behavior::StallAfter(deltas) => (deltas, None),
        Behavior::EventAfter(deltas, end) => {
            return stream(&shared.responses, deltas, [Some(event(&end)), None]);
        }
        Behavior::Flood(text) => {
            let delta = event(&json!({"choices": [{"delta": {"content": text}}]}));
            return stream(&shared.responses, vec![], std::iter::repeat(Some(delta)));
        }
        Behavior::ErrorAfter(deltas) => {
            (deltas, Some(event(&json!({"error": {"message": "out of memory"}}))))
        }
    };
    stream(&shared.responses, deltas, [end])
}

/// Streams deltas, then further parts; `None` for a stall.
fn stream<E: IntoIterator<Item = Option<String>>>(
    responses: &watch::Sender<()>,
    deltas: Vec<&'static str>,
    end: E,
) -> Response
where
    E::IntoIter: Send + 'static,
{
    let role = event(&json!({"choices": [{"delta": {"role": "assistant", "content": null}}]}));
    let deltas = deltas.into_iter().map(|delta| event(&json!({"choices": [{"delta": {"content": delta}}]})));
    let beginning: Vec<String> = std::iter::once(role).chain(deltas).collect();
    stream_parts(responses, beginning.into_iter().map(Some).chain(end))
}

/// Streams parts; `None` for a stall.
fn stream_parts<P: IntoIterator<Item = Option<String>>>(responses: &watch::Sender<()>, parts: P) -> Response
where
    P::IntoIter: Send + 'static,
{
    let responding = responses.subscribe();
    let stream = futures::stream::iter(parts).then(move |part| {
        // The closure holds the receiver as long as the stream lives.
        let _ = &responding;
        async move {
            match part {
                Some(part) => Ok::<_, Infallible>(Bytes::from(part)),
                None => std::future::pending().await,
            }
        }
    });
    Response::builder().header("content-type", "text/event-stream").body(Body::from_stream(stream)).unwrap()
}

fn finish(with_usage: bool) -> String {
    let mut end = event(&json!({"choices": [{"delta": {}, "finish_reason": "stop"}]}));
    if with_usage {
        end += &event(&json!({"choices": [], "usage": {"prompt_tokens": 21, "completion_tokens": 7}}));
    }
    end + "data: [DONE]\n\n"
}

fn event(value: &Value) -> String {
    format!("data: {value}\n\n")
}

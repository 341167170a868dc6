//! An OpenAI-compatible embeddings endpoint over the local model. Its vectors are longer, so that they get a
//! collection of their own.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use axum::{Json, Router};
use rag::embed::{Embedder, EmbedderConfig};
use serde_json::{Value, json};

use super::service;

/// Numbers in a vector.
pub(crate) const DIMENSIONS: usize = 400;
/// Required bearer token.
pub(crate) const KEY: &str = "open sesame";

/// A running endpoint.
pub(crate) struct EmbeddingServer {
    /// Its base.
    pub(crate) url: String,
    requests: Arc<AtomicUsize>,
}

impl EmbeddingServer {
    /// Starts it. The first requests are answered with 503.
    pub(crate) async fn start() -> Self {
        let files = EmbedderConfig::new(service("EMBEDDING_MODEL_DIR"), service("ORT_DYLIB_PATH"));
        let (embedder, requests) = (Embedder::load(files).await.unwrap(), Arc::new(AtomicUsize::new(0)));
        let router =
            Router::new().route("/v1/embeddings", post(embed)).with_state((embedder, Arc::clone(&requests)));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/v1", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, requests }
    }

    /// Requests so far.
    pub(crate) fn requests(&self) -> usize {
        self.requests.load(Ordering::Relaxed)
    }
}

async fn embed(
    State((embedder, requests)): State<(Embedder, Arc<AtomicUsize>)>,
    headers: HeaderMap,
    Json(request): Json<Value>,
) -> Result<Json<Value>, StatusCode> {
    if headers["authorization"] != format!("Bearer {KEY}") {
        return Err(StatusCode::UNAUTHORIZED);
    }
    if requests.fetch_add(1, Ordering::Relaxed) < 2 {
        return Err(StatusCode::SERVICE_UNAVAILABLE);
    }
    let texts: Vec<String> = serde_json::from_value(request["input"].clone()).unwrap();
    assert!(texts.len() <= 8, "{} texts at once", texts.len());
    let vectors = embedder.embed(texts).await.unwrap();
    let data: Vec<Value> = vectors
        .into_iter()
        .enumerate()
        .map(|(index, mut vector)| {
            vector.resize(DIMENSIONS, 0.0);
            for x in &mut vector {
                *x *= 3.0;
            }
            json!({"object": "embedding", "index": index, "embedding": vector})
        })
        .collect();
    Ok(Json(json!({"object": "list", "data": data, "model": request["model"]})))
}

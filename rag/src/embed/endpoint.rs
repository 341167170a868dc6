//! Any OpenAI-compatible embeddings endpoint. Texts go out in batches; what fails in passing is tried again.

use std::sync::Arc;
use std::time::Duration;

use reqwest::StatusCode;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

use super::{EmbedError, Vector};

/// How often a batch is tried, and how long it is waited before the second time; longer before each further one.
const TRIES: u32 = 4;
const FIRST_PAUSE: Duration = Duration::from_millis(250);

/// Where the endpoint is.
#[derive(Debug, Clone)]
pub struct EndpointConfig {
    /// The API's base, with its `/v1`.
    pub base_url: String,
    /// The model's name there.
    pub model: String,
    /// Sent as bearer token.
    pub api_key: Option<SecretString>,
    /// Texts sent at once.
    pub batch: usize,
    /// How long one batch may take.
    pub timeout: Duration,
}

impl EndpointConfig {
    /// This model, 32 texts at once, 30 s for each batch.
    pub fn new(base_url: impl Into<String>, model: impl Into<String>) -> Self {
        Self {
            base_url: base_url.into(),
            model: model.into(),
            api_key: None,
            batch: 32,
            timeout: Duration::from_secs(30),
        }
    }
}

/// The endpoint; clones share its connections.
#[derive(Clone)]
pub(super) struct Endpoint {
    http: reqwest::Client,
    config: Arc<EndpointConfig>,
}

#[derive(Serialize)]
struct Request<'a> {
    model: &'a str,
    input: &'a [String],
    encoding_format: &'static str,
}

#[derive(Deserialize)]
struct Response {
    data: Vec<Embedding>,
}

#[derive(Deserialize)]
struct Embedding {
    index: usize,
    embedding: Vector,
}

impl Endpoint {
    /// Prepares the client; nothing is sent.
    pub(super) fn new(config: EndpointConfig) -> Result<Self, EmbedError> {
        let http = reqwest::Client::builder()
            .connect_timeout(Duration::from_secs(3))
            .timeout(config.timeout)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| EmbedError::Refused(error.to_string()))?;
        Ok(Self { http, config: Arc::new(config) })
    }

    /// How many numbers a vector has.
    pub(super) async fn dimensions(&self) -> Result<usize, EmbedError> {
        let vectors = self.embed(&["dimensions".to_owned()]).await?;
        let dimensions = vectors.first().map_or(0, Vec::len);
        if dimensions > 0 { Ok(dimensions) } else { Err(EmbedError::WrongShape) }
    }

    /// The vectors of texts, in their order, of length 1.
    pub(super) async fn embed(&self, texts: &[String]) -> Result<Vec<Vector>, EmbedError> {
        let mut vectors = Vec::with_capacity(texts.len());
        for batch in texts.chunks(self.config.batch.max(1)) {
            vectors.extend(self.batch(batch).await?);
        }
        Ok(vectors)
    }

    async fn batch(&self, texts: &[String]) -> Result<Vec<Vector>, EmbedError> {
        let mut pause = FIRST_PAUSE;
        for _ in 1..TRIES {
            match self.attempt(texts).await {
                Err(error) if error.is_transient() => tokio::time::sleep(pause).await,
                done => return done,
            }
            pause *= 2;
        }
        self.attempt(texts).await
    }

    async fn attempt(&self, texts: &[String]) -> Result<Vec<Vector>, EmbedError> {
        let url = format!("{}/embeddings", self.config.base_url.trim_end_matches('/'));
        // Some servers refuse an empty text.
        let input: Vec<String> =
            texts.iter().map(|text| if text.is_empty() { " ".to_owned() } else { text.clone() }).collect();
        let body = Request { model: &self.config.model, input: &input, encoding_format: "float" };
        let mut request = self.http.post(url).json(&body);
        if let Some(key) = &self.config.api_key {
            request = request.bearer_auth(key.expose_secret());
        }
        let away = |error: reqwest::Error| EmbedError::Away(error.without_url().to_string());
        let response = request.send().await.map_err(away)?;
        let status = response.status();
        let reason = format!("status {}", status.as_u16());
        match status {
            StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS => Err(EmbedError::Away(reason)),
            _ if status.is_success() => {
                let Response { data } = response.json().await.map_err(away)?;
                in_order(data, texts.len())
            }
            _ if status.is_server_error() => Err(EmbedError::Away(reason)),
            _ => Err(EmbedError::Refused(reason)),
        }
    }
}

/// The vectors in the order of their texts, each of length 1.
fn in_order(mut data: Vec<Embedding>, wanted: usize) -> Result<Vec<Vector>, EmbedError> {
    data.sort_unstable_by_key(|embedding| embedding.index);
    if data.len() != wanted || data.iter().enumerate().any(|(place, embedding)| embedding.index != place) {
        return Err(EmbedError::WrongShape);
    }
    Ok(data.into_iter().map(|embedding| of_length_one(embedding.embedding)).collect())
}

fn of_length_one(mut vector: Vector) -> Vector {
    let length = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
    if length > 0.0 {
        for x in &mut vector {
            *x /= length;
        }
    }
    vector
}

#[cfg(test)]
mod tests {
    use super::*;

    fn embedding(index: usize, vector: &[f32]) -> Embedding {
        Embedding { index, embedding: vector.to_vec() }
    }

    #[test]
    fn vectors_come_in_the_order_of_their_texts_and_of_length_one() {
        let vectors = in_order(vec![embedding(1, &[0.0, 2.0]), embedding(0, &[3.0, 4.0])], 2).unwrap();
        assert_eq!(vectors, [vec![0.6, 0.8], vec![0.0, 1.0]]);
    }

    #[test]
    fn a_missing_vector_is_an_error() {
        assert!(matches!(in_order(vec![embedding(0, &[1.0])], 2), Err(EmbedError::WrongShape)));
        assert!(matches!(in_order(vec![embedding(1, &[1.0])], 1), Err(EmbedError::WrongShape)));
    }
}

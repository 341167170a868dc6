//! Embeds texts with an OpenAI-compatible endpoint, in batches. Transient failures are retried.

use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::{EmbedError, Vector};
use crate::openai::{self, ApiClient, ApiError};

/// Attempts for one batch.
const MAX_ATTEMPTS: u32 = 4;
/// The pause after the first failed attempt. Each further pause is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(250);

/// The endpoint's address, model and limits.
#[derive(Debug, Clone)]
pub struct EndpointConfig {
    /// The base address of the API, which ends in `/v1`.
    pub base_url: String,
    /// The name of the model at the endpoint.
    pub model: String,
    /// The key sent as bearer token.
    pub api_key: Option<SecretString>,
    /// The number of texts in one request.
    pub batch: usize,
    /// The time limit of one request.
    pub timeout: Duration,
}

impl EndpointConfig {
    /// Configures batches of 32 texts and a time limit of 30 s.
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

/// The endpoint. Clones share its connections.
#[derive(Clone)]
pub(super) struct Endpoint {
    client: ApiClient,
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
    /// Prepares the client. Sends no request.
    pub(super) fn new(config: EndpointConfig) -> Result<Self, EmbedError> {
        let client = ApiClient::new(&config.base_url, config.api_key.clone())?;
        Ok(Self { client, config: Arc::new(config) })
    }

    /// Embeds one text and returns the number of dimensions of its vector.
    pub(super) async fn dimensions(&self) -> Result<usize, EmbedError> {
        let vectors = self.embed(&["dimensions".to_owned()]).await?;
        let dimensions = vectors.first().map_or(0, Vec::len);
        if dimensions > 0 { Ok(dimensions) } else { Err(EmbedError::UnexpectedShape) }
    }

    /// Returns the vectors in the order of the texts, normalized.
    pub(super) async fn embed(&self, texts: &[String]) -> Result<Vec<Vector>, EmbedError> {
        let mut vectors = Vec::with_capacity(texts.len());
        for batch in texts.chunks(self.config.batch.max(1)) {
            vectors.extend(self.embed_batch(batch).await?);
        }
        Ok(vectors)
    }

    async fn embed_batch(&self, texts: &[String]) -> Result<Vec<Vector>, EmbedError> {
        let mut pause = FIRST_PAUSE;
        for _ in 1..MAX_ATTEMPTS {
            match self.attempt(texts).await {
                Err(error) if error.is_transient() => tokio::time::sleep(pause).await,
                result => return result,
            }
            pause *= 2;
        }
        self.attempt(texts).await
    }

    async fn attempt(&self, texts: &[String]) -> Result<Vec<Vector>, EmbedError> {
        // Some servers refuse an empty text.
        let input: Vec<String> =
            texts.iter().map(|text| if text.is_empty() { " ".to_owned() } else { text.clone() }).collect();
        let body = Request { model: &self.config.model, input: &input, encoding_format: "float" };
        let timeout = self.config.timeout;
        let request = self.client.post("embeddings", &body);
        let exchange = async { openai::json(openai::send(request, timeout).await?).await };
        let Response { data } =
            tokio::time::timeout(timeout, exchange).await.map_err(|_| ApiError::Timeout(timeout))??;
        in_input_order(data, texts.len())
    }
}

/// Sorts the vectors by the index of their texts and normalizes them.
fn in_input_order(mut data: Vec<Embedding>, expected: usize) -> Result<Vec<Vector>, EmbedError> {
    data.sort_unstable_by_key(|embedding| embedding.index);
    let is_complete =
        data.len() == expected && data.iter().enumerate().all(|(index, vector)| vector.index == index);
    if !is_complete {
        return Err(EmbedError::UnexpectedShape);
    }
    Ok(data.into_iter().map(|embedding| normalized(embedding.embedding)).collect())
}

fn normalized(mut vector: Vector) -> Vector {
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
    fn vectors_are_sorted_by_index_and_normalized() {
        let vectors = in_input_order(vec![embedding(1, &[0.0, 2.0]), embedding(0, &[3.0, 4.0])], 2).unwrap();
        assert_eq!(vectors, [vec![0.6, 0.8], vec![0.0, 1.0]]);
    }

    #[test]
    fn a_missing_vector_is_an_error() {
        assert!(matches!(in_input_order(vec![embedding(0, &[1.0])], 2), Err(EmbedError::UnexpectedShape)));
        assert!(matches!(in_input_order(vec![embedding(1, &[1.0])], 1), Err(EmbedError::UnexpectedShape)));
    }
}

//! Embeds texts with an OpenAI-compatible endpoint, in batches. Transient failures are retried.
//!
//! Servers keep the format loosely: vectors come as numbers or in base64, with and without their place
//! in the input.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::similarity::normalized;
use super::{EmbedError, Vector};
use crate::openai::{self, ApiClient, ApiError, Refusal};

/// Attempts for one batch.
const MAX_ATTEMPTS: u32 = 4;
/// The pause after the first failed attempt. Each further pause is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// The longest pause that a busy server can ask for. A batch fails where the server wants a longer one.
const MAX_PAUSE: Duration = Duration::from_secs(10);

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
    /// The number of dimensions to ask for; the model's own number unless set.
    pub dimensions: Option<u32>,
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
            dimensions: None,
        }
    }
}

/// The endpoint. Clones share its connections and what is known of it.
#[derive(Clone)]
pub(super) struct Endpoint {
    client: ApiClient,
    config: Arc<EndpointConfig>,
    /// Whether the server refuses to be told the encoding.
    refuses_encoding: Arc<AtomicBool>,
}

#[derive(Serialize)]
struct Request<'a> {
    model: &'a str,
    input: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    encoding_format: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dimensions: Option<u32>,
}

/// A response in the forms of different servers.
#[derive(Deserialize)]
#[serde(untagged)]
enum Response {
    Data { data: Vec<Embedding> },
    Embeddings { embeddings: Vec<Values> },
    List(Vec<Embedding>),
}

#[derive(Deserialize)]
struct Embedding {
    /// The place of the text in the input. Some servers leave it out, or leave out 0.
    #[serde(default)]
    index: Option<Value>,
    embedding: Values,
}

/// A vector in the encodings of different servers.
#[derive(Deserialize)]
#[serde(untagged)]
enum Values {
    Numbers(Vector),
    Nested(Vec<Vector>),
    /// Numbers of 32 bits, the lowest byte first.
    Base64(String),
}

impl Endpoint {
    /// Prepares the client. Sends no request.
    pub(super) fn new(config: EndpointConfig) -> Result<Self, EmbedError> {
        let client = ApiClient::new(&config.base_url, config.api_key.clone())?;
        Ok(Self { client, config: Arc::new(config), refuses_encoding: Arc::default() })
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
        let mut asked_pause = Duration::default();
        for _ in 1..MAX_ATTEMPTS {
            asked_pause = Duration::default();
            match self.attempt(texts, &mut asked_pause).await {
                Err(error) if error.is_transient() && asked_pause <= MAX_PAUSE => {
                    tokio::time::sleep(pause.max(asked_pause)).await;
                }
                result => return result,
            }
            pause *= 2;
        }
        self.attempt(texts, &mut asked_pause).await
    }

    /// Embeds texts by one request. `asked_pause` becomes the pause that a busy server asks for.
    async fn attempt(&self, texts: &[String], asked_pause: &mut Duration) -> Result<Vec<Vector>, EmbedError> {
        // Some servers refuse an empty text.
        let input: Vec<String> =
            texts.iter().map(|text| if text.is_empty() { " ".to_owned() } else { text.clone() }).collect();
        let timeout = self.config.timeout;
        let exchange = async {
            let refuses_encoding = self.refuses_encoding.load(Ordering::Relaxed);
            let response = match self.post(&input, !refuses_encoding).await? {
                Err(refusal) if refusal.is_of_parameters() && !refuses_encoding => {
                    let response = self.post(&input, false).await??;
                    self.refuses_encoding.store(true, Ordering::Relaxed);
                    response
                }
                response => response.inspect_err(|refusal| {
                    *asked_pause = refusal.pause().unwrap_or_default();
                })?,
            };
            openai::json(response).await
        };
        let response =
            tokio::time::timeout(timeout, exchange).await.map_err(|_| ApiError::Timeout(timeout))??;
        in_input_order(response, texts.len())
    }

    async fn post(
        &self,
        input: &[String],
        tells_encoding: bool,
    ) -> Result<Result<openai::Response, Refusal>, ApiError> {
        let body = Request {
            model: &self.config.model,
            input,
            encoding_format: tells_encoding.then_some("float"),
            dimensions: self.config.dimensions,
        };
        openai::send(self.client.post("embeddings", &body), self.config.timeout).await
    }
}

/// Sorts the vectors by the index of their texts and normalizes them. Where the indexes do not name each text
/// once, the order of the response counts.
fn in_input_order(response: Response, expected: usize) -> Result<Vec<Vector>, EmbedError> {
    let data: Vec<Embedding> = match response {
        Response::Data { data } | Response::List(data) => data,
        Response::Embeddings { embeddings } => {
            embeddings.into_iter().map(|embedding| Embedding { index: None, embedding }).collect()
        }
    };
    if data.len() != expected {
        return Err(EmbedError::UnexpectedShape);
    }
    let mut vectors = Vec::with_capacity(expected);
    for (place, Embedding { index, embedding }) in data.into_iter().enumerate() {
        let index = index.as_ref().and_then(Value::as_u64).and_then(|index| usize::try_from(index).ok());
        vectors.push((index.unwrap_or(place), normalized(embedding.into_vector()?)));
    }
    let mut named = vec![false; expected];
    for (index, _) in &vectors {
        if let Some(named) = named.get_mut(*index) {
            *named = true;
        }
    }
    if named.iter().all(|named| *named) {
        vectors.sort_by_key(|(index, _)| *index);
    }
    Ok(vectors.into_iter().map(|(_, vector)| vector).collect())
}

impl Values {
    fn into_vector(self) -> Result<Vector, EmbedError> {
        match self {
            Self::Numbers(vector) => Ok(vector),
            Self::Nested(mut vectors) if vectors.len() == 1 => Ok(vectors.remove(0)),
            Self::Nested(_) => Err(EmbedError::UnexpectedShape),
            Self::Base64(text) => {
                let bytes = STANDARD.decode(text.trim()).map_err(|_| EmbedError::UnexpectedShape)?;
                let (numbers, rest) = bytes.as_chunks::<4>();
                let vector: Vector = numbers.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
                if rest.is_empty() && vector.iter().all(|number| number.is_finite()) {
                    Ok(vector)
                } else {
                    Err(EmbedError::UnexpectedShape)
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vectors(response: &str, expected: usize) -> Result<Vec<Vector>, EmbedError> {
        in_input_order(serde_json::from_str(response).unwrap(), expected)
    }

    #[test]
    fn vectors_are_sorted_by_index_and_normalized() {
        let response = r#"{"data":[{"index":1,"embedding":[0,2.0]},{"index":0,"embedding":[3.0,4.0]}]}"#;
        assert_eq!(vectors(response, 2).unwrap(), [vec![0.6, 0.8], vec![0.0, 1.0]]);
    }

    #[test]
    fn the_place_in_the_response_counts_where_indexes_are_missing_or_wrong() {
        for indexes in [
            ["", r#""index":1,"#],
            ["", ""],
            [r#""index":null,"#, ""],
            [r#""index":0,"#; 2],
            [r#""index":1,"#, r#""index":2,"#],
        ] {
            let [first, second] = indexes;
            let response =
                format!(r#"{{"data":[{{{first}"embedding":[1,0]}},{{{second}"embedding":[0,1]}}]}}"#);
            assert_eq!(vectors(&response, 2).unwrap(), [vec![1.0, 0.0], vec![0.0, 1.0]], "{response}");
        }
    }

    #[test]
    fn vectors_come_in_base64_in_lists_and_without_a_name() {
        let base64 = STANDARD.encode([0.0_f32, 2.0].map(f32::to_le_bytes).concat());
        for response in [
            format!(r#"{{"data":[{{"index":0,"embedding":"{base64}"}}]}}"#),
            r#"[{"index":0,"embedding":[[0,2]]}]"#.to_owned(),
            r#"{"embeddings":[[0,2]]}"#.to_owned(),
        ] {
            assert_eq!(vectors(&response, 1).unwrap(), [vec![0.0, 1.0]], "{response}");
        }
    }

    #[test]
    fn a_missing_or_damaged_vector_is_an_error() {
        for (response, expected) in [
            (r#"{"data":[{"index":0,"embedding":[1.0]}]}"#, 2),
            (r#"{"data":[{"embedding":"AAA="}]}"#, 1),
            (r#"{"data":[{"embedding":[[1.0],[2.0]]}]}"#, 1),
        ] {
            assert!(matches!(vectors(response, expected), Err(EmbedError::UnexpectedShape)), "{response}");
        }
    }
}

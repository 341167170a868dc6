//! Streams answers from a language model by OpenAI-compatible chat completions. Does not know sources
//! or citations.

mod completion;
mod sse;

use std::sync::Arc;
use std::time::Duration;

use futures::{Stream, StreamExt as _};
use reqwest::RequestBuilder;
use secrecy::SecretString;
use serde_json::json;
use tokio::time::Instant;

use crate::openai::{self, ApiClient, ApiError};
use crate::prompt::Prompt;
use completion::Completion;
use sse::EventParser;

const TEMPERATURE: f32 = 0.2;
/// The time in which usage and the last event follow the finish reason. Some servers keep the connection open
/// and never send them.
const LAST_EVENTS_TIMEOUT: Duration = Duration::from_secs(2);

/// The language model's address, name and time limits.
#[derive(Debug, Clone)]
pub struct ChatConfig {
    /// The base address of the API, which ends in `/v1`.
    pub base_url: String,
    /// The name of the model.
    pub model: String,
    /// The key sent as bearer token.
    pub api_key: Option<SecretString>,
    /// The size of the model's context in tokens.
    pub context_tokens: u32,
    /// The time limit from the request to the first token.
    pub first_token_timeout: Duration,
    /// The time limit from one part of the answer to the next.
    pub idle_timeout: Duration,
}

impl ChatConfig {
    /// Configures a context of 4096 tokens, 60 s to the first token and 30 s between tokens.
    pub fn new(base_url: impl Into<String>, model: impl Into<String>) -> Self {
        Self {
            base_url: base_url.into(),
            model: model.into(),
            api_key: None,
            context_tokens: 4096,
            first_token_timeout: Duration::from_mins(1),
            idle_timeout: Duration::from_secs(30),
        }
    }
}

/// Token counts of one answer, reported by the model or estimated. Each is at most [`MAX_TOKENS`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Tokens of the prompt.
    pub prompt_tokens: u32,
    /// Tokens of the answer.
    pub completion_tokens: u32,
}

/// The largest number of tokens that a server's report is believed for.
pub const MAX_TOKENS: u32 = 100_000_000;

/// Token counts as the server reports them. A count that is missing, not a number, negative or larger than
/// [`MAX_TOKENS`] is `None`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ReportedUsage {
    /// Tokens of the prompt.
    pub prompt_tokens: Option<u32>,
    /// Tokens of the answer.
    pub completion_tokens: Option<u32>,
}

/// A part of the model's response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ModelEvent {
    /// More text of the answer, never empty.
    Delta(String),
    /// The end of a complete answer, with usage as far as the server reports it. Nothing follows.
    Finished(ReportedUsage),
}

/// A configured language model. Clones share its connections.
#[derive(Clone)]
pub struct ChatModel {
    client: ApiClient,
    config: Arc<ChatConfig>,
}

impl ChatModel {
    /// Prepares the client. Sends no request.
    pub fn new(config: ChatConfig) -> Result<Self, ModelError> {
        let client = ApiClient::new(&config.base_url, config.api_key.clone())?;
        Ok(Self { client, config: Arc::new(config) })
    }

    /// The name of the model.
    pub fn name(&self) -> &str {
        &self.config.model
    }

    /// The size of the model's context in tokens.
    pub fn context_tokens(&self) -> u32 {
        self.config.context_tokens
    }

    /// Streams the model's answer. The request is sent by the first poll; dropping the stream ends it.
    pub fn stream(
        &self,
        prompt: &Prompt,
    ) -> impl Stream<Item = Result<ModelEvent, ModelError>> + Send + 'static {
        let request = self.request(prompt);
        let config = Arc::clone(&self.config);
        async_stream::try_stream! {
            let mut bytes = openai::send(request, config.first_token_timeout).await?.bytes_stream();
            let mut parser = EventParser::default();
            let mut completion = Completion::default();
            let mut last_event = None;
            while !completion.is_done() {
                let limit = match completion.is_finished() {
                    false if completion.has_text() => config.idle_timeout,
                    false => config.first_token_timeout,
                    true => {
                        let end = *last_event.get_or_insert_with(|| Instant::now() + LAST_EVENTS_TIMEOUT);
                        end.saturating_duration_since(Instant::now())
                    }
                };
                let chunk = match tokio::time::timeout(limit, bytes.next()).await {
                    // The answer is whole; only the usage may be missing.
                    Err(_) | Ok(Some(Err(_))) if completion.is_finished() => break,
                    Err(_) => Err(ApiError::Timeout(limit)),
                    Ok(None) => break,
                    Ok(Some(chunk)) => chunk.map_err(ApiError::from),
                };
                let chunk = chunk.map_err(|error| completion.interrupted(error))?;
                for data in parser.push(&chunk).map_err(|_| completion.interrupted(ApiError::Malformed))? {
                    if let Some(delta) = completion.push(&data)? {
                        yield ModelEvent::Delta(delta);
                    }
                }
            }
            yield ModelEvent::Finished(completion.finish()?);
        }
    }

    fn request(&self, prompt: &Prompt) -> RequestBuilder {
        let body = json!({
            "model": self.config.model,
            "messages": prompt.messages,
            "stream": true,
            "stream_options": {"include_usage": true},
            "max_tokens": prompt.max_answer_tokens,
            "temperature": TEMPERATURE,
        });
        self.client.post("chat/completions", &body)
    }
}

/// The language model did not return a complete answer. The causes hold no text of the question or
/// the answer.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// The model is unreachable, overloaded or silent, and wrote nothing. The request can succeed later.
    #[error("the language model is unavailable")]
    Unavailable(#[source] ApiError),
    /// The model rejects the request, for example because of a wrong key or an unknown model name.
    #[error("the language model refused the request")]
    Refused(#[source] ApiError),
    /// The model stopped within the answer. The request can succeed later.
    #[error("the answer of the language model was interrupted")]
    Interrupted(#[source] ApiError),
}

impl ModelError {
    /// Whether the same request can succeed later.
    pub fn is_transient(&self) -> bool {
        !matches!(self, Self::Refused(_))
    }
}

impl From<ApiError> for ModelError {
    /// Classifies a failure before the first token.
    fn from(error: ApiError) -> Self {
        if error.is_transient() { Self::Unavailable(error) } else { Self::Refused(error) }
    }
}
/// The number of events in a stream that comes in these pieces; `None` if one of them is too long.
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) fn count_events<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Option<usize> {
    let mut parser = sse::EventParser::default();
    let counted = pieces.into_iter().map(|piece| parser.push(piece).ok().map(|events| events.len()));
    counted.sum()
}

//! Streams answers from a language model by OpenAI-compatible chat completions. Does not know sources
//! or citations.
//!
//! Servers keep the format loosely. `request` learns which parameters a server accepts, `body` reads whatever
//! form its response has, `chunk` the variants of an object in it, and `thought` separates reasoning
//! from the answer.

mod body;
mod chunk;
mod completion;
mod config;
mod meter;
mod patience;
mod reading;
mod repair;
mod request;
mod short_text;
mod sse;
mod thought;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::Stream;
use tokio::time::Instant;

use crate::openai::{self, ApiClient, ApiError, Response};
use crate::prompt::Prompt;
pub use chunk::FinishReason;
pub use config::{ChatConfig, Continuation};
use meter::Count;
pub use meter::Meter;
use patience::{MAX_PAUSE, MAX_PAUSES, Patience};
use reading::Reading;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use reading::read_response;
use request::{Dialect, REASONING_TOKENS, is_filtered};

/// Requests with which the parameters that a server accepts are found.
const MAX_REQUESTS: usize = 8;

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

/// The end of a complete answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Finished {
    /// The usage as far as the server reports it.
    pub usage: ReportedUsage,
    /// The reason for which the model stopped writing.
    pub reason: FinishReason,
}

/// A part of the model's response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ModelEvent {
    /// More of the reasoning before the answer, never empty.
    Reasoning(String),
    /// More text of the answer, never empty.
    Delta(String),
    /// All text so far was reasoning, and the answer begins only now.
    TextWasReasoning,
    /// The end of a complete answer. Nothing follows.
    Finished(Finished),
}

/// A configured language model. Clones share its connections and what is known of its server.
#[derive(Clone)]
pub struct ChatModel {
    client: ApiClient,
    config: Arc<ChatConfig>,
    dialect: Arc<Mutex<Dialect>>,
    meter: Option<Meter>,
    /// The time that a busy server is waited for.
    patience: Duration,
}

impl ChatModel {
    /// Prepares the client. Sends no request.
    pub fn new(config: ChatConfig) -> Result<Self, ModelError> {
        let client = ApiClient::new(&config.base_url, config.api_key.clone())?;
        Ok(Self {
            client,
            config: Arc::new(config),
            dialect: Arc::default(),
            meter: None,
            patience: MAX_PAUSE,
        })
    }

    /// The same model, whose requests are counted.
    #[must_use]
    pub fn metered(&self, meter: Meter) -> Self {
        Self { meter: Some(meter), ..self.clone() }
    }

    /// The name of the model.
    pub fn name(&self) -> &str {
        &self.config.name
    }

    /// The size of the model's context in tokens.
    pub fn context_tokens(&self) -> u32 {
        self.config.context_tokens
    }

    /// The tokens that a prompt and its answer can take. The rest of the context is for reasoning.
    pub fn usable_tokens(&self) -> u32 {
        let context = self.config.context_tokens;
        if self.dialect().needs_reasoning_tokens() {
            context - REASONING_TOKENS.min(context / 4)
        } else {
            context
        }
    }

    /// Whether the model continues an unfinished answer, as far as is known of its server.
    pub fn can_continue(&self) -> bool {
        self.config.continuation.is_some() && !self.dialect().refuses_continuation()
    }

    /// Notes that the model does not continue an unfinished answer. Remembered like a refused parameter.
    pub(crate) fn refuse_continuation(&self) {
        self.lock_dialect().refuse_continuation();
        tracing::info!(model = %self.config.name, "the model does not continue answers");
    }

    /// Streams the model's answer. The request is sent by the first poll; dropping the stream ends it.
    pub fn stream(
        &self,
        prompt: &Prompt,
    ) -> impl Stream<Item = Result<ModelEvent, ModelError>> + Send + 'static {
        let this = self.clone();
        let prompt = prompt.clone();
        async_stream::try_stream! {
            let mut reading = Reading::new(&this.config, prompt.begun());
            // The server may have read the prompt before its response begins.
            let mut count = Count::begin(this.meter.clone(), prompt.estimated_tokens);
            let mut response = match Box::pin(this.open(&prompt, reading.silent_until)).await {
                Ok(response) => response,
                Err(error) => {
                    if error.is_unread() {
                        count.take_back();
                    }
                    Err(error)?
                }
            };
            while !reading.completion.is_done() {
                let next = tokio::time::timeout_at(reading.silent_until, response.chunk()).await;
                let Some(events) = reading.read(next) else { break };
                count.read(&events, reading.completion.take_usage());
                for event in events? {
                    yield event;
                }
            }
            let ended = reading.finish();
            if ended.reasons {
                this.lock_dialect().reasons = true;
            }
            count.read(&ended.events, ended.usage);
            for event in ended.events? {
                yield event;
            }
        }
    }

    /// Sends the request with the parameters that the server accepts, and remembers those. A busy server is asked
    /// again after the time that it names, if that is short.
    async fn open(&self, prompt: &Prompt, deadline: Instant) -> Result<Response, ModelError> {
        let known = self.dialect();
        let mut dialect = known;
        let mut patience = Patience::new(self.patience);
        for _ in 0..MAX_REQUESTS + MAX_PAUSES {
            let request = self.client.post("chat/completions", &dialect.body(&self.config, prompt));
            let timeout = deadline.saturating_duration_since(Instant::now());
            let refusal = match openai::send(request, timeout).await? {
                Ok(response) => {
                    if dialect != known {
                        tracing::info!(model = %self.config.name, ?dialect, "the model's server takes other parameters");
                        *self.lock_dialect() = dialect;
                    }
                    return Ok(response);
                }
                Err(refusal) if is_filtered(&refusal) => {
                    return Err(ModelError::NoText(FinishReason::ContentFilter));
                }
                Err(refusal) => refusal,
            };
            if let Some(pause) = patience.pause(refusal.pause(), deadline) {
                tracing::info!(model = %self.config.name, status = refusal.status, ?pause, "the model's server is busy");
                tokio::time::sleep(pause).await;
                continue;
            }
            match dialect.after(&refusal, prompt.is_continued) {
                Some(next) if next.refuses_continuation() && prompt.is_continued => {
                    self.refuse_continuation();
                    return Err(ModelError::NotContinued);
                }
                Some(next) => dialect = next,
                None => return Err(ApiError::from(refusal).into()),
            }
        }
        Err(ApiError::Status(400).into())
    }

    fn dialect(&self) -> Dialect {
        *self.lock_dialect()
    }

    fn lock_dialect(&self) -> std::sync::MutexGuard<'_, Dialect> {
        self.dialect.lock().unwrap_or_else(PoisonError::into_inner)
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
    /// The model does not continue an unfinished answer: it refused the request, or started over.
    #[error("the language model does not continue an answer")]
    NotContinued,
    /// The model ended without a text: with reasoning alone, a call of a tool, or nothing.
    #[error("the language model wrote no text and ended with: {}", .0.name())]
    NoText(FinishReason),
}

impl ModelError {
    /// Whether the same request can succeed later.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unavailable(_) | Self::Interrupted(_) | Self::NotContinued)
    }

    /// Whether a request without a response was not read by the model: there was no connection, or the server
    /// refused it.
    fn is_unread(&self) -> bool {
        match self {
            Self::NoText(_) | Self::NotContinued => true,
            Self::Unavailable(cause) | Self::Refused(cause) | Self::Interrupted(cause) => match cause {
                ApiError::InvalidRequest(_) | ApiError::Status(_) => true,
                ApiError::Connection(cause) => cause.is_connect(),
                ApiError::Timeout(_)
                | ApiError::EndedEarly
                | ApiError::Encoded
                | ApiError::Malformed
                | ApiError::Reported => false,
            },
        }
    }
}

impl From<ApiError> for ModelError {
    /// Classifies a failure before the first token.
    fn from(error: ApiError) -> Self {
        if error.is_transient() { Self::Unavailable(error) } else { Self::Refused(error) }
    }
}

//! The language model: OpenAI-compatible chat completions, streamed. Dropping the stream ends the request. It knows
//! nothing of sources or citations.

mod sse;

use std::sync::Arc;
use std::time::Duration;

use futures::{Stream, StreamExt as _};
use reqwest::{RequestBuilder, Response, StatusCode};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::prompt::Prompt;
use sse::EventParser;

/// Where the model is and how long to wait for it.
#[derive(Debug, Clone)]
pub struct ChatConfig {
    /// The API's base, with its `/v1`.
    pub base_url: String,
    /// The model's name.
    pub model: String,
    /// Sent as bearer token.
    pub api_key: Option<SecretString>,
    /// Tokens the model's context holds.
    pub context_tokens: u32,
    /// Time to connect.
    pub connect_timeout: Duration,
    /// Time from the request to the first sign of an answer.
    pub first_token_timeout: Duration,
    /// Time from one sign to the next.
    pub idle_timeout: Duration,
}

impl ChatConfig {
    /// This model with a context of 4096 tokens; 3 s to connect, 60 s to the first token, 30 s between tokens.
    pub fn new(base_url: impl Into<String>, model: impl Into<String>) -> Self {
        Self {
            base_url: base_url.into(),
            model: model.into(),
            api_key: None,
            context_tokens: 4096,
            connect_timeout: Duration::from_secs(3),
            first_token_timeout: Duration::from_mins(1),
            idle_timeout: Duration::from_secs(30),
        }
    }
}

/// Tokens, as the model counts them or as estimated.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
pub struct Usage {
    /// Tokens read.
    #[serde(default)]
    pub prompt_tokens: u32,
    /// Tokens written.
    #[serde(default)]
    pub completion_tokens: u32,
}

/// What the model sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ModelEvent {
    /// More of the answer; never empty.
    Delta(String),
    /// The answer is complete, and nothing follows. Usage is there when the server tells it.
    Finished(Option<Usage>),
}

/// A configured language model.
#[derive(Clone)]
pub struct ChatModel {
    http: reqwest::Client,
    config: Arc<ChatConfig>,
}

impl ChatModel {
    /// Prepares the client; nothing is sent.
    pub fn new(config: ChatConfig) -> Result<Self, ModelError> {
        let http = reqwest::Client::builder()
            .connect_timeout(config.connect_timeout)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| ModelError::Refused(error.to_string()))?;
        Ok(Self { http, config: Arc::new(config) })
    }

    /// The model's name.
    pub fn name(&self) -> &str {
        &self.config.model
    }

    /// Tokens its context holds.
    pub fn context_tokens(&self) -> u32 {
        self.config.context_tokens
    }

    /// Lets the model answer. The first item comes when the model begins to write; an error before any delta means
    /// that nothing was written.
    pub fn stream(
        &self,
        prompt: &Prompt,
    ) -> impl Stream<Item = Result<ModelEvent, ModelError>> + Send + 'static {
        let request = self.request(prompt);
        let config = Arc::clone(&self.config);
        async_stream::try_stream! {
            let mut bytes = open(request, config.first_token_timeout).await?.bytes_stream();
            let mut parser = EventParser::default();
            let mut answer = Progress::default();
            loop {
                let patience = if answer.begun { config.idle_timeout } else { config.first_token_timeout };
                let Ok(next) = tokio::time::timeout(patience, bytes.next()).await else {
                    Err(answer.broken("no token in time".into()))?;
                    return;
                };
                let Some(chunk) = next else { break };
                let chunk = match chunk {
                    Ok(chunk) => chunk,
                    Err(error) => {
                        Err(answer.broken(error.without_url().to_string()))?;
                        return;
                    }
                };
                for data in parser.push(&chunk).map_err(|reason| answer.broken(reason.into()))? {
                    if let Some(delta) = answer.take(&data)? {
                        yield ModelEvent::Delta(delta);
                    }
                }
                if answer.done {
                    break;
                }
            }
            if !answer.finished {
                Err(answer.broken("it ended before it was finished".into()))?;
            }
            yield ModelEvent::Finished(answer.usage);
        }
    }

    fn request(&self, prompt: &Prompt) -> RequestBuilder {
        let url = format!("{}/chat/completions", self.config.base_url.trim_end_matches('/'));
        let body = json!({
            "model": self.config.model,
            "messages": prompt.messages,
            "stream": true,
            "stream_options": {"include_usage": true},
            "max_tokens": prompt.max_answer_tokens,
            "temperature": 0.2,
        });
        let request = self.http.post(url).json(&body);
        match &self.config.api_key {
            Some(key) => request.bearer_auth(key.expose_secret()),
            None => request,
        }
    }
}

/// Sends the request and judges the status.
async fn open(request: RequestBuilder, patience: Duration) -> Result<Response, ModelError> {
    let response = match tokio::time::timeout(patience, request.send()).await {
        Err(_) => return Err(ModelError::Away("no answer in time".into())),
        Ok(Err(error)) if error.is_builder() => {
            return Err(ModelError::Refused(error.without_url().to_string()));
        }
        Ok(Err(error)) => return Err(ModelError::Away(error.without_url().to_string())),
        Ok(Ok(response)) => response,
    };
    let status = response.status();
    let reason = format!("status {}", status.as_u16());
    match status {
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS => Err(ModelError::Away(reason)),
        _ if status.is_success() => Ok(response),
        _ if status.is_server_error() => Err(ModelError::Away(reason)),
        _ => Err(ModelError::Refused(reason)),
    }
}

/// What of the answer has arrived.
#[derive(Default)]
struct Progress {
    /// There was text.
    begun: bool,
    finished: bool,
    done: bool,
    usage: Option<Usage>,
}

impl Progress {
    /// Reads one event; gives the text it adds.
    fn take(&mut self, data: &str) -> Result<Option<String>, ModelError> {
        if data == "[DONE]" {
            self.finished = true;
            self.done = true;
            return Ok(None);
        }
        let Ok(chunk) = serde_json::from_str::<Chunk>(data) else {
            return Err(self.broken("an event that is not a chat completion".into()));
        };
        if chunk.error.is_some_and(|error| !error.is_null()) {
            return Err(self.broken("it reported an error".into()));
        }
        self.usage = chunk.usage.or(self.usage);
        let Some(choice) = chunk.choices.into_iter().flatten().next() else {
            return Ok(None);
        };
        self.finished |= choice.finish_reason.is_some();
        let text = choice.delta.and_then(|delta| delta.content).filter(|text| !text.is_empty());
        self.begun |= text.is_some();
        Ok(text)
    }

    fn broken(&self, reason: String) -> ModelError {
        if self.begun { ModelError::CutOff(reason) } else { ModelError::Away(reason) }
    }
}

#[derive(Deserialize)]
struct Chunk {
    choices: Option<Vec<Choice>>,
    usage: Option<Usage>,
    error: Option<Value>,
}

#[derive(Deserialize)]
struct Choice {
    delta: Option<Delta>,
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct Delta {
    content: Option<String>,
}

/// Why the model did not answer. Never holds what was asked or answered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ModelError {
    /// It can't be reached, is overloaded or broken, or stays silent; nothing was written. Later it may work.
    #[error("reach the language model: {0}")]
    Away(String),
    /// It does not take the request: wrong key, unknown model, too long. Trying again does not help.
    #[error("use the language model: {0}")]
    Refused(String),
    /// It stopped in the middle of the answer. Trying again can help.
    #[error("get the whole answer from the language model: {0}")]
    CutOff(String),
}

impl ModelError {
    /// Whether trying again can help.
    pub fn is_transient(&self) -> bool {
        !matches!(self, Self::Refused(_))
    }
}

//! The configuration of a language model.

use std::time::Duration;

use secrecy::SecretString;

/// The temperature to ask for by default.
const TEMPERATURE: f32 = 0.2;

/// The language model's address, name and time limits.
#[derive(Debug, Clone)]
pub struct ChatConfig {
    /// The base address of the API, which ends in `/v1`.
    pub base_url: String,
    /// The name of the model at the server.
    pub model: String,
    /// The name under which people choose the model, and that provenance and usage record.
    pub name: String,
    /// The temperature to ask for; the server's own unless set. Left out where the server refuses one.
    pub temperature: Option<f32>,
    /// The key sent as bearer token.
    pub api_key: Option<SecretString>,
    /// The size of the model's context in tokens.
    pub context_tokens: u32,
    /// The time limit from the request to the first token, of the reasoning or of the answer.
    pub first_token_timeout: Duration,
    /// The time limit from one token to the next. Signs of life without a token do not extend it.
    pub idle_timeout: Duration,
    /// The way to have the server continue an unfinished answer; `None` where it cannot.
    pub continuation: Option<Continuation>,
}

/// The way to have a server continue an unfinished answer, which is the last message of the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Continuation {
    /// By the message alone.
    Message,
    /// By `continue_final_message` and no `add_generation_prompt`.
    ContinueFinalMessage,
    /// By `prefix` in the message.
    Prefix,
}

impl ChatConfig {
    /// Configures a temperature of 0.2, a context of 4096 tokens, 5 min to the first token, 60 s between tokens
    /// and no continuation.
    pub fn new(base_url: impl Into<String>, model: impl Into<String>) -> Self {
        let model = model.into();
        Self {
            base_url: base_url.into(),
            name: model.clone(),
            model,
            temperature: Some(TEMPERATURE),
            api_key: None,
            context_tokens: 4096,
            first_token_timeout: Duration::from_mins(5),
            idle_timeout: Duration::from_mins(1),
            continuation: None,
        }
    }
}

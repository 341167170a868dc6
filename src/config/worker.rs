//! Configuration of the worker.

use std::time::Duration;

use clap::{ArgAction, Args, ValueEnum, builder::Resettable};
use rag::generate::{self, ChatConfig};
use secrecy::SecretString;
use serde::Deserialize;

use super::models::{ModelsFile, OfferedModel, models_file};
use super::secret::MODEL_API_KEY;
use super::values::{base_url, filled, measured, price, within};

/// Configuration of the worker.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Worker")]
pub struct WorkerConfig {
    /// Answers that are written at the same time.
    #[arg(long, env = "WORKER_CONCURRENCY", default_value_t = 8, value_parser = within(1..=1_024_usize))]
    pub worker_concurrency: usize,
    /// Answers of one person that a worker writes at the same time; 0 for half of them, rounded up.
    #[arg(long, env = "WORKER_ANSWERS_PER_PERSON", default_value_t = 0, value_parser = within(0..=1_024_usize))]
    pub worker_answers_per_person: usize,
    /// Days without activity after which a conversation or document of a user is erased; 0 for never.
    #[arg(long, env = "RETENTION_DAYS", help_heading = "Retention", default_value_t = 0)]
    #[arg(value_parser = measured(0..=36_500_u32, "days"))]
    pub retention_days: u32,
    /// Language model.
    #[command(flatten)]
    pub model: ModelConfig,
}

impl WorkerConfig {
    /// Answers of one person that are written at the same time, at least 1.
    pub fn per_person(&self) -> usize {
        match self.worker_answers_per_person {
            0 => self.worker_concurrency.div_ceil(2).max(1),
            answers => answers,
        }
    }
}

/// Configuration of the language model.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Language model")]
pub struct ModelConfig {
    /// OpenAI-compatible endpoint, with its `/v1`; without it, answers are quotations from the documents.
    #[arg(long, env = "MODEL_URL", value_parser = base_url)]
    pub model_url: Option<String>,
    /// Model of the endpoint.
    #[arg(long, env = "MODEL_NAME", value_parser = filled)]
    pub model_name: Option<String>,
    /// API key of the endpoint.
    #[arg(skip = MODEL_API_KEY.optional()?)]
    pub model_api_key: Option<SecretString>,
    /// Price of a million tokens of prompts of the model, in the currency of the budgets.
    #[arg(long, env = "MODEL_PROMPT_PRICE", default_value_t = 0.0, value_parser = price)]
    pub model_prompt_price: f64,
    /// Price of a million tokens of answers of the model.
    #[arg(long, env = "MODEL_COMPLETION_PRICE", default_value_t = 0.0, value_parser = price)]
    pub model_completion_price: f64,
    /// Context of the model, in tokens.
    #[arg(long, env = "MODEL_CONTEXT", default_value_t = 4096, value_parser = measured(1_024..=16_777_216_u32, "tokens"))]
    pub model_context: u32,
    /// Longest time from a request to the first token, in seconds. A model that has to be loaded
    /// first takes minutes.
    #[arg(long, env = "MODEL_FIRST_TOKEN_TIMEOUT", default_value_t = 300)]
    #[arg(value_parser = measured(1..=86_400_u64, "seconds"))]
    pub model_first_token_timeout: u64,
    /// Longest silence between two tokens, in seconds. There is no limit to the time that a
    /// whole answer takes.
    #[arg(long, env = "MODEL_SILENCE_TIMEOUT", default_value_t = 60)]
    #[arg(value_parser = measured(1..=86_400_u64, "seconds"))]
    pub model_silence_timeout: u64,
    /// The way to have the server continue an unfinished answer, so that a new attempt keeps the text of an
    /// interrupted one: `off` (the new attempt starts over), `message` (the text is the last message, as for
    /// llama.cpp and LM Studio), `continue_final_message` (with the flags of vLLM and others) or `prefix` (with
    /// that field in the message, as for Mistral and others).
    #[arg(long, env = "MODEL_CONTINUATION", value_enum, default_value = "off")]
    pub model_continuation: Continuation,
    /// File of language models that people can choose from: TOML, with a table `[[models]]` for each. `name`
    /// and `url` are required, and no name is that of `MODEL_NAME`; `model` (its name at the server), `key` or `key_file`, `context`,
    /// `prompt_price` and `completion_price` (of a million tokens), `temperature`, `continuation`,
    /// `first_token_timeout` and `silence_timeout` are not. The first model answers where none was chosen, after that of `MODEL_URL`.
    #[arg(long, env = "MODELS", value_parser = models_file)]
    pub models: Option<ModelsFile>,
    /// Whether the language model proposes a title after the first answer of a conversation.
    #[arg(long, env = "MODEL_TITLES", default_value_t = true, action = ArgAction::Set)]
    pub model_titles: bool,
}

/// The way to have the server of a model continue an unfinished answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "snake_case")]
#[value(rename_all = "snake_case")]
pub enum Continuation {
    /// It cannot.
    #[default]
    #[value(help = Resettable::Reset)]
    Off,
    /// By the last message alone.
    #[value(help = Resettable::Reset)]
    Message,
    /// By flags of the request.
    #[value(help = Resettable::Reset)]
    ContinueFinalMessage,
    /// By a field of the last message.
    #[value(help = Resettable::Reset)]
    Prefix,
}

impl Continuation {
    pub(super) const fn for_model(self) -> Option<generate::Continuation> {
        match self {
            Self::Off => None,
            Self::Message => Some(generate::Continuation::Message),
            Self::ContinueFinalMessage => Some(generate::Continuation::ContinueFinalMessage),
            Self::Prefix => Some(generate::Continuation::Prefix),
        }
    }
}

impl ModelConfig {
    /// The language models that people can choose from, the default one first; none where
    /// answers are quotations.
    pub fn offered(&self) -> Vec<OfferedModel> {
        let (prompt_price, completion_price) = (self.model_prompt_price, self.model_completion_price);
        let first = self.chat().map(|chat| OfferedModel { chat, prompt_price, completion_price });
        let others = self.models.iter().flat_map(|file| file.0.iter()).cloned();
        first.into_iter().chain(others).collect()
    }

    /// The language model of `MODEL_URL`.
    fn chat(&self) -> Option<ChatConfig> {
        let (Some(url), Some(name)) = (&self.model_url, &self.model_name) else { return None };
        Some(ChatConfig {
            api_key: self.model_api_key.clone(),
            context_tokens: self.model_context,
            first_token_timeout: Duration::from_secs(self.model_first_token_timeout),
            idle_timeout: Duration::from_secs(self.model_silence_timeout),
            continuation: self.model_continuation.for_model(),
            ..ChatConfig::new(url, name)
        })
    }
}

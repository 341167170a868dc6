//! The file of language models that people can choose from: TOML, with a table `[[models]]` for each model.
//!
//! Errors name the line, and never show a value, which can be a key.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rag::generate::ChatConfig;
use serde::Deserialize;
use zeroize::Zeroizing;

use super::values::base_url;
use super::worker::Continuation;

/// The most models of a file.
const MAX_MODELS: usize = 100;
/// The sizes of contexts, in tokens.
const CONTEXTS: std::ops::RangeInclusive<u32> = 1_024..=16_777_216;

/// A language model that people can choose.
#[derive(Debug, Clone)]
pub struct OfferedModel {
    /// The address, the name and the limits of the model.
    pub chat: ChatConfig,
    /// The price of a million tokens of prompts, in the currency of the budgets.
    pub prompt_price: f64,
    /// The price of a million tokens of answers.
    pub completion_price: f64,
}

/// The models of a file, the default one first.
#[derive(Debug, Clone)]
pub struct ModelsFile(pub(super) Arc<[OfferedModel]>);

impl ModelsFile {
    /// A file with these models, the default one first.
    pub fn new(models: Vec<OfferedModel>) -> Self {
        Self(models.into())
    }
}

/// A file of models that cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum InvalidModels {
    #[error("the file of models cannot be read: {0}")]
    Unreadable(std::io::Error),
    #[error("line {line}: {reason}")]
    Syntax { line: usize, reason: String },
    #[error("the file has no table [[models]], or more than {MAX_MODELS}")]
    Number,
    #[error("model {name:?}: {reason}")]
    Model { name: String, reason: String },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    models: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: String,
    url: String,
    model: Option<String>,
    key: Option<String>,
    key_file: Option<PathBuf>,
    context: Option<u32>,
    #[serde(default)]
    prompt_price: f64,
    #[serde(default)]
    completion_price: f64,
    temperature: Option<f32>,
    first_token_timeout: Option<u64>,
    silence_timeout: Option<u64>,
    #[serde(default)]
    continuation: Continuation,
}

/// Reads the file at a path.
pub(super) fn models_file(path: &str) -> Result<ModelsFile, InvalidModels> {
    let text = std::fs::read_to_string(Path::new(path.trim())).map_err(InvalidModels::Unreadable)?;
    parse(&Zeroizing::new(text))
}

pub(super) fn parse(text: &str) -> Result<ModelsFile, InvalidModels> {
    let file: File = toml::from_str(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        let line = text.get(..at).map_or(1, |before| before.matches('\n').count() + 1);
        let message = error.message();
        // Other messages may quote a value.
        let is_safe = message.starts_with("unknown field") || message.starts_with("missing field");
        let reason =
            if is_safe { message.to_owned() } else { "not TOML with values of the right types".into() };
        InvalidModels::Syntax { line, reason }
    })?;
    if file.models.is_empty() || file.models.len() > MAX_MODELS {
        return Err(InvalidModels::Number);
    }
    let mut models: Vec<OfferedModel> = Vec::with_capacity(file.models.len());
    for entry in file.models {
        let name = entry.name.clone();
        let invalid = |reason: String| InvalidModels::Model { name: name.clone(), reason };
        if models.iter().any(|other| other.chat.name == entry.name) {
            return Err(invalid("another model has the same name".into()));
        }
        models.push(offered(entry).map_err(invalid)?);
    }
    Ok(ModelsFile::new(models))
}

fn offered(entry: Entry) -> Result<OfferedModel, String> {
    let name = aggregates::ModelName::try_from(entry.name).map_err(|error| error.to_string())?;
    let url = base_url(&entry.url).map_err(|error| error.to_string())?;
    let key = match (entry.key, entry.key_file) {
        (Some(_), Some(_)) => return Err("key and key_file are both given".into()),
        (Some(key), None) => Some(key.into()),
        (None, Some(path)) => {
            let key = std::fs::read_to_string(&path).map(Zeroizing::new);
            let key = key.map_err(|error| format!("key_file {} cannot be read: {error}", path.display()))?;
            Some(key.trim().into())
        }
        (None, None) => None,
    };
    let is_price = |price: f64| price.is_finite() && price >= 0.0;
    if !is_price(entry.prompt_price) || !is_price(entry.completion_price) {
        return Err("a price is not a number from 0 on".into());
    }
    if entry.temperature.is_some_and(|temperature| !(0.0..=2.0).contains(&temperature)) {
        return Err("the temperature is not from 0 to 2".into());
    }
    let defaults = ChatConfig::new(url, entry.model.unwrap_or_else(|| name.as_str().to_owned()));
    let context_tokens = entry.context.unwrap_or(defaults.context_tokens);
    if !CONTEXTS.contains(&context_tokens) {
        return Err(format!("the context is not from {} to {} tokens", CONTEXTS.start(), CONTEXTS.end()));
    }
    let seconds = |seconds: Option<u64>, default| seconds.map_or(default, |s| Duration::from_secs(s.max(1)));
    let chat = ChatConfig {
        name: name.as_str().to_owned(),
        api_key: key,
        context_tokens,
        temperature: entry.temperature.or(defaults.temperature),
        first_token_timeout: seconds(entry.first_token_timeout, defaults.first_token_timeout),
        idle_timeout: seconds(entry.silence_timeout, defaults.idle_timeout),
        continuation: entry.continuation.for_model(),
        ..defaults
    };
    let (prompt_price, completion_price) = (entry.prompt_price, entry.completion_price);
    Ok(OfferedModel { chat, prompt_price, completion_price })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_offers_its_models_with_their_options() {
        let text = "[[models]]\nname = \"Large\"\nurl = \"https://models.example.org/v1/\"\nmodel = \"large-2\"\n\
                    key = \"s3cret\"\ncontext = 128000\nprompt_price = 0.5\ncompletion_price = 2\n\
                    [[models]]\nname = \"Local\"\nurl = \"http://127.0.0.1:8080/v1\"\ntemperature = 0\ncontinuation = \"continue_final_message\"\n";
        let ModelsFile(models) = parse(text).unwrap();
        let [large, local] = models.as_ref() else { panic!("{models:?}") };
        assert_eq!((large.chat.name.as_str(), large.chat.model.as_str()), ("Large", "large-2"));
        assert_eq!(
            (large.chat.context_tokens, large.prompt_price, large.completion_price),
            (128_000, 0.5, 2.0)
        );
        assert_eq!((local.chat.model.as_str(), local.chat.temperature), ("Local", Some(0.0)));
        let continuation = rag::generate::Continuation::ContinueFinalMessage;
        assert_eq!((large.chat.continuation, local.chat.continuation), (None, Some(continuation)));
        assert!(!format!("{models:?}").contains("s3cret"));
    }

    #[test]
    fn a_mistake_is_named_without_its_value() {
        let model = "[[models]]\nname = \"a\"\nurl = \"http://127.0.0.1:1/v1\"\n";
        for (text, expected) in [
            (String::new(), "no table [[models]]"),
            (format!("{model}{model}"), "another model has the same name"),
            (format!("{model}kye = \"s3cret\"\n"), "line 4: unknown field `kye`"),
            (format!("{model}context = \"s3cret\"\n"), "line 4: not TOML"),
            (format!("{model}context = 7\n"), "the context is not from 1024"),
            (format!("{model}prompt_price = -1\n"), "a price is not a number"),
            (format!("{model}continuation = \"s3cret\"\n"), "line 4: not TOML"),
            ("[[models]]\nname = \"a\"\nurl = \"s3cret\"\n".to_owned(), "not an http or https URL"),
            ("[[models]]\nname = \"a\"\n".to_owned(), "missing field `url`"),
        ] {
            let error = parse(&text).unwrap_err().to_string();
            assert!(error.contains(expected) && !error.contains("s3cret"), "{error}");
        }
    }
}

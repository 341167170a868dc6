//! The choice of the language model that writes the answers: the configured one, a model of an Ollama on its
//! usual port, a small model that set-up fetches, or none (the product then quotes). Starts nothing.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use embedded::get;
use serde::Deserialize;

use crate::arguments::ModelChoice;
use crate::environment::{Variables, configured};

const OLLAMA: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 11434);
/// Time limit for Ollama to list its models.
const TIME_LIMIT: Duration = Duration::from_secs(1);

/// The language model that writes the answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum LanguageModel {
    /// The model at `MODEL_URL`, this URL.
    Configured(String),
    /// A model of the Ollama on this machine, by name.
    Ollama(String),
    /// The small model that set-up fetches.
    Small,
    /// None: the product quotes.
    Quotes,
}

/// The model of `choice`; without a choice the configured model, else one of a local Ollama, else none.
pub(crate) async fn choose(choice: Option<ModelChoice>) -> LanguageModel {
    match (choice, configured("MODEL_URL")) {
        (Some(ModelChoice::Small), _) => LanguageModel::Small,
        (Some(ModelChoice::Quotes), _) => LanguageModel::Quotes,
        (None, Some(url)) => LanguageModel::Configured(url),
        (None, None) => match get(OLLAMA, "/api/tags", TIME_LIMIT).await {
            Ok((200, tags)) => best_of_ollama(&tags, configured("MODEL_NAME")),
            Ok(_) | Err(_) => LanguageModel::Quotes,
        },
    }
}

#[derive(Deserialize)]
struct Tags {
    models: Vec<Tag>,
}

#[derive(Deserialize)]
struct Tag {
    name: String,
}

/// The wanted model, else the first that can chat. Ollama lists the most recently changed model first.
fn best_of_ollama(tags: &str, wanted: Option<String>) -> LanguageModel {
    let Ok(tags) = serde_json::from_str::<Tags>(tags) else {
        return LanguageModel::Quotes;
    };
    let first = || tags.models.into_iter().map(|tag| tag.name).find(|name| !name.contains("embed"));
    wanted.or_else(first).map_or(LanguageModel::Quotes, LanguageModel::Ollama)
}

impl LanguageModel {
    pub(crate) fn is_small(&self) -> bool {
        *self == Self::Small
    }

    /// The variables of this model for the product, beyond the configured ones and those of the services.
    pub(crate) fn variables(&self) -> Variables {
        match self {
            Self::Ollama(name) => {
                vec![("MODEL_URL", format!("http://{OLLAMA}/v1")), ("MODEL_NAME", name.clone())]
            }
            // An empty value means no model: the choice overrides the configured URL.
            Self::Quotes if configured("MODEL_URL").is_some() => vec![("MODEL_URL", String::new())],
            Self::Configured(_) | Self::Small | Self::Quotes => Vec::new(),
        }
    }

    /// A description for the terminal.
    pub(crate) fn description(&self) -> String {
        match self {
            Self::Configured(url) => format!("by the language model at {url}"),
            Self::Ollama(name) => {
                format!("by {name} of the Ollama on this machine (MODEL=quotes make run does without)")
            }
            Self::Small => {
                "by a very small model, to show the streaming; its answers are often wrong".to_owned()
            }
            Self::Quotes => {
                "quoted from the documents (set MODEL_URL for a language model, or start Ollama)".to_owned()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_model_of_ollama_that_can_chat_is_used() {
        let tags =
            r#"{"models":[{"name":"nomic-embed-text:latest"},{"name":"qwen3:4b"},{"name":"llama3:8b"}]}"#;
        assert_eq!(best_of_ollama(tags, None), LanguageModel::Ollama("qwen3:4b".to_owned()));
    }

    #[test]
    fn a_wanted_model_of_ollama_is_used() {
        let tags = r#"{"models":[{"name":"qwen3:4b"}]}"#;
        let wanted = Some("llama3:8b".to_owned());
        assert_eq!(best_of_ollama(tags, wanted), LanguageModel::Ollama("llama3:8b".to_owned()));
    }

    #[test]
    fn an_ollama_without_models_or_something_else_on_its_port_is_none() {
        for answer in [r#"{"models":[]}"#, "<html>", r#"{"models":[{"name":"all-minilm-embed"}]}"#] {
            assert_eq!(best_of_ollama(answer, None), LanguageModel::Quotes);
        }
    }
}

//! Collects the state of one streamed chat completion from the data of its events.

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::{ModelError, Usage};
use crate::openai::ApiError;

/// The data of the event behind the last chunk.
const DONE: &str = "[DONE]";

/// A chat completion as far as it has arrived.
#[derive(Default)]
pub(super) struct Completion {
    has_text: bool,
    finish_reason: Option<FinishReason>,
    is_done: bool,
    usage: Option<Usage>,
}

impl Completion {
    /// Reads the data of one event. Returns the text that it adds, never empty.
    pub(super) fn push(&mut self, data: &str) -> Result<Option<String>, ModelError> {
        if data == DONE {
            self.is_done = true;
            return Ok(None);
        }
        let Ok(chunk) = serde_json::from_str::<Chunk>(data) else {
            return Err(self.interrupted(ApiError::Malformed));
        };
        if chunk.error.is_some() {
            return Err(self.interrupted(ApiError::Reported));
        }
        self.usage = chunk.usage.or(self.usage);
        let Some(choice) = chunk.choices.into_iter().flatten().next() else {
            return Ok(None);
        };
        self.finish_reason = choice.finish_reason.or(self.finish_reason);
        let text = choice.delta.and_then(|delta| delta.content).filter(|text| !text.is_empty());
        self.has_text |= text.is_some();
        Ok(text)
    }

    /// Whether any text has arrived.
    pub(super) fn has_text(&self) -> bool {
        self.has_text
    }

    /// Whether the last event has arrived.
    pub(super) fn is_done(&self) -> bool {
        self.is_done
    }

    /// Checks that the answer is complete. Returns the usage if the server reported it.
    pub(super) fn finish(self) -> Result<Option<Usage>, ModelError> {
        if !self.is_done && self.finish_reason.is_none() {
            return Err(self.interrupted(ApiError::EndedEarly));
        }
        if let Some(reason @ (FinishReason::Length | FinishReason::ContentFilter)) = self.finish_reason {
            tracing::debug!(?reason, "the language model shortened its answer");
        }
        Ok(self.usage)
    }

    /// Classifies a failure: before the first text the model is unavailable, after it the answer
    /// is interrupted.
    pub(super) fn interrupted(&self, error: ApiError) -> ModelError {
        if self.has_text { ModelError::Interrupted(error) } else { ModelError::Unavailable(error) }
    }
}

#[derive(Deserialize)]
struct Chunk {
    choices: Option<Vec<Choice>>,
    usage: Option<Usage>,
    error: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct Choice {
    delta: Option<Delta>,
    finish_reason: Option<FinishReason>,
}

#[derive(Deserialize)]
struct Delta {
    content: Option<String>,
}

/// The reason for which the model stopped writing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum FinishReason {
    Stop,
    /// The limit of tokens was reached.
    Length,
    ContentFilter,
    #[serde(other)]
    Other,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn completion(events: &[&str]) -> (Completion, String) {
        let mut completion = Completion::default();
        let deltas = events.iter().filter_map(|data| completion.push(data).unwrap()).collect();
        (completion, deltas)
    }

    #[test]
    fn a_finish_reason_or_the_last_event_completes_an_answer() {
        for reason in ["stop", "length", "content_filter", "eos_token"] {
            let end = format!(r#"{{"choices":[{{"delta":{{}},"finish_reason":"{reason}"}}]}}"#);
            let (completion, text) = completion(&[r#"{"choices":[{"delta":{"content":"a"}}]}"#, &end]);
            assert_eq!((text.as_str(), completion.finish().unwrap()), ("a", None), "{reason}");
        }
        assert!(completion(&[DONE]).0.finish().is_ok());
        let unfinished = r#"{"choices":[{"delta":{"content":"a"},"finish_reason":null}],"error":null}"#;
        let error = completion(&[unfinished]).0.finish().unwrap_err();
        assert!(matches!(error, ModelError::Interrupted(ApiError::EndedEarly)));
    }

    #[test]
    fn an_error_object_and_foreign_json_are_failures() {
        let mut completion = Completion::default();
        let reported = completion.push(r#"{"error":{"message":"out of memory"}}"#).unwrap_err();
        assert!(matches!(reported, ModelError::Unavailable(ApiError::Reported)));
        let malformed = completion.push("{\"choices\": 7}").unwrap_err();
        assert!(matches!(malformed, ModelError::Unavailable(ApiError::Malformed)));
    }
}

//! Collects the state of one streamed chat completion from the data of its events.

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::{MAX_TOKENS, ModelError, ReportedUsage};
use crate::openai::ApiError;

/// The data of the event behind the last chunk.
const DONE: &str = "[DONE]";

/// A chat completion as far as it has arrived.
#[derive(Default)]
pub(super) struct Completion {
    has_text: bool,
    finish_reason: Option<FinishReason>,
    is_done: bool,
    usage: ReportedUsage,
}

impl Completion {
    /// Reads the data of one event. Returns the text that it adds, never empty.
    pub(super) fn push(&mut self, data: &str) -> Result<Option<String>, ModelError> {
        if data == DONE {
            self.is_done = true;
            return Ok(None);
        }
        let chunk = match serde_json::from_str::<Chunk>(data) {
            Ok(chunk @ Chunk { error: None, .. }) => chunk,
            // The answer is whole, whatever follows it.
            Ok(_) | Err(_) if self.is_finished() => return Ok(None),
            Ok(_) => return Err(self.interrupted(ApiError::Reported)),
            Err(_) => return Err(self.interrupted(ApiError::Malformed)),
        };
        self.report(chunk.usage.as_ref());
        let Some(choice) = chunk.choices.into_iter().flatten().next() else {
            return Ok(None);
        };
        self.finish_reason = choice.finish_reason.or(self.finish_reason);
        let text = choice.delta.and_then(|delta| delta.content).map(without_control_characters);
        let text = text.filter(|text| !text.is_empty());
        self.has_text |= text.is_some();
        Ok(text)
    }

    /// Takes the credible counts of a report. A later report replaces an earlier one.
    fn report(&mut self, usage: Option<&Value>) {
        let count = |name| {
            let count = u32::try_from(usage?.get(name)?.as_u64()?).ok()?;
            (count <= MAX_TOKENS).then_some(count)
        };
        self.usage.prompt_tokens = count("prompt_tokens").or(self.usage.prompt_tokens);
        self.usage.completion_tokens = count("completion_tokens").or(self.usage.completion_tokens);
    }

    /// Whether any text has arrived.
    pub(super) fn has_text(&self) -> bool {
        self.has_text
    }

    /// Whether the whole text has arrived.
    pub(super) fn is_finished(&self) -> bool {
        self.finish_reason.is_some()
    }

    /// Whether the last event has arrived.
    pub(super) fn is_done(&self) -> bool {
        self.is_done
    }

    /// Checks that the answer is complete. Returns the usage as far as the server reported it.
    pub(super) fn finish(self) -> Result<ReportedUsage, ModelError> {
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

/// Removes the control characters that no text shows. In the JSON of an event each takes six bytes.
fn without_control_characters(mut text: String) -> String {
    text.retain(|c| !c.is_control() || matches!(c, '\n' | '\t' | '\r'));
    text
}

#[derive(Deserialize)]
struct Chunk {
    choices: Option<Vec<Choice>>,
    usage: Option<Value>,
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
            assert_eq!(
                (text.as_str(), completion.finish().unwrap()),
                ("a", ReportedUsage::default()),
                "{reason}"
            );
        }
        assert!(completion(&[DONE]).0.finish().is_ok());
        let unfinished = r#"{"choices":[{"delta":{"content":"a"},"finish_reason":null}],"error":null}"#;
        let error = completion(&[unfinished]).0.finish().unwrap_err();
        assert!(matches!(error, ModelError::Interrupted(ApiError::EndedEarly)));
    }

    #[test]
    fn only_credible_token_counts_are_taken_and_no_report_breaks_an_answer() {
        for (prompt_tokens, taken) in [
            ("21", Some(21)),
            ("null", None),
            ("-1", None),
            ("\"many\"", None),
            ("4294967295", None),
            ("1e300", None),
            ("[]", None),
        ] {
            let usage = format!(r#"{{"choices":[],"usage":{{"prompt_tokens":{prompt_tokens}}}}}"#);
            let reported = completion(&[&usage, DONE]).0.finish().unwrap();
            assert_eq!(reported, ReportedUsage { prompt_tokens: taken, completion_tokens: None });
        }
        for usage in ["null", "7", "\"none\""] {
            let usage = format!(r#"{{"choices":[],"usage":{usage}}}"#);
            assert_eq!(completion(&[&usage, DONE]).0.finish().unwrap(), ReportedUsage::default());
        }
    }

    #[test]
    fn control_characters_are_removed_from_the_text() {
        let (_, text) = completion(&[r#"{"choices":[{"delta":{"content":"a\u0000\u0007b\n\tc\u009f"}}]}"#]);
        assert_eq!(text, "ab\n\tc");
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

//! Reads one JSON object of a response, a chunk or a whole completion, in the forms in which
//! servers write it.

use serde_json::Value;

use super::MAX_TOKENS;
use crate::openai::ApiError;

/// The names under which servers send reasoning beside the content.
const REASONING_FIELDS: [&str; 5] =
    ["reasoning_content", "reasoning", "thinking", "thought", "reasoning_details"];
/// The fields that hold the text of a part of the content.
const TEXT_FIELDS: [&str; 6] = ["text", "thinking", "content", "summary", "refusal", "value"];

/// The reason for which the model stopped writing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FinishReason {
    /// The answer is complete.
    Stop,
    /// The limit of tokens was reached.
    Length,
    /// A filter of the server held the text back.
    ContentFilter,
    /// The model asked for a tool, and none was offered.
    ToolCall,
}

impl FinishReason {
    /// The name of the reason in words.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Stop => "end of the answer",
            Self::Length => "limit of tokens",
            Self::ContentFilter => "content filter",
            Self::ToolCall => "call of a tool",
        }
    }
}

/// The end of a completion as a server names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Finished(FinishReason),
    /// The server gave up.
    Broken,
}

/// A part of what the model writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    Reasoning(String),
    Text(String),
}

/// What one object adds to a completion.
#[derive(Debug, Default)]
pub(super) struct Chunk {
    pub(super) parts: Vec<Part>,
    /// Whether the parts are the whole message, not an addition to it.
    pub(super) is_whole: bool,
    pub(super) calls_tool: bool,
    pub(super) end: Option<End>,
    pub(super) prompt_tokens: Option<u32>,
    pub(super) completion_tokens: Option<u32>,
}

impl Chunk {
    /// Reads an object. An error that the server reports in it is an error.
    pub(super) fn read(value: &Value, is_error: bool) -> Result<Self, ApiError> {
        if let Some(error) = reported_error(value, is_error) {
            return Err(error);
        }
        let mut chunk = Self::default();
        let choice = choice(value);
        let groq = value.get("x_groq").and_then(|groq| groq.get("usage"));
        let usages = [value.get("usage"), choice.and_then(|choice| choice.get("usage")), groq];
        for usage in usages.into_iter().flatten() {
            chunk.prompt_tokens = count(usage, &["prompt_tokens", "input_tokens"]).or(chunk.prompt_tokens);
            chunk.completion_tokens =
                count(usage, &["completion_tokens", "output_tokens"]).or(chunk.completion_tokens);
        }
        let Some(choice) = choice else { return Ok(chunk) };
        chunk.end = end(choice.get("finish_reason"));
        let delta = choice.get("delta").filter(|delta| delta.is_object());
        chunk.is_whole = delta.is_none() && choice.get("message").is_some();
        match delta.or_else(|| choice.get("message")) {
            Some(message) => chunk.read_message(message),
            None => chunk.read_content(choice.get("text"), false),
        }
        Ok(chunk)
    }

    fn read_message(&mut self, message: &Value) {
        // Servers send the same reasoning under several names.
        for field in REASONING_FIELDS {
            self.read_content(message.get(field), true);
            if !self.parts.is_empty() {
                break;
            }
        }
        self.read_content(message.get("content"), false);
        self.read_content(message.get("refusal"), false);
        let is_call = |field| match message.get(field) {
            Some(Value::Array(calls)) => !calls.is_empty(),
            Some(call) => call.is_object(),
            None => false,
        };
        self.calls_tool = is_call("tool_calls") || is_call("function_call");
    }

    /// Adds text: a string, an object with a type, or a list of both.
    fn read_content(&mut self, content: Option<&Value>, is_reasoning: bool) {
        match content {
            Some(Value::String(text)) if !text.is_empty() => {
                let text = text.clone();
                self.parts.push(if is_reasoning { Part::Reasoning(text) } else { Part::Text(text) });
            }
            Some(Value::Array(parts)) => {
                for part in parts {
                    self.read_content(Some(part), is_reasoning);
                }
            }
            Some(Value::Object(part)) => {
                let kind = part.get("type").and_then(Value::as_str).unwrap_or_default();
                let is_reasoning = is_reasoning || kind.contains("think") || kind.contains("reason");
                let field =
                    TEXT_FIELDS.iter().find_map(|field| part.get(*field).filter(|text| !text.is_null()));
                self.read_content(field, is_reasoning);
            }
            _ => {}
        }
    }
}

/// The first choice. An object without choices may be the choice itself.
fn choice(value: &Value) -> Option<&Value> {
    let is_first = |choice: &&Value| {
        choice.is_object() && choice.get("index").and_then(Value::as_u64).is_none_or(|index| index == 0)
    };
    match value.get("choices") {
        Some(Value::Array(choices)) => choices.iter().find(is_first),
        Some(choice @ Value::Object(_)) => Some(choice),
        _ => Some(value).filter(|value| value.get("delta").is_some() || value.get("message").is_some()),
    }
}

/// The error in an object. Its text may quote the request, so only a status is kept.
fn reported_error(value: &Value, is_error: bool) -> Option<ApiError> {
    let field = value.get("error").filter(|error| match error {
        Value::Null | Value::Bool(false) => false,
        Value::String(text) => !text.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
        _ => true,
    });
    let names_error = |name| value.get(name).and_then(Value::as_str) == Some("error");
    let is_bare = value.get("choices").is_none()
        && (is_error || names_error("object") || names_error("type") || value.get("detail").is_some());
    let error = field.or_else(|| is_bare.then_some(value))?;
    let status = ["code", "status", "status_code"].iter().find_map(|name| {
        let status = error.get(*name)?;
        let status = status.as_u64().or_else(|| status.as_str()?.parse().ok())?;
        u16::try_from(status).ok().filter(|status| (400..600).contains(status))
    });
    Some(status.map_or(ApiError::Reported, ApiError::Status))
}

fn end(reason: Option<&Value>) -> Option<End> {
    let reason = reason?.as_str()?.trim().to_ascii_lowercase();
    let end = match reason.as_str() {
        "" | "null" | "none" => return None,
        "length" | "max_tokens" | "model_length" | "max_output_tokens" | "token_limit" | "max_time"
        | "time_limit" => FinishReason::Length,
        "tool_calls" | "tool_call" | "tool_use" | "function_call" => FinishReason::ToolCall,
        "error"
        | "network_error"
        | "abort"
        | "aborted"
        | "cancelled"
        | "timeout"
        | "insufficient_system_resource" => return Some(End::Broken),
        "sensitive" | "safety" | "recitation" | "blocklist" | "prohibited_content" | "refusal" | "spii" => {
            FinishReason::ContentFilter
        }
        reason if reason.contains("content_filter") => FinishReason::ContentFilter,
        _ => FinishReason::Stop,
    };
    Some(End::Finished(end))
}

/// A count of tokens that can be believed: a whole number from 0 to [`MAX_TOKENS`].
fn count(usage: &Value, names: &[&str]) -> Option<u32> {
    let value = names.iter().find_map(|name| usage.get(*name))?;
    let count = match value.as_u64() {
        Some(count) => count,
        // Some servers write whole numbers as `21.0`.
        None => value
            .as_f64()
            .filter(|count| (0.0..1e9).contains(count))
            .map(|count| count.to_string())?
            .parse()
            .ok()?,
    };
    u32::try_from(count).ok().filter(|count| *count <= MAX_TOKENS)
}

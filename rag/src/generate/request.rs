//! Builds requests in the dialect of a server, and learns the dialect from its refusals.

use serde_json::{Map, Value, json};

use super::{ChatConfig, Continuation};
use crate::openai::Refusal;
use crate::prompt::{Message, Prompt, Role};

/// Tokens that a model may spend on reasoning, in addition to those of the answer.
pub(super) const REASONING_TOKENS: u32 = 8192;
/// The keys whose values name the refused parameter.
const PARAMETER_KEYS: [&str; 6] = ["param", "params", "parameter", "loc", "field", "property"];

/// The parameter that limits the tokens of an answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum TokenLimit {
    #[default]
    MaxTokens,
    MaxCompletionTokens,
    Unlimited,
}

/// The parameters that a server accepts, as far as they are known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Dialect {
    token_limit: TokenLimit,
    refused: Refused,
    /// Whether the model has been seen to reason before it answers.
    pub(super) reasons: bool,
}

/// The parameters that a server refuses.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each parameter is refused on its own")]
struct Refused {
    temperature: bool,
    stream_options: bool,
    stream: bool,
    system_role: bool,
    continuation: bool,
}

impl Dialect {
    /// Whether tokens for reasoning come on top of those of the answer.
    pub(super) fn needs_reasoning_tokens(self) -> bool {
        self.reasons || self.token_limit == TokenLimit::MaxCompletionTokens
    }

    /// Whether the server refuses an unfinished answer at the end of the messages.
    pub(super) fn refuses_continuation(self) -> bool {
        self.refused.continuation
    }

    pub(super) fn refuse_continuation(&mut self) {
        self.refused.continuation = true;
    }

    /// The body of a request.
    pub(super) fn body(self, config: &ChatConfig, prompt: &Prompt) -> Value {
        let mut body = Map::new();
        body.insert("model".into(), json!(config.model));
        let messages =
            if self.refused.system_role { without_system(&prompt.messages) } else { json!(prompt.messages) };
        body.insert("messages".into(), messages);
        body.insert("stream".into(), json!(!self.refused.stream));
        if !self.refused.stream && !self.refused.stream_options {
            body.insert("stream_options".into(), json!({"include_usage": true}));
        }
        let mut limit = prompt.max_answer_tokens;
        if self.needs_reasoning_tokens() {
            let room = config.context_tokens.saturating_sub(prompt.estimated_tokens + limit);
            limit += room.min(REASONING_TOKENS);
        }
        match self.token_limit {
            TokenLimit::MaxTokens => body.insert("max_tokens".into(), json!(limit)),
            TokenLimit::MaxCompletionTokens => body.insert("max_completion_tokens".into(), json!(limit)),
            TokenLimit::Unlimited => None,
        };
        let temperature = prompt.temperature.or(config.temperature);
        if let Some(temperature) = temperature.filter(|_| !self.refused.temperature) {
            body.insert("temperature".into(), json!(temperature));
        }
        if prompt.is_continued {
            continue_last(&mut body, config.continuation);
        }
        Value::Object(body)
    }

    /// The dialect to try after a refusal; `None` where no other one can help. A request with an unfinished
    /// answer is repeated without it, unless the server names another parameter.
    pub(super) fn after(self, refusal: &Refusal, is_continued: bool) -> Option<Self> {
        if !refusal.is_of_parameters() {
            return None;
        }
        let text = refusal.text.to_lowercase();
        let mut names = String::new();
        if let Ok(value) = serde_json::from_str(&text) {
            collect_names(&value, false, &mut names);
        }
        let mut next = self.without_named(&names);
        if next == self && refusal.may_be_of_parameters() {
            // An error of the server is one of the request only where it says so.
            next = self.without_named(&text);
            return (next != self).then_some(next);
        }
        if next == self && is_continued {
            next.refuse_continuation();
            return Some(next);
        }
        if next == self {
            next = self.without_named(&text);
        }
        if next == self {
            // The refusal does not say why: only what every server knows is left.
            next.token_limit = TokenLimit::Unlimited;
            next.refused.temperature = true;
            next.refused.stream_options = true;
        }
        (next != self).then_some(next)
    }

    /// Leaves out the parameters that a text names.
    fn without_named(mut self, text: &str) -> Self {
        let names =
            |name: &str| text.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == name);
        match self.token_limit {
            TokenLimit::MaxTokens if names("max_tokens") => {
                self.token_limit = TokenLimit::MaxCompletionTokens;
            }
            TokenLimit::MaxCompletionTokens if names("max_completion_tokens") => {
                self.token_limit = TokenLimit::Unlimited;
            }
            _ => {}
        }
        self.refused.temperature |= names("temperature");
        let is_of_options = names("stream_options") || names("include_usage");
        self.refused.stream_options |= is_of_options;
        self.refused.stream |= !is_of_options && (names("stream") || names("streaming"));
        self.refused.system_role |= names("system") && (names("role") || names("roles") || names("messages"));
        self
    }
}

/// Tells the server to continue the last message.
fn continue_last(body: &mut Map<String, Value>, continuation: Option<Continuation>) {
    match continuation {
        Some(Continuation::Message) | None => {}
        Some(Continuation::ContinueFinalMessage) => {
            body.insert("add_generation_prompt".into(), json!(false));
            body.insert("continue_final_message".into(), json!(true));
        }
        Some(Continuation::Prefix) => {
            let messages = body.get_mut("messages").and_then(Value::as_array_mut);
            if let Some(Value::Object(last)) = messages.and_then(|messages| messages.last_mut()) {
                last.insert("prefix".into(), json!(true));
            }
        }
    }
}

/// Collects the strings under [`PARAMETER_KEYS`].
fn collect_names(value: &Value, is_named: bool, names: &mut String) {
    match value {
        Value::String(name) if is_named => {
            names.push(' ');
            names.push_str(name);
        }
        Value::Array(values) => values.iter().for_each(|value| collect_names(value, is_named, names)),
        Value::Object(fields) => {
            for (key, value) in fields {
                collect_names(value, PARAMETER_KEYS.contains(&key.as_str()), names);
            }
        }
        _ => {}
    }
}

/// Whether a refusal says that a filter held back the question or its sources.
pub(super) fn is_filtered(refusal: &Refusal) -> bool {
    let text = refusal.text.to_lowercase();
    matches!(refusal.status, 400 | 403 | 422)
        && ["content_filter", "content_policy", "responsibleaipolicy", "data_inspection_failed"]
            .iter()
            .any(|code| text.contains(code))
}

/// The messages with the rules in front of the first message of the user.
fn without_system(messages: &[Message]) -> Value {
    let rules: Vec<&str> = messages
        .iter()
        .filter(|message| message.role == Role::System)
        .map(|message| message.content.as_str())
        .collect();
    let mut rest: Vec<Message> =
        messages.iter().filter(|message| message.role != Role::System).cloned().collect();
    if let Some(first) = rest.first_mut() {
        first.content = format!("{}\n\n{}", rules.join("\n\n"), first.content);
    }
    json!(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(status: u16, text: &str) -> Refusal {
        Refusal { status, text: text.to_owned(), retry_after: None }
    }

    fn prompt() -> Prompt {
        let message = |role, content: &str| Message { role, content: content.into() };
        Prompt {
            messages: vec![message(Role::System, "Rules."), message(Role::User, "Why?")],
            source_count: 0,
            max_answer_tokens: 1000,
            estimated_tokens: 100,
            temperature: None,
            is_continued: false,
        }
    }

    fn body(dialect: Dialect) -> Value {
        dialect.body(&ChatConfig::new("http://127.0.0.1:9/v1", "m"), &prompt())
    }

    #[test]
    fn a_named_parameter_is_replaced_or_left_out_and_only_that_one() {
        let dialect = Dialect::default();
        let text = r#"{"error":{"message":"Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.","param":"max_tokens"}}"#;
        let next = dialect.after(&refusal(400, text), false).unwrap();
        assert_eq!(body(next)["max_completion_tokens"], 1000 + 2996);
        assert!(body(next).get("max_tokens").is_none() && body(next).get("temperature").is_some());
        let text = r#"{"error":{"message":"'temperature' does not support 0.2 with this model.","param":"temperature"}}"#;
        let next = next.after(&refusal(400, text), false).unwrap();
        assert!(body(next).get("temperature").is_none() && body(next).get("stream_options").is_some());
        let text = r#"{"detail":[{"type":"extra_forbidden","loc":["body","stream_options"],"input":{"max_tokens":1}}]}"#;
        let next = dialect.after(&refusal(422, text), false).unwrap();
        assert!(body(next).get("stream_options").is_none() && body(next).get("max_tokens").is_some());
    }

    #[test]
    fn a_temperature_of_the_prompt_precedes_that_of_the_configuration_unless_it_is_refused() {
        let config = ChatConfig::new("http://127.0.0.1:9/v1", "m");
        let warm = Prompt { temperature: Some(1.5), ..prompt() };
        assert_eq!(Dialect::default().body(&config, &warm)["temperature"], 1.5);
        let refusing = Dialect::default().after(&refusal(400, r#"{"param":"temperature"}"#), false).unwrap();
        assert!(refusing.body(&config, &warm).get("temperature").is_none());
    }

    #[test]
    fn an_unexplained_refusal_is_answered_with_the_smallest_request_once() {
        let next = Dialect::default().after(&refusal(422, "no"), false).unwrap();
        let body = body(next);
        let keys: Vec<&str> = body.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(keys, ["messages", "model", "stream"]);
        assert!(next.after(&refusal(422, "no"), false).is_none());
        assert!(Dialect::default().after(&refusal(401, "max_tokens"), false).is_none());
    }

    #[test]
    fn rules_move_into_the_question_where_there_is_no_system_role() {
        let next = Dialect::default().after(&refusal(400, "System role not supported"), false).unwrap();
        assert_eq!(body(next)["messages"], json!([{"role": "user", "content": "Rules.\n\nWhy?"}]));
        let failed = r#"{"error":{"code":500,"message":"Jinja Exception: System role not supported"}}"#;
        assert!(Dialect::default().after(&refusal(500, failed), false) == Some(next));
        assert!(Dialect::default().after(&refusal(500, "out of memory"), false).is_none());
    }

    #[test]
    fn a_server_that_cannot_stream_is_asked_for_a_whole_answer() {
        let next = Dialect::default().after(&refusal(400, r#"{"error":{"param":"stream"}}"#), false).unwrap();
        assert_eq!(body(next)["stream"], false);
        assert!(body(next).get("stream_options").is_none());
    }

    #[test]
    fn each_server_is_told_in_its_own_way_to_continue_and_a_refusal_of_it_is_remembered() {
        let unfinished = prompt().continued("Because", 4096).unwrap();
        let told = |continuation| {
            let config = ChatConfig {
                continuation: Some(continuation),
                ..ChatConfig::new("http://127.0.0.1:9/v1", "m")
            };
            Dialect::default().body(&config, &unfinished)
        };
        let message = json!({"role": "assistant", "content": "Because"});
        assert_eq!(told(Continuation::Message)["messages"][2], message);
        let flags = told(Continuation::ContinueFinalMessage);
        assert_eq!(
            (&flags["add_generation_prompt"], &flags["continue_final_message"]),
            (&json!(false), &json!(true))
        );
        assert_eq!(told(Continuation::Prefix)["messages"][2]["prefix"], true);
        for text in [
            r#"{"detail":[{"type":"extra_forbidden","loc":["body","continue_final_message"]}]}"#,
            r#"{"error":{"message":"The last message must have role `user`; the system stops at max_tokens"}}"#,
        ] {
            assert!(Dialect::default().after(&refusal(400, text), true).unwrap().refuses_continuation());
        }
        let next =
            Dialect::default().after(&refusal(400, r#"{"error":{"param":"max_tokens"}}"#), true).unwrap();
        assert!(!next.refuses_continuation() && next.needs_reasoning_tokens());
    }

    #[test]
    fn a_filtered_question_is_no_matter_of_parameters() {
        assert!(is_filtered(&refusal(400, r#"{"error":{"code":"content_filter"}}"#)));
        assert!(!is_filtered(&refusal(400, r#"{"error":{"code":"unsupported_parameter"}}"#)));
    }
}

//! Builds the prompt that proposes the title of a conversation from its first question and answer.

use super::{MESSAGE_TOKENS, Message, Prompt, Role, estimate_tokens};

const SYSTEM: &str = include_str!("../../../prompts/title.v1.system.md");
const QUESTION: &str = include_str!("../../../prompts/title.v1.question.md");
/// The longest title.
const MAX_ANSWER_TOKENS: u32 = 48;
/// The part of the question and of the answer that is shown, in characters.
const MAX_TEXT_CHARS: usize = 800;

/// Builds the prompt.
pub(crate) fn title(question: &str, answer: &str) -> Prompt {
    exchange((SYSTEM, QUESTION), (question, answer), MAX_TEXT_CHARS, MAX_ANSWER_TOKENS)
}

/// A prompt of rules and the beginnings of one question and its answer.
pub(super) fn exchange(
    (rules, template): (&str, &str),
    (question, answer): (&str, &str),
    max_text_chars: usize,
    max_answer_tokens: u32,
) -> Prompt {
    let beginning = |text: &str| text.chars().take(max_text_chars).collect::<String>();
    let (before, rest) = template.trim().split_once("{{question}}").unwrap_or(("", template));
    let (between, after) = rest.split_once("{{answer}}").unwrap_or((rest, ""));
    let content = format!("{before}{}{between}{}{after}", beginning(question), beginning(answer));
    let messages = vec![
        Message { role: Role::System, content: rules.trim().to_owned() },
        Message { role: Role::User, content },
    ];
    let estimated_tokens =
        messages.iter().map(|message| estimate_tokens(&message.content) + MESSAGE_TOKENS).sum();
    Prompt {
        messages,
        source_count: 0,
        max_answer_tokens,
        estimated_tokens,
        temperature: None,
        is_continued: false,
    }
}

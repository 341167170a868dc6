//! Builds the prompt that rewrites a follow-up question as a question that can be understood alone.

use super::{MESSAGE_TOKENS, Message, Prompt, Role, estimate_tokens, newest_turns};
use crate::vocabulary::Turn;

const SYSTEM: &str = include_str!("../../../prompts/rewrite.v1.system.md");
const QUESTION: &str = include_str!("../../../prompts/rewrite.v1.question.md");
/// The longest rewritten question.
const MAX_ANSWER_TOKENS: u32 = 96;
/// The limit of the earlier turns.
const MAX_HISTORY_TOKENS: u32 = 700;

/// Builds the prompt with the newest turns that fit.
pub(crate) fn rewrite(question: &str, history: &[Turn], context_tokens: u32) -> Prompt {
    let fixed = estimate_tokens(SYSTEM) + estimate_tokens(question) + MAX_ANSWER_TOKENS + 4 * MESSAGE_TOKENS;
    let available = context_tokens.saturating_sub(fixed).min(MAX_HISTORY_TOKENS);
    let line = |turn: &Turn| match turn {
        Turn::Question(text) => format!("Person: {text}"),
        Turn::Answer(text) => format!("Answer: {text}"),
    };
    let conversation: Vec<String> = turns(history, available).iter().map(line).collect();
    let (before, rest) = QUESTION.trim().split_once("{{conversation}}").unwrap_or(("", QUESTION));
    let (between, after) = rest.split_once("{{question}}").unwrap_or((rest, ""));
    let content = format!("{before}{}{between}{question}{after}", conversation.join("\n"));
    let messages = vec![
        Message { role: Role::System, content: SYSTEM.trim().to_owned() },
        Message { role: Role::User, content },
    ];
    let estimated_tokens =
        messages.iter().map(|message| estimate_tokens(&message.content) + MESSAGE_TOKENS).sum();
    Prompt {
        messages,
        source_count: 0,
        max_answer_tokens: MAX_ANSWER_TOKENS,
        estimated_tokens,
        temperature: None,
        is_continued: false,
    }
}

/// Returns the newest turns that fit, or the last question alone if the last answer does not fit.
fn turns(history: &[Turn], max_tokens: u32) -> &[Turn] {
    match newest_turns(history, max_tokens) {
        [] => {
            let last = history.iter().rposition(|turn| matches!(turn, Turn::Question(_)));
            last.and_then(|last| history.get(last..=last)).unwrap_or_default()
        }
        newest => newest,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_conversation_precedes_the_question_and_neither_adds_placeholders() {
        let history = [Turn::Question("What is {{question}}?".into()), Turn::Answer("A branch.".into())];
        let prompt = rewrite("and {{conversation}}?", &history, 4096);
        let content = &prompt.messages[1].content;
        assert!(content.starts_with("Person: What is {{question}}?\nAnswer: A branch.\n"), "{content}");
        assert!(content.ends_with("Last question: and {{conversation}}?"), "{content}");
    }

    #[test]
    fn the_last_question_stays_when_its_answer_does_not_fit() {
        let history = [Turn::Question("What is rebase?".into()), Turn::Answer("word ".repeat(5000))];
        let content = rewrite("and how do I undo that?", &history, 2048).messages.remove(1).content;
        assert_eq!(content, "Person: What is rebase?\n\nLast question: and how do I undo that?");
    }
}

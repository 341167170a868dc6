//! The messages that ask for a question that stands alone.

use super::{MESSAGE_TOKENS, Message, Prompt, Role, estimate_tokens, newest};
use crate::vocabulary::Turn;

const SYSTEM: &str = include_str!("../../../prompts/rewrite.v1.system.md");
const QUESTION: &str = include_str!("../../../prompts/rewrite.v1.question.md");
/// What the new question may take.
const MAX_TOKENS: u32 = 96;
/// Of what was said before, so much is shown.
const REMEMBERED: u32 = 700;

/// The messages, with the newest of the conversation.
pub(crate) fn rewrite(question: &str, history: &[Turn], context_tokens: u32) -> Prompt {
    let fixed = estimate_tokens(SYSTEM) + estimate_tokens(question) + MAX_TOKENS + 4 * MESSAGE_TOKENS;
    let room = context_tokens.saturating_sub(fixed).min(REMEMBERED);
    let said = |turn: &Turn| match turn {
        Turn::Question(text) => format!("Person: {text}"),
        Turn::Answer(text) => format!("Answer: {text}"),
    };
    let conversation: Vec<String> = remembered(history, room).iter().map(said).collect();
    let (before, rest) = QUESTION.trim().split_once("{{conversation}}").unwrap_or(("", QUESTION));
    let (between, after) = rest.split_once("{{question}}").unwrap_or((rest, ""));
    let content = format!("{before}{}{between}{question}{after}", conversation.join("\n"));
    let messages = vec![
        Message { role: Role::System, content: SYSTEM.trim().to_owned() },
        Message { role: Role::User, content },
    ];
    let estimated_tokens =
        messages.iter().map(|message| estimate_tokens(&message.content) + MESSAGE_TOKENS).sum();
    Prompt { messages, sources_given: 0, max_answer_tokens: MAX_TOKENS, estimated_tokens }
}

/// The newest turns; where not even the last answer fits, the last question alone.
fn remembered(history: &[Turn], room: u32) -> &[Turn] {
    match newest(history, room) {
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
    fn the_conversation_comes_before_the_question_and_neither_brings_placeholders() {
        let history = [Turn::Question("What is {{question}}?".into()), Turn::Answer("A branch.".into())];
        let prompt = rewrite("and {{conversation}}?", &history, 4096);
        let content = &prompt.messages[1].content;
        assert!(content.starts_with("Person: What is {{question}}?\nAnswer: A branch.\n"), "{content}");
        assert!(content.ends_with("Last question: and {{conversation}}?"), "{content}");
    }

    #[test]
    fn of_a_long_answer_the_question_before_it_is_left() {
        let history = [Turn::Question("What is rebase?".into()), Turn::Answer("word ".repeat(5000))];
        let content = rewrite("and how do I undo that?", &history, 2048).messages.remove(1).content;
        assert_eq!(content, "Person: What is rebase?\n\nLast question: and how do I undo that?");
    }
}

//! Rewrites a follow-up question with the language model as a question that can be understood alone.

use std::time::Duration;

use crate::generate::ChatModel;
use crate::prompt;
use crate::vocabulary::Turn;

/// The time limit of the model.
const REWRITE_TIMEOUT: Duration = Duration::from_secs(6);
/// The longest line that is accepted as a question.
const MAX_QUESTION_CHARS: usize = 400;
/// The length from which on no more text is read: the question is its first line.
const MAX_TEXT_BYTES: usize = 8 * MAX_QUESTION_CHARS;

/// Returns the rewritten question; `None` if the model is unavailable, too slow, or writes no question.
pub(crate) async fn rewrite(model: &ChatModel, question: &str, history: &[Turn]) -> Option<String> {
    let prompt = prompt::rewrite(question, history, model.context_tokens());
    let text = model.short_text(&prompt, MAX_TEXT_BYTES, REWRITE_TIMEOUT).await?;
    first_question(&text)
}

/// Returns the first line without quotation marks and emphasis.
fn first_question(text: &str) -> Option<String> {
    let line = text.lines().map(str::trim).find(|line| !line.is_empty())?;
    let line = line.trim_matches(|c| matches!(c, '"' | '“' | '”' | '*' | '`')).trim();
    let is_question = line.chars().any(char::is_alphanumeric) && line.chars().count() <= MAX_QUESTION_CHARS;
    is_question.then(|| line.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_first_line_is_the_question() {
        let question = Some("How do I undo a rebase?".to_owned());
        assert_eq!(first_question("\n \"How do I undo a rebase?\" \nBecause …"), question);
        assert_eq!(first_question(" \n…?\n"), None);
        assert_eq!(first_question(&"word ".repeat(100)), None);
    }
}

//! Suggests further questions after an answer, with the language model. Records nothing.

use std::time::Duration;

use crate::generate::ChatModel;
use crate::prompt;

/// The largest number of suggestions.
pub const MAX_SUGGESTIONS: usize = 3;
/// The time limit of the model.
const SUGGEST_TIMEOUT: Duration = Duration::from_secs(40);
/// The longest suggestion. A longer line is no question that a person would ask.
const MAX_QUESTION_CHARS: usize = 160;
/// The length from which on no more text is read.
const MAX_TEXT_BYTES: usize = 4_000;

/// Returns up to three questions; `None` if the model is unavailable, too slow, or writes none.
pub async fn questions(model: &ChatModel, question: &str, answer: &str) -> Option<Vec<String>> {
    let prompt = prompt::suggestions(question, answer);
    let text = model.short_text(&prompt, MAX_TEXT_BYTES, SUGGEST_TIMEOUT).await?;
    Some(questions_in(&text, question)).filter(|questions| !questions.is_empty())
}

/// The lines that are questions, without numbers, bullets, quotation marks and emphasis, and without the
/// question that was answered.
fn questions_in(text: &str, asked: &str) -> Vec<String> {
    let mut questions: Vec<String> = Vec::with_capacity(MAX_SUGGESTIONS);
    for line in text.lines() {
        let line = line.trim_start_matches(|c: char| {
            c.is_whitespace() || c.is_ascii_digit() || matches!(c, '.' | ')' | '-' | '*' | '•' | '#' | '–')
        });
        let ornament = |c: char| {
            c.is_whitespace()
                || matches!(c, '"' | '“' | '”' | '„' | '«' | '»' | '「' | '」' | '*' | '`' | '_')
        };
        let line = line.trim_matches(ornament);
        let is_question = line.ends_with(['?', '？', '؟', ';']) || line.ends_with("か。");
        let is_new = line != asked.trim() && questions.iter().all(|question| question != line);
        if is_question && is_new && line.chars().count() <= MAX_QUESTION_CHARS {
            questions.push(line.to_owned());
        }
        if questions.len() == MAX_SUGGESTIONS {
            break;
        }
    }
    questions
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggestions_are_up_to_three_questions_without_ornaments() {
        let text = "Here are some questions:\n1. \"Who built it?\"\n- **When was it built?**\n\nWho built it?\n\
                    How tall is it?\n• What for?\n";
        assert_eq!(questions_in(text, "Why?"), ["Who built it?", "When was it built?", "How tall is it?"]);
        assert_eq!(questions_in("それは何ですか。\nいつ？", "なぜ？"), ["それは何ですか。", "いつ？"]);
        assert!(questions_in("Why?\nI do not know.", " Why?").is_empty());
        assert!(questions_in(&format!("{}?", "word ".repeat(60)), "Why?").is_empty());
    }
}

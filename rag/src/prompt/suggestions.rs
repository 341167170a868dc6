//! Builds the prompt that suggests further questions after an answer.

use super::Prompt;
use super::title::exchange;

const SYSTEM: &str = include_str!("../../../prompts/suggestions.v1.system.md");
const QUESTION: &str = include_str!("../../../prompts/suggestions.v1.question.md");
/// The longest suggestions together.
const MAX_ANSWER_TOKENS: u32 = 160;
/// The part of the question and of the answer that is shown, in characters.
const MAX_TEXT_CHARS: usize = 1_200;

/// Builds the prompt.
pub(crate) fn suggestions(question: &str, answer: &str) -> Prompt {
    exchange((SYSTEM, QUESTION), (question, answer), MAX_TEXT_CHARS, MAX_ANSWER_TOKENS)
}

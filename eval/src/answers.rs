//! Answers questions as the product does, and compares the answers with the expected texts.

use anyhow::Context as _;
use futures::{StreamExt as _, pin_mut};
use rag::answer::{AnswerChunk, Answerer};
use rag::refusal;
use rag::retrieve::{Hit, merge_adjacent};
use rag::vocabulary::Source;

use crate::questions::Question;

/// An answer and its judgement.
pub(crate) struct Answer {
    pub(crate) text: String,
    /// The answer states that the sources do not answer the question.
    pub(crate) is_refusal: bool,
    /// The answer is no refusal and contains one of the expected texts.
    pub(crate) has_expected_text: bool,
}

/// Converts hits to sources. All documents are shared, so no passage is encrypted.
pub(crate) fn sources(hits: Vec<Hit>) -> anyhow::Result<Vec<Source>> {
    let open = |_, _: &[u8]| Err::<Vec<u8>, _>(std::fmt::Error);
    let sources: anyhow::Result<Vec<Source>> =
        hits.into_iter().map(|hit| hit.open_with(open).context("a shared passage is encrypted")).collect();
    sources.map(merge_adjacent)
}

/// Answers a question and judges the complete answer.
pub(crate) async fn answer(
    answerer: &Answerer,
    question: &Question,
    sources: Vec<Source>,
) -> anyhow::Result<Answer> {
    let chunks = answerer.answer(question.text.clone(), Vec::new(), sources);
    pin_mut!(chunks);
    while let Some(chunk) = chunks.next().await {
        if let AnswerChunk::Finished(answer) = chunk? {
            let is_refusal = answer.citations.is_empty() && refusal::is_in(&answer.text);
            let has_expected_text = !is_refusal && contains_any(&answer.text, &question.answer_contains);
            return Ok(Answer { is_refusal, has_expected_text, text: answer.text });
        }
    }
    anyhow::bail!("the answer ended before it was finished")
}

fn contains_any(text: &str, expected: &[String]) -> bool {
    let text = normalized(text);
    expected.iter().any(|expected| text.contains(&normalized(expected)))
}

/// Reduces a text to its words: lower case, single spaces, straight quotation marks, no emphasis.
fn normalized(text: &str) -> String {
    let straight = text.replace(['‘', '’'], "'").replace(['“', '”'], "\"").replace(['`', '*'], "");
    straight.to_lowercase().split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_words_are_compared() {
        let expected = ["It’s `Option<T>`".to_owned()];
        assert!(contains_any("Well,  it's\nOption<T>!", &expected));
        assert!(!contains_any("Well, it is", &expected) && !contains_any("Anything", &[]));
    }
}

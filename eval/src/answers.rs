//! Gets an answer as a person would, and judges it by what it contains.

use anyhow::Context as _;
use futures::{StreamExt as _, pin_mut};
use rag::answer::{AnswerChunk, Answerer};
use rag::retrieve::{Hit, join_neighbours};
use rag::vocabulary::{NO_ANSWER, Source};

use crate::questions::Question;

/// An answer and what it is worth.
pub(crate) struct Answer {
    pub(crate) text: String,
    /// It says that the sources do not answer the question.
    pub(crate) refuses: bool,
    /// It contains one of the expected texts.
    pub(crate) contains: bool,
}

/// The passages found, readable: all are shared.
pub(crate) fn open(hits: Vec<Hit>) -> anyhow::Result<Vec<Source>> {
    let closed = |_, _: &[u8]| Err::<Vec<u8>, _>(std::fmt::Error);
    let sources: anyhow::Result<Vec<Source>> =
        hits.into_iter().map(|hit| hit.open_with(closed).context("read a passage")).collect();
    sources.map(join_neighbours)
}

/// The whole answer.
pub(crate) async fn ask(
    answerer: &Answerer,
    question: &Question,
    sources: Vec<Source>,
) -> anyhow::Result<Answer> {
    let written = answerer.answer(question.text.clone(), Vec::new(), sources);
    pin_mut!(written);
    while let Some(chunk) = written.next().await {
        if let AnswerChunk::Finished(answer) = chunk? {
            let refuses = answer.citations.is_empty() && is_refusal(&answer.text);
            let contains = !refuses && contains_any(&answer.text, &question.answer_contains);
            return Ok(Answer { refuses, contains, text: answer.text });
        }
    }
    anyhow::bail!("the answer ended before it was finished")
}

/// A model may add to the sentence it was told to say.
fn is_refusal(text: &str) -> bool {
    plain(text).contains(&plain(NO_ANSWER.trim_end_matches('.')))
}

fn contains_any(text: &str, expected: &[String]) -> bool {
    let text = plain(text);
    expected.iter().any(|expected| text.contains(&plain(expected)))
}

/// In lower case, with single spaces, straight quotation marks and no emphasis, so that only words count.
fn plain(text: &str) -> String {
    let straight = text.replace(['‘', '’'], "'").replace(['“', '”'], "\"").replace(['`', '*'], "");
    straight.to_lowercase().split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_words_count() {
        let expected = ["It’s `Option<T>`".to_owned()];
        assert!(contains_any("Well,  it's\nOption<T>!", &expected));
        assert!(!contains_any("Well, it is", &expected) && !contains_any("Anything", &[]));
    }

    #[test]
    fn a_refusal_is_known_in_a_models_words_too() {
        assert!(is_refusal("I am sorry. The sources do not answer this question."));
        assert!(!is_refusal("The sources say so."));
    }
}

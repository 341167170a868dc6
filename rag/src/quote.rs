//! Answers without a language model: quotes the sentences of the sources that answer the question,
//! with citations. If no sentence answers it, the answer is the refusal [`NO_ANSWER`]. Does not search
//! for sources.

mod render;
mod select;

use std::time::Duration;

use crate::embed::{EmbedError, Embedder};
use crate::vocabulary::{NO_ANSWER, Source};

/// The pause between two deltas of a streamed quotation.
pub(crate) const DELTA_PAUSE: Duration = Duration::from_millis(12);
/// Words in one delta of a streamed quotation.
const WORDS_PER_DELTA: usize = 4;

/// Quoted sentences with citations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Quotation {
    /// The answer as Markdown.
    pub(crate) text: String,
    /// The cited numbers, each once, in the order of the text; empty for a refusal.
    pub(crate) cited: Vec<u32>,
}

/// Quotes the sentences that answer the question best. The number of a source is its position in the list,
/// from 1.
pub(crate) async fn quote(
    embedder: &Embedder,
    question: &str,
    sources: &[Source],
) -> Result<Quotation, EmbedError> {
    let candidates = select::candidates(sources);
    if candidates.is_empty() {
        return Ok(refusal());
    }
    let mut texts = vec![question.to_owned()];
    // The heading supplies the subject of a sentence such as "It returns a string."
    texts.extend(candidates.iter().map(|candidate| {
        let heading = sources[candidate.source].passage.heading.last().map_or("", String::as_str);
        format!("{heading}\n{}", candidate.segment.text())
    }));
    let vectors = embedder.embed(texts).await?;
    let excerpts = select::select(question, sources, &candidates, &vectors);
    Ok(if excerpts.is_empty() { refusal() } else { render::render(&excerpts, sources) })
}

fn refusal() -> Quotation {
    Quotation { text: NO_ANSWER.to_owned(), cited: Vec::new() }
}

/// Splits a text into the deltas in which it is streamed.
pub(crate) fn deltas(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let mut ends = rest.match_indices([' ', '\n']);
        let end = ends.nth(WORDS_PER_DELTA - 1).map_or(rest.len(), |(index, _)| index + 1);
        let (delta, after) = rest.split_at(end);
        rest = after;
        (!delta.is_empty()).then_some(delta)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_deltas_add_up_to_the_text(text in "\\PC{0,120}|([a-z]{1,9}[ \n]{0,2}){0,40}") {
            let deltas: Vec<_> = deltas(&text).collect();
            prop_assert!(deltas.iter().all(|delta| !delta.is_empty()));
            prop_assert_eq!(deltas.concat(), text);
        }
    }
}

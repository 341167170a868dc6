//! Answers without a language model: quotes the parts of the sources that answer the question, with
//! citations. If none answers it, the answer is the refusal in the question's language. Does not search for
//! sources.
//!
//! Few parts are compared by meaning: those that stand out by the question's terms and by their source.

mod candidates;
mod confidence;
mod expansion;
mod render;
mod select;

use crate::embed::{EmbedError, Embedder};
use crate::refusal;
use crate::vocabulary::Source;

/// Words in one delta of a streamed quotation.
const WORDS_PER_DELTA: usize = 8;

/// Quoted parts of the sources with citations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Quotation {
    /// The answer as Markdown.
    pub(crate) text: String,
    /// The cited numbers, each once, in the order of the text; empty for a refusal.
    pub(crate) cited: Vec<u32>,
}

/// Quotes the parts that answer the question best. The number of a source is its position in the list, from
/// 1. `query` is the question with what it refers to.
pub(crate) async fn quote(
    embedder: &Embedder,
    question: &str,
    query: &str,
    sources: &[Source],
) -> Result<Quotation, EmbedError> {
    let excerpts = excerpts(embedder, query, sources).await?;
    if excerpts.is_empty() {
        return Ok(Quotation { text: refusal::of(question).to_owned(), cited: Vec::new() });
    }
    Ok(render::render(&excerpts, sources))
}

async fn excerpts(
    embedder: &Embedder,
    query: &str,
    sources: &[Source],
) -> Result<Vec<select::Excerpt>, EmbedError> {
    let candidates = candidates::candidates(sources);
    let shares = candidates::shares(query, sources, &candidates);
    let chosen = candidates::preselect(sources, &candidates, &shares);
    if chosen.is_empty() {
        return Ok(Vec::new());
    }
    // The heading supplies the subject of a sentence such as "It returns a string."
    let texts: Vec<String> = chosen
        .iter()
        .map(|index| candidates::in_context(&candidates[*index], &sources[candidates[*index].source]))
        .collect();
    let (question, vectors) =
        tokio::try_join!(embedder.known_query(query), embedder.embed_sentences(&texts))?;
    let mut scored =
        select::Scored::new(embedder.similarity(), &question, &candidates, shares, &chosen, vectors);
    if !embedder.knows_language_of(query) {
        scored.judge_by_terms();
    }
    let is_answered = select::confidence(&scored)
        .is_some_and(|segment| confidence::Coverage::of(query, sources).is_enough(segment));
    Ok(if is_answered { select::select(sources, &scored) } else { Vec::new() })
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

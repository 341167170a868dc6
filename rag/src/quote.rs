//! Answers without a language model: quotes the parts of the sources that answer the question, with
//! citations. If none answers it, the answer is the refusal in the question's language. Does not
//! search for sources.
//!
//! Segments are compared by the vectors that were made when their passage was indexed. Where a source has none, the
//! few segments that stand out by the question's terms and by their source are embedded.

mod candidates;
mod confidence;
mod definition;
mod expansion;
mod place;
mod render;
mod select;

use tokio::task::spawn_blocking;
use words::Language;

use crate::cite::Citation;
use crate::embed::{EmbedError, Embedder, Vector};
use crate::refusal;
use crate::vocabulary::Source;

/// Words in one delta of a streamed quotation.
const WORDS_PER_DELTA: usize = 8;

/// Quoted parts of the sources with citations.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Quotation {
    /// The answer as Markdown.
    pub(crate) text: String,
    /// The citations, each number once, in the order of the text; empty for a refusal.
    pub(crate) cited: Vec<Citation>,
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
    let prepared = {
        let (query, sources) = (query.to_owned(), sources.to_vec());
        spawn_blocking(move || Prepared::of(&query, &sources)).await?
    };
    let Prepared { candidates, signs, compared, coverage } = prepared;
    if !coverage.is_enough(confidence::level(sources)) {
        return Ok(Vec::new());
    }
    let (question, vectors, reading) = match compared {
        Compared::Stored(vectors) => {
            (embedder.known_query(query).await?, vectors, select::Reading::InContext)
        }
        Compared::Chosen(chosen, texts) => {
            let (question, computed) =
                tokio::try_join!(embedder.known_query(query), embedder.embed_sentences(&texts))?;
            let mut vectors = vec![None; candidates.len()];
            for (index, vector) in chosen.into_iter().zip(computed) {
                vectors[index] = Some(vector);
            }
            (question, vectors, select::Reading::Alone)
        }
    };
    let question = embedder.distinct(question);
    let vectors = vectors.into_iter().map(|vector| vector.map(|vector| embedder.distinct(vector))).collect();
    let similarity = embedder.similarity();
    let mut scored = select::Scored::new(similarity, &question, &candidates, signs, vectors, reading);
    if !embedder.knows_language_of(query) {
        scored.judge_by_terms();
    }
    Ok(select::select(sources, &scored))
}

/// The segments of the sources and what their words tell, before any is compared by meaning.
struct Prepared {
    candidates: Vec<candidates::Candidate>,
    signs: select::Signs,
    compared: Compared,
    coverage: confidence::Coverage,
}

/// The segments that are compared by meaning.
enum Compared {
    /// The vectors of all segments that have one, from the index.
    Stored(Vec<Option<Vector>>),
    /// Positions of the segments to embed, and their texts.
    Chosen(Vec<usize>, Vec<String>),
}

impl Prepared {
    /// Stems every word of the sources: some milliseconds of processor time.
    fn of(query: &str, sources: &[Source]) -> Self {
        let terms = words::of_question(query);
        let languages: Vec<_> = sources.iter().map(|source| Language::of(&source.passage.text)).collect();
        let candidates = candidates::candidates(sources);
        let shares = candidates::shares(&terms, &languages, &candidates);
        let keyed = candidates::keyed(&terms, &languages, &candidates);
        let defining = candidates::defining(query, sources, &candidates);
        let compared = candidates::stored_vectors(sources, &candidates).map_or_else(
            || {
                let chosen = candidates::preselect(sources, &candidates, &shares, &defining);
                // The heading supplies the subject of a sentence such as "It returns a string."
                let text = |index: &usize| {
                    candidates::in_context(&candidates[*index], &sources[candidates[*index].source])
                };
                let texts = chosen.iter().map(text).collect();
                Compared::Chosen(chosen, texts)
            },
            Compared::Stored,
        );
        let coverage = confidence::Coverage::of(query, &terms, sources, &languages);
        Self { candidates, signs: select::Signs { shares, keyed, defining }, compared, coverage }
    }
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

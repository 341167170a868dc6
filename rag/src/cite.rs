//! Links the numbers in an answer to the sources they stand for. A mark whose number has no source is removed
//! from the text. Brackets that are no marks are not changed (`filter`, `mark`).

mod filter;
mod lookahead;
mod mark;
mod rows;

use serde::{Deserialize, Serialize};

use crate::markdown;
use crate::vocabulary::{DocumentId, PassageId, Place, Source};
pub(crate) use filter::CitationFilter;
pub(crate) use rows::place_of as place_of_rows;

/// The length of a snippet in characters.
const SNIPPET_CHARS: usize = 240;

/// A reference from an answer to one of its sources.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Citation {
    /// The number in the text, as in `[1]`.
    pub number: u32,
    /// The document of the cited passage.
    pub document_id: DocumentId,
    /// The position of the cited passage in its document, from 0.
    pub passage: u32,
    /// The document's title and the headings above the passage.
    pub title: String,
    /// The place of the passage in its file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
    /// The beginning of the passage on one line.
    pub snippet: String,
    /// The score of the source; higher is better.
    pub score: f32,
}

impl Citation {
    /// Cites a source under a number, which is its position in the list of sources, from 1.
    pub fn of(number: u32, source: &Source) -> Self {
        let PassageId { document_id, ordinal } = source.id;
        Self {
            number,
            document_id,
            passage: ordinal,
            title: source.passage.context(),
            place: source.passage.place.clone(),
            snippet: markdown::snippet(&source.passage.text, SNIPPET_CHARS),
            score: source.score,
        }
    }

    /// The same citation for a part of the source at this place, which has these texts.
    pub(crate) fn at<'a>(self, place: Place, texts: impl Iterator<Item = &'a str>) -> Self {
        Self { place: Some(place), snippet: markdown::cut(texts, SNIPPET_CHARS), ..self }
    }
}

/// Returns the citations of these numbers in an answer, in the same order. Numbers without a source are
/// skipped. A table is cited with the rows that the answer tells.
pub(crate) fn citations(numbers: &[u32], answer: &str, sources: &[Source]) -> Vec<Citation> {
    numbers
        .iter()
        .filter_map(|&number| {
            let index = usize::try_from(number).ok()?.checked_sub(1)?;
            let source = sources.get(index)?;
            let citation = Citation::of(number, source);
            Some(match rows::cited(number, answer, source) {
                Some((place, texts)) => citation.at(place, texts.iter().map(String::as_str)),
                None => citation,
            })
        })
        .collect()
}

/// Filters an answer that comes in these pieces. Returns its text and the cited numbers.
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) fn filter<'a>(
    pieces: impl IntoIterator<Item = &'a str>,
    source_count: usize,
) -> (String, Vec<u32>) {
    let mut filter = CitationFilter::new(source_count);
    let mut kept: String = pieces.into_iter().map(|piece| filter.push(piece)).collect();
    let (rest, cited) = filter.finish();
    kept.push_str(&rest);
    (kept, cited)
}

//! Finds the segments of a passage in the text that is embedded, and the tokens of each.
//!
//! A segment has no markup, but the text has. They are therefore compared by their letters and digits.

use std::ops::Range;

use tokio::task::spawn_blocking;

use super::local::{Embedded, Input, Urgency};
use super::{EmbedError, Embedder, Model, Vector};
use crate::markdown::{Segment, segments};
use crate::vocabulary::{PassageText, SegmentVectors};

/// The letters by which a segment is found if the text has something between its words, such as the address of
/// a link.
const BEGINNING: usize = 24;

impl Embedder {
    /// Whether the model makes vectors of segments. Endpoints do not, nor do models whose tokenizer does not tell
    /// where a token stands.
    pub fn makes_segments(&self) -> bool {
        matches!(&self.model, Model::Local(model) if model.tells_tokens())
    }

    /// Embeds passages as [`Embedder::embed_passages`] does, and gives each of them the vectors of its
    /// segments where it makes them, which come from the same run of the model. Returns the passages with their
    /// vectors.
    pub async fn embed_in_segments(
        &self,
        passages: Vec<PassageText>,
    ) -> Result<Vec<(PassageText, Vector)>, EmbedError> {
        let local = match &self.model {
            Model::Local(model) if model.tells_tokens() => model,
            _ => {
                let vectors = self.embed_passages(&passages).await?;
                return Ok(passages.into_iter().zip(vectors).collect());
            }
        };
        let texts = self.inputs(&passages);
        // Dividing a batch into segments takes milliseconds.
        let (passages, names, inputs) = spawn_blocking(move || divided(passages, texts)).await?;
        let embedded = local.embed_segmented(inputs, Urgency::Background).await?;
        if !embedded.iter().all(|embedded| embedded.vector.len() == self.dimensions) {
            return Err(EmbedError::UnexpectedShape);
        }
        let embedded = passages.into_iter().zip(names).zip(embedded);
        let with_vectors = embedded.map(|((mut passage, names), Embedded { vector, segments })| {
            passage.vectors = SegmentVectors::default();
            for (name, of_segment) in names.iter().zip(&segments) {
                if let Some(of_segment) = of_segment {
                    passage.vectors.insert(name, of_segment);
                }
            }
            (passage, vector)
        });
        Ok(with_vectors.collect())
    }
}

/// Passages, the texts of their segments, and what is embedded of them. `texts` are those of the passages.
fn divided(
    passages: Vec<PassageText>,
    texts: Vec<String>,
) -> (Vec<PassageText>, Vec<Vec<String>>, Vec<Input>) {
    let divided = passages.iter().zip(texts).map(|(passage, text)| {
        let (names, segments): (Vec<_>, Vec<_>) = of_passage(passage, &text).into_iter().unzip();
        (names, Input { text, segments })
    });
    let (names, inputs) = divided.unzip();
    (passages, names, inputs)
}

/// The segments of a passage: the text of each, and where it stands in the input, which ends with the text of
/// the passage.
pub(super) fn of_passage(passage: &PassageText, input: &str) -> Vec<(String, Option<Range<usize>>)> {
    let body = input.len().saturating_sub(passage.text.len());
    let mut letters = Letters::of(input);
    let mut found = Vec::new();
    if let Some(heading) = passage.heading.last() {
        found.push((heading.clone(), letters.find(heading)));
    }
    letters.skip_to(body);
    found.extend(segments(&passage.text).into_iter().map(|segment| {
        let range = match &segment {
            // The names of the columns stand in the header.
            Segment::Row { cells, .. } => letters.find(&cells.concat()),
            other => letters.find(other.text()),
        };
        (segment.text().to_owned(), range)
    }));
    found
}

/// The tokens that have a part of a segment; `None` if the input was cut in front of it. `starts` are the bytes
/// at which the tokens begin, the last of them the end of what was read.
pub(super) fn tokens_of(segment: &Range<usize>, starts: &[usize]) -> Option<Range<usize>> {
    let text = ..starts.len().checked_sub(1)?;
    let first = starts[text].partition_point(|start| *start <= segment.start).saturating_sub(1);
    let last = starts[text].partition_point(|start| *start < segment.end);
    (segment.start < *starts.last()? && first < last).then_some(first.max(1)..last.max(first.max(1) + 1))
}

/// The letters and digits of a text.
struct Letters {
    text: String,
    /// For each letter its byte in `text` and that in the input.
    origins: Vec<(usize, usize)>,
    /// The byte in `text` up to which segments were found.
    position: usize,
}

impl Letters {
    fn of(input: &str) -> Self {
        let mut letters = Self { text: String::new(), origins: Vec::new(), position: 0 };
        for (origin, letter) in input.char_indices().filter(|(_, c)| c.is_alphanumeric()) {
            letters.origins.push((letters.text.len(), origin));
            letters.text.push(letter);
        }
        letters
    }

    fn skip_to(&mut self, origin: usize) {
        let next = self.origins.partition_point(|(_, of_letter)| *of_letter < origin);
        self.position = self.origins.get(next).map_or(self.text.len(), |(at, _)| *at);
    }

    /// The bytes of the input that a segment takes. The search for the next segment begins behind it.
    fn find(&mut self, segment: &str) -> Option<Range<usize>> {
        let wanted: String = segment.chars().filter(|c| c.is_alphanumeric()).collect();
        let beginning = wanted.char_indices().nth(BEGINNING).map_or(wanted.len(), |(at, _)| at);
        let rest = &self.text[self.position..];
        let at = rest.find(&wanted).or_else(|| rest.find(&wanted[..beginning]));
        let start = self.position + at.filter(|_| !wanted.is_empty())?;
        let end = self.text.ceil_char_boundary((start + wanted.len()).min(self.text.len()));
        self.position = end;
        let first = self.origins.partition_point(|(at, _)| *at < start);
        let next = self.origins.partition_point(|(at, _)| *at < end);
        // The first byte of the last letter lies in the last token.
        let end = self.origins.get(next.checked_sub(1)?)?.1 + 1;
        Some(self.origins.get(first)?.1..end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The parts of the input at which the segments of a passage are found.
    fn found(heading: &str, text: &str) -> Vec<String> {
        let passage =
            PassageText { heading: vec![heading.into()], text: text.into(), ..PassageText::default() };
        let input = format!("passage: {}\n{text}", passage.context());
        let ranges = of_passage(&passage, &input).into_iter();
        ranges.map(|(_, range)| range.map_or_else(String::new, |range| input[range].to_owned())).collect()
    }

    #[test]
    fn segments_are_found_in_their_order_with_their_markup() {
        let text = "A *halyard* hoists a sail. So it does.\n\n- one `line`\n- A halyard";
        assert_eq!(
            found("A halyard", text),
            ["A halyard", "A *halyard* hoists a sail", "So it does", "one `line", "A halyard"]
        );
    }

    #[test]
    fn rows_are_found_by_their_cells() {
        assert_eq!(
            found("Nails", "| Nail | Size |\n|---|---|\n| brad | 20 mm |\n| tack | 20 mm |\n")[1..],
            ["brad | 20 mm", "tack | 20 mm"]
        );
    }

    #[test]
    fn a_sentence_with_a_link_is_found_by_its_beginning() {
        let text = "All of the sails are hoisted by a [halyard](https://a.example/halyard) or two.";
        assert!(found("Sails", text)[1].starts_with("All of the sails are hoisted by a [halyard]"));
    }

    #[test]
    fn the_tokens_of_a_segment_overlap_it() {
        // The start, four words, and the end at byte 20.
        let starts = [0, 0, 5, 10, 15, 20];
        assert_eq!(tokens_of(&(0..4), &starts), Some(1..2));
        assert_eq!(tokens_of(&(5..14), &starts), Some(2..4));
        assert_eq!(tokens_of(&(16..20), &starts), Some(4..5));
        assert_eq!(tokens_of(&(20..25), &starts), None);
        assert_eq!(tokens_of(&(0..4), &[]), None);
    }
}

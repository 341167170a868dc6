//! Links the numbers in an answer to the sources they stand for. A number without a source is removed from
//! the text. Brackets in code are not changed.

use serde::{Deserialize, Serialize};

use crate::markdown;
use crate::vocabulary::{DocumentId, PassageId, Source};

/// The length of a snippet in characters.
const SNIPPET_CHARS: usize = 240;
/// The longest citation marker. Longer text in brackets is not a citation.
const MAX_MARKER_BYTES: usize = 32;

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
            snippet: markdown::snippet(&source.passage.text, SNIPPET_CHARS),
            score: source.score,
        }
    }
}

/// Returns the citations of these numbers in the same order. Numbers without a source are skipped.
pub(crate) fn citations(numbers: &[u32], sources: &[Source]) -> Vec<Citation> {
    numbers
        .iter()
        .filter_map(|&number| {
            let index = usize::try_from(number).ok()?.checked_sub(1)?;
            sources.get(index).map(|source| Citation::of(number, source))
        })
        .collect()
}

/// Removes invalid citations from an answer while it is streamed.
#[derive(Debug)]
pub(crate) struct CitationFilter {
    source_count: u32,
    cited: Vec<u32>,
    /// The beginning of a possible citation: at most one space, then a bracket.
    pending: String,
    /// The length of the current run of backticks.
    backticks: usize,
    /// The length of the run of backticks that opened the current code.
    code: Option<usize>,
}

impl CitationFilter {
    /// Accepts the numbers from 1 to `source_count`.
    pub(crate) fn new(source_count: usize) -> Self {
        let source_count = u32::try_from(source_count).unwrap_or(u32::MAX);
        Self { source_count, cited: Vec::new(), pending: String::new(), backticks: 0, code: None }
    }

    /// Filters the next part of the answer. A possible citation at its end is held back until it is complete.
    pub(crate) fn push(&mut self, delta: &str) -> String {
        let mut text = String::with_capacity(delta.len());
        for c in delta.chars() {
            self.push_char(c, &mut text);
        }
        text
    }

    /// Returns the text held back and the cited numbers, each once, in the order of the text.
    pub(crate) fn finish(mut self) -> (String, Vec<u32>) {
        (std::mem::take(&mut self.pending), self.cited)
    }

    fn push_char(&mut self, c: char, text: &mut String) {
        self.track_code(c);
        if self.code.is_some() || c == '`' {
            text.push_str(&std::mem::take(&mut self.pending));
            text.push(c);
            return;
        }
        let in_brackets = self.pending.trim_start().starts_with('[');
        match c {
            '[' | ' ' if !in_brackets => {
                if c == ' ' || self.pending != " " {
                    text.push_str(&std::mem::take(&mut self.pending));
                }
                self.pending.push(c);
            }
            ']' if in_brackets => {
                self.pending.push(c);
                self.end_marker(text);
            }
            '0'..='9' | ',' | ' ' | ';' | '^' if in_brackets && self.pending.len() < MAX_MARKER_BYTES => {
                self.pending.push(c);
            }
            _ => {
                text.push_str(&std::mem::take(&mut self.pending));
                if c == '[' {
                    self.pending.push(c);
                } else {
                    text.push(c);
                }
            }
        }
    }

    fn end_marker(&mut self, text: &mut String) {
        let marker = std::mem::take(&mut self.pending);
        let numbers: Vec<&str> =
            marker.split(|c: char| !c.is_ascii_digit()).filter(|n| !n.is_empty()).collect();
        if numbers.is_empty() {
            text.push_str(&marker);
            return;
        }
        let known: Vec<u32> = numbers
            .iter()
            .filter_map(|n| n.parse().ok())
            .filter(|n| (1..=self.source_count).contains(n))
            .collect();
        if marker.starts_with(' ') && !known.is_empty() {
            text.push(' ');
        }
        for number in known {
            text.extend(["[", &number.to_string(), "]"]);
            if !self.cited.contains(&number) {
                self.cited.push(number);
            }
        }
    }

    /// Tracks inline code and code blocks: a run of backticks opens code, a run of the same length closes it.
    fn track_code(&mut self, c: char) {
        if c == '`' {
            self.backticks += 1;
            return;
        }
        let run = std::mem::take(&mut self.backticks);
        if run > 0 {
            self.code = match self.code {
                None => Some(run),
                Some(open) if open == run => None,
                open => open,
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn filtered(text: &str, source_count: usize) -> (String, Vec<u32>) {
        let mut filter = CitationFilter::new(source_count);
        let mut kept = filter.push(text);
        let (rest, cited) = filter.finish();
        kept.push_str(&rest);
        (kept, cited)
    }

    #[test]
    fn numbers_of_sources_stay_and_others_are_removed() {
        assert_eq!(filtered("A [2]. B [7]. C[1] [2]", 2), ("A [2]. B. C[1] [2]".into(), vec![2, 1]));
        assert_eq!(filtered("Both [1, 2] and [1,9]", 2), ("Both [1][2] and [1]".into(), vec![1, 2]));
        assert_eq!(filtered("None [1]", 0), ("None".into(), vec![]));
    }

    #[test]
    fn code_and_other_brackets_are_unchanged() {
        for text in
            ["`v[9]` and ```\nlet x = v[7];\n```", "a [link](http://x) [] [x] [1a", "[", " [12", "a  b ["]
        {
            assert_eq!(filtered(text, 1), (text.to_owned(), vec![]));
        }
    }

    proptest! {
        #[test]
        fn the_result_does_not_depend_on_the_boundaries_of_the_deltas(
            text in r"([a-z \[\]`,]|\[[0-9]{1,2}\]|é){0,60}",
            source_count in 0_usize..12,
            cut in 1_usize..5,
        ) {
            let (whole, cited) = filtered(&text, source_count);
            let mut filter = CitationFilter::new(source_count);
            let mut kept = String::new();
            for delta in text.chars().collect::<Vec<_>>().chunks(cut) {
                kept.push_str(&filter.push(&delta.iter().collect::<String>()));
            }
            let (rest, numbers) = filter.finish();
            kept.push_str(&rest);
            prop_assert_eq!(&kept, &whole);
            prop_assert_eq!(&numbers, &cited);
            prop_assert!(numbers.iter().all(|n| (1..=source_count).contains(&(*n as usize))));
        }

        #[test]
        fn text_without_brackets_is_unchanged(text in "[^\\[]{0,80}") {
            prop_assert_eq!(filtered(&text, 3).0, text);
        }
    }
}

//! Ties the numbers in an answer to the sources they were given for; a number that was not given is dropped, also from
//! the text. Brackets in code are left alone.

use serde::{Deserialize, Serialize};

use crate::readable;
use crate::vocabulary::Source;
use crate::vocabulary::{DocumentId, PassageId};

/// Characters of a passage shown beside its citation.
const SNIPPET: usize = 240;
/// A longer text in brackets is not a citation.
const LONGEST_MARK: usize = 32;

/// A source an answer cites.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Citation {
    /// The number in the text: `[number]`.
    pub number: u32,
    /// The document …
    pub document_id: DocumentId,
    /// … and the passage in it.
    pub passage: u32,
    /// The document's title and the headings above the passage.
    pub title: String,
    /// The passage's beginning, on one line.
    pub snippet: String,
    /// How well it fits the question.
    pub score: f32,
}

impl Citation {
    /// The citation of a source under this number, which is its place in the list, from 1.
    pub fn of(number: u32, source: &Source) -> Self {
        let PassageId { document_id, ordinal } = source.id;
        Self {
            number,
            document_id,
            passage: ordinal,
            title: source.passage.context(),
            snippet: readable::snippet(&source.passage.text, SNIPPET),
            score: source.score,
        }
    }
}

/// The citations of these numbers, in this order; numbers without a source are skipped.
pub fn citations(numbers: &[u32], sources: &[Source]) -> Vec<Citation> {
    numbers
        .iter()
        .filter_map(|&number| {
            let at = usize::try_from(number).ok()?.checked_sub(1)?;
            sources.get(at).map(|source| Citation::of(number, source))
        })
        .collect()
}

/// Checks the citations of an answer while it is being written: takes its pieces as they come and gives back what may
/// be shown.
#[derive(Debug)]
pub struct CitationFilter {
    given: u32,
    cited: Vec<u32>,
    /// What may become a citation: at most one space, then a bracket.
    pending: String,
    backticks: usize,
    code: Option<usize>,
}

impl CitationFilter {
    /// Lets the numbers 1 to `given` pass.
    pub fn new(given: usize) -> Self {
        let given = u32::try_from(given).unwrap_or(u32::MAX);
        Self { given, cited: Vec::new(), pending: String::new(), backticks: 0, code: None }
    }

    /// Takes the next piece; what it gives may be shorter, and come later.
    pub fn push(&mut self, piece: &str) -> String {
        let mut text = String::with_capacity(piece.len());
        for c in piece.chars() {
            self.take(c, &mut text);
        }
        text
    }

    /// What was held back, and the numbers cited, each once, in the order of the text.
    pub fn finish(mut self) -> (String, Vec<u32>) {
        (std::mem::take(&mut self.pending), self.cited)
    }

    fn take(&mut self, c: char, text: &mut String) {
        self.follow_code(c);
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
                self.end_of_brackets(text);
            }
            '0'..='9' | ',' | ' ' | ';' | '^' if in_brackets && self.pending.len() < LONGEST_MARK => {
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

    fn end_of_brackets(&mut self, text: &mut String) {
        let mark = std::mem::take(&mut self.pending);
        let numbers: Vec<&str> =
            mark.split(|c: char| !c.is_ascii_digit()).filter(|n| !n.is_empty()).collect();
        if numbers.is_empty() {
            text.push_str(&mark);
            return;
        }
        let known: Vec<u32> =
            numbers.iter().filter_map(|n| n.parse().ok()).filter(|n| (1..=self.given).contains(n)).collect();
        if mark.starts_with(' ') && !known.is_empty() {
            text.push(' ');
        }
        for number in known {
            text.extend(["[", &number.to_string(), "]"]);
            if !self.cited.contains(&number) {
                self.cited.push(number);
            }
        }
    }

    /// Code begins with a run of backticks and ends with one as long.
    fn follow_code(&mut self, c: char) {
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

    fn checked(text: &str, given: usize) -> (String, Vec<u32>) {
        let mut filter = CitationFilter::new(given);
        let mut shown = filter.push(text);
        let (rest, cited) = filter.finish();
        shown.push_str(&rest);
        (shown, cited)
    }

    #[test]
    fn numbers_that_were_given_stay_and_others_go() {
        assert_eq!(checked("A [2]. B [7]. C[1] [2]", 2), ("A [2]. B. C[1] [2]".into(), vec![2, 1]));
        assert_eq!(checked("Both [1, 2] and [1,9]", 2), ("Both [1][2] and [1]".into(), vec![1, 2]));
        assert_eq!(checked("None [1]", 0), ("None".into(), vec![]));
    }

    #[test]
    fn code_and_other_brackets_are_left_alone() {
        for text in
            ["`v[9]` and ```\nlet x = v[7];\n```", "a [link](http://x) [] [x] [1a", "[", " [12", "a  b ["]
        {
            assert_eq!(checked(text, 1), (text.to_owned(), vec![]));
        }
    }

    proptest! {
        #[test]
        fn however_the_text_is_cut_the_result_is_the_same(
            text in r"([a-z \[\]`,]|\[[0-9]{1,2}\]|é){0,60}",
            given in 0_usize..12,
            cut in 1_usize..5,
        ) {
            let (whole, cited) = checked(&text, given);
            let mut filter = CitationFilter::new(given);
            let mut shown = String::new();
            for piece in text.chars().collect::<Vec<_>>().chunks(cut) {
                shown.push_str(&filter.push(&piece.iter().collect::<String>()));
            }
            let (rest, numbers) = filter.finish();
            shown.push_str(&rest);
            prop_assert_eq!(&shown, &whole);
            prop_assert_eq!(&numbers, &cited);
            prop_assert!(numbers.iter().all(|n| (1..=given).contains(&(*n as usize))));
        }

        #[test]
        fn text_without_brackets_passes_unchanged(text in "[^\\[]{0,80}") {
            prop_assert_eq!(checked(&text, 3).0, text);
        }
    }
}

//! The part of a text with the most matches of a search.

use super::words::{Word, words};

/// The approximate length of a snippet. It begins and ends at a word.
const SNIPPET_BYTES: usize = 220;

/// The words that one search examines for the snippets of its hits. Beyond them, a snippet is the beginning
/// of its text, without marks. Stemming so many words takes some 0.1 s.
const MAX_EXAMINED_WORDS: usize = 150_000;

/// The words that may still be examined.
#[derive(Debug)]
pub struct SnippetBudget {
    words: usize,
}

impl Default for SnippetBudget {
    fn default() -> Self {
        Self { words: MAX_EXAMINED_WORDS }
    }
}

/// Cuts out the part of a text with the most matching words. `matches` gets a word in lower case. The ranges
/// are the matches in the snippet, in Unicode characters: start, and the character after the end.
pub(super) fn snippet(
    text: &str,
    budget: &mut SnippetBudget,
    matches: impl Fn(&str) -> bool,
) -> (String, Vec<(usize, usize)>) {
    let mut examined = 0;
    let hits: Vec<Word> = words(text)
        .take(budget.words)
        .inspect(|_| examined += 1)
        .filter(|word| matches(&word.lower))
        .collect();
    budget.words -= examined;
    let (start, end) = window(text, &hits);
    let cut = text.get(start..end).unwrap_or_default();
    let mut snippet = String::with_capacity(cut.len() + 8);
    if start > 0 {
        snippet.push('…');
    }
    let lead = snippet.chars().count();
    snippet.push_str(cut);
    if end < text.len() {
        snippet.push('…');
    }
    let characters = |from: usize, to: usize| text.get(from..to).map_or(0, |part| part.chars().count());
    let highlights = hits
        .iter()
        .filter(|hit| hit.start >= start && hit.end <= end)
        .map(|hit| {
            let first = lead + characters(start, hit.start);
            (first, first + characters(hit.start, hit.end))
        })
        .collect();
    (snippet.replace(['\n', '\r', '\t'], " "), highlights)
}

/// The byte range of a snippet with the most hits; of equal ranges the first.
fn window(text: &str, hits: &[Word]) -> (usize, usize) {
    let best = hits
        .iter()
        .enumerate()
        .max_by_key(|(index, first)| {
            let within =
                hits.iter().skip(*index).take_while(|hit| hit.end <= first.start + SNIPPET_BYTES).count();
            (within, std::cmp::Reverse(*index))
        })
        .map_or(0, |(_, first)| first.start);
    let from = best.saturating_sub(SNIPPET_BYTES / 4);
    let start = if from == 0 { 0 } else { next_space(text, from) };
    let end = if text.len() <= start + SNIPPET_BYTES {
        text.len()
    } else {
        next_space(text, start + SNIPPET_BYTES)
    };
    (start, end)
}

/// The first space at or after a byte; the end of the text if none follows.
fn next_space(text: &str, from: usize) -> usize {
    let from = (from..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len());
    let rest = text.get(from..).unwrap_or_default();
    rest.find(char::is_whitespace).map_or(text.len(), |space| from + space)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snippet_contains_the_matches_and_their_ranges() {
        let text =
            format!("{} The borrow checker keeps you safe. {}", "filler ".repeat(60), "more ".repeat(60));
        let (snippet, highlights) = snippet(&text, &mut SnippetBudget::default(), |lower| lower == "borrow");
        assert!(snippet.contains("borrow checker"), "{snippet}");
        let (start, end) = highlights[0];
        let marked: String = snippet.chars().skip(start).take(end - start).collect();
        assert_eq!(marked, "borrow");
        assert!(snippet.len() < 300);
    }

    #[test]
    fn the_words_that_one_search_examines_are_bounded() {
        let (text, mut budget) = ("word ".repeat(10_000), SnippetBudget::default());
        let examined = std::cell::Cell::new(0);
        for _ in 0..100 {
            let (snippet, _) = snippet(&text, &mut budget, |_| {
                examined.set(examined.get() + 1);
                false
            });
            assert!(snippet.starts_with("word"));
        }
        assert_eq!(examined.get(), MAX_EXAMINED_WORDS);
    }

    #[test]
    fn a_short_text_is_its_own_snippet() {
        let (whole, highlights) =
            snippet("Über Ärger", &mut SnippetBudget::default(), |lower| lower == "ärger");
        assert_eq!(whole, "Über Ärger");
        assert_eq!(highlights, [(5, 10)]);
    }
}

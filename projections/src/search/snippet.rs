//! The part of a text with the most matches of a search.

use super::words::{Word, stem, words};

/// The approximate length of a snippet. It begins and ends at a word.
const SNIPPET_BYTES: usize = 220;

/// Cuts out the part of a text with the most matching words. `matches` gets a word in lower case and
/// its stem. The ranges are the matches in the snippet, in Unicode characters: start, and the
/// character after the end.
pub(super) fn snippet(text: &str, matches: impl Fn(&str, &str) -> bool) -> (String, Vec<(usize, usize)>) {
    let hits: Vec<Word> = words(text).filter(|word| matches(&word.lower, &stem(&word.lower))).collect();
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
        let (snippet, highlights) = snippet(&text, |_, stem| stem == "borrow");
        assert!(snippet.contains("borrow checker"), "{snippet}");
        let (start, end) = highlights[0];
        let marked: String = snippet.chars().skip(start).take(end - start).collect();
        assert_eq!(marked, "borrow");
        assert!(snippet.len() < 300);
    }

    #[test]
    fn a_short_text_is_its_own_snippet() {
        let (whole, highlights) = snippet("Über Ärger", |lower, _| lower == "ärger");
        assert_eq!(whole, "Über Ärger");
        assert_eq!(highlights, [(5, 10)]);
    }
}

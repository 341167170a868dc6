//! The part of a text that shows why it was found.

use super::words::{Word, stem, words};

/// Bytes of a snippet, about; it begins and ends at words.
const LENGTH: usize = 220;

/// Cuts the part of a text with most of the wanted words out of it. Highlights are ranges of Unicode characters of the
/// snippet: start, and the one after the end.
pub(super) fn snippet(text: &str, wanted: impl Fn(&str, &str) -> bool) -> (String, Vec<(usize, usize)>) {
    let hits: Vec<Word> = words(text).filter(|word| wanted(&word.lower, &stem(&word.lower))).collect();
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

/// The stretch with most hits.
fn window(text: &str, hits: &[Word]) -> (usize, usize) {
    let best = hits
        .iter()
        .enumerate()
        .max_by_key(|(index, first)| {
            let within = hits.iter().skip(*index).take_while(|hit| hit.end <= first.start + LENGTH).count();
            (within, std::cmp::Reverse(*index))
        })
        .map_or(0, |(_, first)| first.start);
    let from = best.saturating_sub(LENGTH / 4);
    let start = if from == 0 { 0 } else { word_start(text, from) };
    let end = if text.len() <= start + LENGTH { text.len() } else { word_start(text, start + LENGTH) };
    (start, end)
}

/// The beginning of the first word at or after a byte; the next character's if there is none.
fn word_start(text: &str, from: usize) -> usize {
    let from = (from..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len());
    let rest = text.get(from..).unwrap_or_default();
    rest.find(char::is_whitespace).map_or(text.len(), |space| from + space)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snippet_shows_the_words_and_says_where_they_are() {
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

//! Splits a text into terms: stemmed words in lower case without stop words, and identifiers both whole and
//! in parts.

use rust_stemmers::{Algorithm, Stemmer};

/// Words that are too common to distinguish texts, sorted.
const STOP_WORDS: [&str; 129] = [
    "a", "about", "above", "after", "again", "all", "also", "am", "an", "and", "any", "are", "as", "at",
    "be", "because", "been", "before", "being", "below", "between", "both", "but", "by", "can", "could", "d",
    "did", "do", "does", "doing", "don", "down", "during", "each", "else", "few", "for", "from", "further",
    "get", "had", "has", "have", "having", "he", "her", "here", "hers", "him", "his", "how", "i", "if", "in",
    "into", "is", "it", "its", "just", "ll", "m", "may", "me", "might", "more", "most", "must", "my", "no",
    "nor", "not", "now", "of", "off", "on", "once", "only", "or", "other", "our", "out", "over", "own", "re",
    "s", "same", "shall", "she", "should", "so", "some", "such", "t", "than", "that", "the", "their", "them",
    "then", "there", "these", "they", "this", "those", "through", "to", "too", "under", "until", "up", "us",
    "ve", "very", "was", "we", "were", "what", "when", "where", "which", "while", "who", "why", "will",
    "with", "would", "you", "your",
];

/// Returns the terms of a text in order, with repetitions.
pub(super) fn terms(text: &str) -> impl Iterator<Item = String> + use<> {
    let stemmer = Stemmer::create(Algorithm::English);
    let mut terms = Vec::new();
    for word in text.split(|c: char| !c.is_alphanumeric() && c != '_') {
        let word = word.trim_matches('_');
        if word.is_empty() {
            continue;
        }
        let parts = parts(word);
        if parts.len() > 1 {
            terms.push(word.to_lowercase());
        }
        terms.extend(
            parts.iter().filter(|part| !is_stop_word(part)).map(|part| stemmer.stem(part).into_owned()),
        );
    }
    terms.into_iter()
}

fn is_stop_word(word: &str) -> bool {
    STOP_WORDS.binary_search(&word).is_ok()
}

/// Splits an identifier into lower-case parts: `or_insert` into `or`, `insert`, and `HashMap` into
/// `hash`, `map`.
fn parts(word: &str) -> Vec<String> {
    let mut parts = Vec::new();
    let mut part = String::new();
    let mut before_lower = false;
    for c in word.chars() {
        if c == '_' || (c.is_uppercase() && before_lower) {
            parts.push(std::mem::take(&mut part));
        }
        before_lower = c.is_lowercase();
        if c != '_' {
            part.extend(c.to_lowercase());
        }
    }
    parts.push(part);
    parts.retain(|part| !part.is_empty());
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str) -> Vec<String> {
        terms(text).collect()
    }

    #[test]
    fn stop_words_are_sorted() {
        assert!(STOP_WORDS.is_sorted());
    }

    #[test]
    fn identifiers_are_found_whole_and_in_parts() {
        assert_eq!(all("Entry::or_insert"), ["entri", "or_insert", "insert"]);
        assert_eq!(all("HashMap"), ["hashmap", "hash", "map"]);
        assert_eq!(all("HTTP"), ["http"]);
    }

    #[test]
    fn other_scripts_are_split_into_terms() {
        assert_eq!(all(""), Vec::<String>::new());
        assert_eq!(all("ÉCOLE 漢字"), ["école", "漢字"]);
    }
}

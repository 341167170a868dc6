//! The words of a text and their blind lexemes.

use std::collections::{BTreeMap, HashSet};
use std::fmt::Write as _;
use std::sync::LazyLock;

use rust_stemmers::{Algorithm, Stemmer};
use sealing::BlindKey;

/// The highest position that a tsvector holds.
const LAST_POSITION: usize = 16_383;
/// The most positions that a tsvector holds of one lexeme.
const MAX_POSITIONS: usize = 255;
/// The most words of a text that are indexed. A question has at most 32,768 bytes, an answer seldom more.
const MAX_WORDS: usize = 16_000;

static STEMMER: LazyLock<Stemmer> = LazyLock::new(|| Stemmer::create(Algorithm::English));

/// Words that are too common to be indexed. They count as positions, so that phrases keep their distances.
static STOP_WORDS: LazyLock<HashSet<&'static str>> = LazyLock::new(|| {
    "a an and are as at be but by can do does for from had has have he her his how i if in into is it its me my no not \
     of on or our she so that the their them then there these they this to was we were what when where which who why \
     will with would you your"
        .split_ascii_whitespace()
        .collect()
});

/// A word and its byte range in the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Word {
    /// The word in lower case.
    pub(super) lower: String,
    /// The first byte.
    pub(super) start: usize,
    /// The byte after the last one.
    pub(super) end: usize,
}

/// The words of a text: runs of letters and digits. In scripts without spaces between words, each character
/// is a word.
pub(super) fn words(text: &str) -> impl Iterator<Item = Word> + '_ {
    let mut rest = text.char_indices().peekable();
    std::iter::from_fn(move || {
        while rest.next_if(|(_, letter)| !letter.is_alphanumeric()).is_some() {}
        let (start, _) = *rest.peek()?;
        let mut end = start;
        let mut lower = String::new();
        while let Some((at, letter)) = rest.next_if(|(_, letter)| letter.is_alphanumeric()) {
            end = at + letter.len_utf8();
            lower.extend(letter.to_lowercase());
            if is_word(letter) || rest.peek().is_some_and(|(_, next)| is_word(*next)) {
                break;
            }
        }
        Some(Word { lower, start, end })
    })
    .take(MAX_WORDS)
}

/// Whether a character is a word on its own: Chinese characters, Hiragana and Katakana.
const fn is_word(letter: char) -> bool {
    matches!(letter, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

/// Whether a word in lower case is too common to be indexed.
pub(super) fn is_stop_word(lower: &str) -> bool {
    STOP_WORDS.contains(lower)
}

/// The stem of a word in lower case.
pub(super) fn stem(lower: &str) -> String {
    STEMMER.stem(lower).into_owned()
}

/// The text form of a tsvector: the lexemes of each word and of its stem, with their positions.
///
/// The stem matches the other forms of the word. The word itself matches in phrases, by prefixes that are
/// longer than the stem, and in languages that the stemmer does not know.
pub(super) fn vector(text: &str, key: &BlindKey) -> String {
    let mut positions: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (position, word) in (1..).zip(words(text)) {
        if is_stop_word(&word.lower) {
            continue;
        }
        let stem = stem(&word.lower);
        if stem != word.lower {
            push_position(positions.entry(stem).or_default(), position);
        }
        push_position(positions.entry(word.lower).or_default(), position);
    }
    let mut vector = String::with_capacity(positions.len() * 28);
    for (word, of_word) in positions {
        let _ = write!(vector, "'{}'", key.lexeme(&word).as_str());
        for (index, position) in of_word.into_iter().enumerate() {
            let _ = write!(vector, "{}{position}", if index == 0 { ':' } else { ',' });
        }
        vector.push(' ');
    }
    vector
}

fn push_position(positions: &mut Vec<usize>, position: usize) {
    let position = position.min(LAST_POSITION);
    if positions.len() < MAX_POSITIONS && positions.last() != Some(&position) {
        positions.push(position);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_runs_of_letters_and_digits_in_lower_case() {
        let found: Vec<String> = words("Ärger, über 2 i-Phones!").map(|word| word.lower).collect();
        assert_eq!(found, ["ärger", "über", "2", "i", "phones"]);
        let text = "a Beta";
        let beta = words(text).nth(1).unwrap();
        assert_eq!(&text[beta.start..beta.end], "Beta");
    }

    #[test]
    fn characters_of_scripts_without_spaces_are_words() {
        let found: Vec<String> = words("Rust语言 カナ x").map(|word| word.lower).collect();
        assert_eq!(found, ["rust", "语", "言", "カ", "ナ", "x"]);
    }

    #[test]
    fn forms_of_a_word_have_the_same_stem() {
        assert_eq!(stem("borrowing"), stem("borrowed"));
    }
}

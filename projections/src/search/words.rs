//! From a text to its words, and from words to blind lexemes.

use std::collections::{BTreeMap, HashSet};
use std::fmt::Write as _;
use std::sync::LazyLock;

use rust_stemmers::{Algorithm, Stemmer};
use sealing::BlindKey;

/// Postgres keeps positions up to 16,383, and 255 of one lexeme.
const LAST_POSITION: usize = 16_383;
const POSITIONS_OF_A_WORD: usize = 255;
/// Words beyond this are not searched by: a text has at most 32,768 bytes, an answer seldom more.
const MOST_WORDS: usize = 16_000;

static STEMMER: LazyLock<Stemmer> = LazyLock::new(|| Stemmer::create(Algorithm::English));

/// Words too common to find anything by. They count as positions, so that phrases keep their distances.
static STOP_WORDS: LazyLock<HashSet<&'static str>> = LazyLock::new(|| {
    "a an and are as at be but by can do does for from had has have he her his how i if in into is it its me my no not \
     of on or our she so that the their them then there these they this to was we were what when where which who why \
     will with would you your"
        .split_ascii_whitespace()
        .collect()
});

/// A word of a text and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Word {
    /// In lower case.
    pub(super) lower: String,
    /// Its first byte in the text, and the one after its last.
    pub(super) start: usize,
    pub(super) end: usize,
}

/// The words of a text: runs of letters and digits. Where words are written without spaces between them, each sign is one.
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
            if stands_alone(letter) || rest.peek().is_some_and(|(_, next)| stands_alone(*next)) {
                break;
            }
        }
        Some(Word { lower, start, end })
    })
    .take(MOST_WORDS)
}

/// Chinese characters and Japanese syllables.
const fn stands_alone(letter: char) -> bool {
    matches!(letter, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

/// Whether a word is too common to find anything by.
pub(super) fn is_stop_word(lower: &str) -> bool {
    STOP_WORDS.contains(lower)
}

/// The stem of a word in lower case.
pub(super) fn stem(lower: &str) -> String {
    STEMMER.stem(lower).into_owned()
}

/// The text form of a tsvector: the lexemes of each word and of its stem, with their positions. The stem finds the word in
/// its other forms; the word itself finds it by a beginning that the stem no longer has, within a phrase, and in languages
/// that the stemmer does not know.
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
    if positions.len() < POSITIONS_OF_A_WORD && positions.last() != Some(&position) {
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
    fn signs_that_stand_without_spaces_are_words() {
        let found: Vec<String> = words("Rust语言 カナ x").map(|word| word.lower).collect();
        assert_eq!(found, ["rust", "语", "言", "カ", "ナ", "x"]);
    }

    #[test]
    fn words_of_one_stem_are_one_lexeme() {
        assert_eq!(stem("borrowing"), stem("borrowed"));
    }
}

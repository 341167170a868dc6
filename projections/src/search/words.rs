//! The words of a text and their blind lexemes.

use std::collections::{BTreeMap, HashSet};
use std::fmt::Write as _;
use std::sync::LazyLock;

use rust_stemmers::{Algorithm, Stemmer};
use sealing::{BlindKey, Token};

/// The highest position that a tsvector holds.
const LAST_POSITION: usize = 16_383;
/// The most positions that a tsvector holds of one lexeme.
const MAX_POSITIONS: usize = 255;
/// The most words of a text that are indexed. A question has at most 32,768 bytes, an answer seldom more.
const MAX_WORDS: usize = 16_000;
/// The most bytes of a text's lexemes and positions. Postgres refuses a tsvector of 1,048,575 bytes, and with it
/// the whole batch. The words after that are not indexed.
const MAX_VECTOR_BYTES: usize = 960 << 10;
/// Bytes of a lexeme in a tsvector beside its characters, and of each of its positions.
const LEXEME_OVERHEAD_BYTES: usize = 3;
const POSITION_BYTES: usize = 2;

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
///
/// Takes up to some 0.1 s for a text of [`MAX_WORDS`] long words.
pub(super) fn vector(text: &str, key: &BlindKey) -> String {
    let mut lexemes: BTreeMap<String, Lexeme> = BTreeMap::new();
    let mut bytes = 0;
    for (position, word) in (1..).zip(words(text)) {
        if is_stop_word(&word.lower) {
            continue;
        }
        let stem = stem(&word.lower);
        let forms = if stem == word.lower { vec![stem] } else { vec![stem, word.lower] };
        for form in forms {
            let lexeme = lexemes.entry(form).or_insert_with_key(|form| Lexeme::new(form, key));
            bytes += lexeme.push(position);
        }
        if bytes > MAX_VECTOR_BYTES {
            break;
        }
    }
    let mut vector = String::with_capacity(lexemes.len() * 28);
    for Lexeme { token, positions: of_word } in lexemes.into_values() {
        let _ = write!(vector, "'{}'", token.as_str());
        for (index, position) in of_word.into_iter().enumerate() {
            let _ = write!(vector, "{}{position}", if index == 0 { ':' } else { ',' });
        }
        vector.push(' ');
    }
    vector
}

/// A lexeme of a text, and where the text has it.
struct Lexeme {
    token: Token,
    positions: Vec<usize>,
}

impl Lexeme {
    fn new(word: &str, key: &BlindKey) -> Self {
        Self { token: key.lexeme(word), positions: vec![] }
    }

    /// Adds a position. Returns the bytes that the tsvector grows by.
    fn push(&mut self, position: usize) -> usize {
        let position = position.min(LAST_POSITION);
        if self.positions.len() >= MAX_POSITIONS || self.positions.last() == Some(&position) {
            return 0;
        }
        let new =
            if self.positions.is_empty() { self.token.as_str().len() + LEXEME_OVERHEAD_BYTES } else { 0 };
        self.positions.push(position);
        new + POSITION_BYTES
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
    fn a_text_of_many_long_words_has_a_vector_that_postgres_takes() {
        use std::fmt::Write as _;
        let master = sealing::MasterKey::parse(&"2a".repeat(32).into()).unwrap();
        let (user_key, _) = master.new_user_key(aggregates::UserId::SHARED).unwrap();
        let mut text = String::new();
        for number in 0..MAX_WORDS {
            let _ = write!(text, "abcdefghij{number:05}ings ");
        }
        let vector = vector(&text, &user_key.blind_key());
        let lexemes = vector.split('\'').skip(1).step_by(2);
        let bytes: usize = lexemes.map(|lexeme| lexeme.len() + LEXEME_OVERHEAD_BYTES + POSITION_BYTES).sum();
        assert!((800 << 10..1_048_575).contains(&bytes), "{bytes}");
    }

    #[test]
    fn forms_of_a_word_have_the_same_stem() {
        assert_eq!(stem("borrowing"), stem("borrowed"));
    }
}

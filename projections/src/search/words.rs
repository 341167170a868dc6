//! The words of a text and their blind lexemes.

use std::collections::{BTreeMap, HashSet};
use std::fmt::Write as _;
use std::sync::LazyLock;

use sealing::{BlindKey, Token};
use words::Language;

/// Words that are too common to be indexed. Each word that is added here is no longer found in what is
/// indexed already.
static STOP_WORDS: LazyLock<HashSet<&'static str>> = LazyLock::new(|| {
    "a an and are as at be but by can do does for from had has have he her his how i if in into is it its me my no not \
     of on or our she so that the their them then there these they this to was we were what when where which who why \
     will with would you your"
        .split_ascii_whitespace()
        .collect()
});

/// The highest position that a tsvector holds.
const LAST_POSITION: usize = 16_383;
/// The most positions that a tsvector holds of one lexeme.
const MAX_POSITIONS: usize = 255;
/// The most words of a text that are indexed. A question has at most 32,768 bytes, an answer seldom more.
const MAX_WORDS: usize = 16_000;
/// The most bytes of a text's lexemes and positions. Postgres refuses a tsvector of 1,048,575 bytes, and with
/// it the whole batch. The words after that are not indexed.
const MAX_VECTOR_BYTES: usize = 960 << 10;
/// Bytes of a lexeme in a tsvector beside its characters, and of each of its positions.
const LEXEME_OVERHEAD_BYTES: usize = 3;
const POSITION_BYTES: usize = 2;

/// A word and its byte range in the text.
pub(super) use words::Word;

/// The words of a text in its composed form. In scripts without spaces between words, each character
/// is a word.
pub(super) fn words(text: &str) -> impl Iterator<Item = Word> + '_ {
    words::words(text).take(MAX_WORDS)
}

/// Whether a word is too common to be indexed. Acronyms such as IT or WHO are no such words. Stop words count
/// as positions, so that phrases keep their distances.
pub(super) fn is_stop_word(word: &Word) -> bool {
    !word.is_acronym && is_common(word)
}

/// Whether a word is a stop word unless it is an acronym. In a search, capital letters do not tell: people
/// type `THE` as well as `WHO`.
pub(super) fn is_common(word: &Word) -> bool {
    STOP_WORDS.contains(word.lower.as_str())
}

/// The stem of a word in lower case, in a language. Stems of languages other than English are marked with it.
pub(super) fn stem(lower: &str, language: Language) -> String {
    match language {
        Language::English => language.stem(lower),
        _ => format!("{}:{}", language.code(), language.stem(lower)),
    }
}

/// The stems of a word in all languages that it may belong to, each once.
pub(super) fn stems(lower: &str) -> Vec<String> {
    let is_latin = lower
        .chars()
        .next()
        .is_some_and(|c| c.is_ascii_alphanumeric() || ('\u{c0}'..='\u{24f}').contains(&c));
    let languages: &[Language] = if is_latin {
        &Language::LATIN
    } else {
        &[Language::English, Language::Russian, Language::Greek, Language::Arabic]
    };
    languages.iter().map(|language| stem(lower, *language)).collect()
}

/// The text form of a tsvector: the lexemes of each word and of its stem, with their positions.
///
/// The stem in the language of the text matches the other forms of the word. The word itself matches in
/// phrases, by prefixes, and in languages without a stemmer.
///
/// Takes up to some 0.1 s for a text of [`MAX_WORDS`] long words.
pub(super) fn vector(text: &str, key: &BlindKey) -> String {
    let mut lexemes: BTreeMap<String, Lexeme> = BTreeMap::new();
    let mut bytes = 0;
    let text = words::normalized(text);
    let language = Language::of(&text).unwrap_or(Language::English);
    for (position, word) in (1..).zip(words(&text)) {
        if is_stop_word(&word) {
            continue;
        }
        let is_character = word.lower.chars().all(words::is_unspaced);
        let stem = if is_character { word.lower.clone() } else { stem(&word.lower, language) };
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
        assert_eq!(stem("borrowing", Language::English), stem("borrowed", Language::English));
        let german = stem("verträge", Language::German);
        assert!(stems("vertrag").contains(&german));
    }
}

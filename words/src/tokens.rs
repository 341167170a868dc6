//! The words of a text and where they stand.

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;
use unicode_normalization::{IsNormalized, is_nfc_quick};

use crate::script::is_unspaced;

/// A word and its byte range in the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// The word in lower case and in the compatibility form of its characters (NFKC).
    pub lower: String,
    /// The first byte.
    pub start: usize,
    /// The byte after the last one.
    pub end: usize,
    /// Whether the word has two letters or more, all capital: an acronym such as IT or WHO.
    pub is_acronym: bool,
}

/// The composed form (NFC) of a text: what a person reads as the same letter has one form.
pub fn normalized(text: &str) -> Cow<'_, str> {
    match is_nfc_quick(text.chars()) {
        IsNormalized::Yes => Cow::Borrowed(text),
        IsNormalized::No | IsNormalized::Maybe => Cow::Owned(text.nfc().collect()),
    }
}

/// The words of a text in its composed form: runs of letters, digits and the marks on them. Each character of
/// a script without spaces is a word.
pub fn words(text: &str) -> impl Iterator<Item = Word> + '_ {
    let mut rest = text.char_indices().peekable();
    std::iter::from_fn(move || {
        while rest.next_if(|(_, letter)| !letter.is_alphanumeric()).is_some() {}
        let (start, first) = rest.next()?;
        let mut end = start + first.len_utf8();
        let belongs = |next: char| {
            is_combining_mark(next) || (next.is_alphanumeric() && !is_unspaced(first) && !is_unspaced(next))
        };
        while let Some((at, letter)) = rest.next_if(|(_, next)| belongs(*next)) {
            end = at + letter.len_utf8();
        }
        Some(word(text, start, end))
    })
}

fn word(text: &str, start: usize, end: usize) -> Word {
    let written = text.get(start..end).unwrap_or_default();
    let is_acronym = written.chars().nth(1).is_some()
        && written.chars().all(|c| c.is_uppercase() || c.is_ascii_digit())
        && written.chars().any(char::is_uppercase);
    Word { lower: lower(written), start, end, is_acronym }
}

/// A word in lower case and in the compatibility form of its characters.
pub(crate) fn lower(word: &str) -> String {
    if word.is_ascii() {
        word.to_ascii_lowercase()
    } else {
        word.nfkc().flat_map(char::to_lowercase).nfkc().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lowers(text: &str) -> Vec<String> {
        words(&normalized(text)).map(|word| word.lower).collect()
    }

    #[test]
    fn words_are_runs_of_letters_and_digits_in_lower_case() {
        assert_eq!(lowers("Ärger, über 2 i-Phones!"), ["ärger", "über", "2", "i", "phones"]);
        let text = "a Beta";
        let beta = words(text).nth(1).unwrap();
        assert_eq!(&text[beta.start..beta.end], "Beta");
    }

    #[test]
    fn characters_of_scripts_without_spaces_are_words() {
        assert_eq!(lowers("Rust语言 カナ x"), ["rust", "语", "言", "カ", "ナ", "x"]);
        assert_eq!(lowers("서울은 K2"), ["서", "울", "은", "k2"]);
    }

    #[test]
    fn marks_belong_to_their_letters() {
        assert_eq!(lowers("विद्यालय हिन्दी"), ["विद्यालय", "हिन्दी"]);
        assert_eq!(lowers("cafe\u{301}"), ["café"]);
        assert_eq!(lowers("\u{1109}\u{1165}\u{110b}\u{116e}\u{11af}"), ["서", "울"]);
        assert_eq!(lowers("ＡＢＣ１２"), ["abc12"]);
    }

    #[test]
    fn words_of_capital_letters_are_acronyms() {
        let acronyms: Vec<bool> = words("IT who WHO I It A4").map(|word| word.is_acronym).collect();
        assert_eq!(acronyms, [true, false, true, false, false, true]);
    }
}

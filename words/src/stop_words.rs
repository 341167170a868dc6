//! Words that are too common to distinguish texts, sorted, by language.

mod lists;

use std::collections::HashMap;
use std::sync::LazyLock;

use lists::{
    ARABIC, DANISH, DUTCH, ENGLISH, FRENCH, GERMAN, HINDI, ITALIAN, NORWEGIAN, PORTUGUESE, RUSSIAN, SPANISH,
    SWEDISH,
};

use crate::language::Language;

/// The stop words of a language.
pub(crate) const fn of(language: Language) -> &'static [&'static str] {
    match language {
        Language::English => &ENGLISH,
        Language::German => &GERMAN,
        Language::French => &FRENCH,
        Language::Spanish => &SPANISH,
        Language::Italian => &ITALIAN,
        Language::Portuguese => &PORTUGUESE,
        Language::Dutch => &DUTCH,
        Language::Swedish => &SWEDISH,
        Language::Danish => &DANISH,
        Language::Norwegian => &NORWEGIAN,
        Language::Russian => &RUSSIAN,
        Language::Arabic => &ARABIC,
        Language::Hindi => &HINDI,
        Language::Greek
        | Language::Hebrew
        | Language::Thai
        | Language::Chinese
        | Language::Japanese
        | Language::Korean => &[],
    }
}

/// The languages in Latin script of which the word is a stop word: a bit for each index in
/// [`Language::LATIN`]. One look-up in place of one in each list.
pub(crate) fn latin_languages_of(lower: &str) -> u16 {
    static LANGUAGES: LazyLock<HashMap<&'static str, u16>> = LazyLock::new(|| {
        let mut languages = HashMap::new();
        for (index, language) in Language::LATIN.into_iter().enumerate() {
            for word in of(language) {
                *languages.entry(*word).or_default() |= 1 << index;
            }
        }
        languages
    });
    LANGUAGES.get(lower).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_languages_of_a_stop_word_are_those_whose_lists_have_it() {
        for word in ["the", "die", "de", "un", "som", "hyperbole", "straße"] {
            for (index, language) in Language::LATIN.into_iter().enumerate() {
                let is_one = latin_languages_of(word) & (1 << index) != 0;
                assert_eq!(is_one, language.is_stop_word(word), "{word} {language:?}");
            }
        }
    }

    #[test]
    fn stop_words_are_sorted() {
        for language in
            Language::LATIN.into_iter().chain([Language::Russian, Language::Arabic, Language::Hindi])
        {
            assert!(of(language).is_sorted(), "{language:?}");
        }
    }
}

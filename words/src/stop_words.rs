//! Words that are too common to distinguish texts, sorted, by language.

mod lists;

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stop_words_are_sorted() {
        for language in
            Language::LATIN.into_iter().chain([Language::Russian, Language::Arabic, Language::Hindi])
        {
            assert!(of(language).is_sorted(), "{language:?}");
        }
    }
}

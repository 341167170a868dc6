//! Recognises the language of a text by its script and its function words.

use rust_stemmers::{Algorithm, Stemmer};

use crate::script::Script;
use crate::stop_words;
use crate::tokens::{normalized, words};

/// A language that the product tells from others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names of languages")]
pub enum Language {
    English,
    German,
    French,
    Spanish,
    Italian,
    Portuguese,
    Dutch,
    Swedish,
    Danish,
    Norwegian,
    Russian,
    Greek,
    Arabic,
    Hindi,
    Hebrew,
    Thai,
    Chinese,
    Japanese,
    Korean,
}

/// The characters from which a language is recognised.
const EXAMINED_CHARS: usize = 4_000;
/// A character of a script without spaces counts like so many Latin letters: it is about a word of its own.
const LETTERS_OF_A_CHARACTER: usize = 4;

impl Language {
    /// The languages in Latin script.
    pub const LATIN: [Self; 10] = [
        Self::English,
        Self::German,
        Self::French,
        Self::Spanish,
        Self::Italian,
        Self::Portuguese,
        Self::Dutch,
        Self::Swedish,
        Self::Danish,
        Self::Norwegian,
    ];

    /// The language of a text; `None` if its words tell nothing.
    pub fn of(text: &str) -> Option<Self> {
        let text = &*normalized(text);
        let mut letters = [0_usize; 13];
        for c in text.chars().take(EXAMINED_CHARS) {
            let script = Script::of(c);
            letters[script as usize] += if script.is_unspaced() { LETTERS_OF_A_CHARACTER } else { 1 };
        }
        let count = |script: Script| letters[script as usize];
        let kana = count(Script::Hiragana) + count(Script::Katakana);
        let by_script = [
            (count(Script::Latin), None),
            (count(Script::Han) + kana, Some(if kana > 0 { Self::Japanese } else { Self::Chinese })),
            (count(Script::Hangul), Some(Self::Korean)),
            (count(Script::Thai), Some(Self::Thai)),
            (count(Script::Cyrillic), Some(Self::Russian)),
            (count(Script::Arabic), Some(Self::Arabic)),
            (count(Script::Devanagari), Some(Self::Hindi)),
            (count(Script::Greek), Some(Self::Greek)),
            (count(Script::Hebrew), Some(Self::Hebrew)),
        ];
        let (most, language) = by_script.into_iter().max_by_key(|(letters, _)| *letters)?;
        match (most, language) {
            (0, _) => None,
            (_, None) => Self::of_latin(text),
            (_, language) => language,
        }
    }

    /// The language whose function words and letters a text in Latin script has most of.
    fn of_latin(text: &str) -> Option<Self> {
        let end = text.char_indices().nth(EXAMINED_CHARS).map_or(text.len(), |(end, _)| end);
        let beginning = &text[..end];
        let mut scores = [0_usize; Self::LATIN.len()];
        for word in words(beginning) {
            let of = stop_words::latin_languages_of(&word.lower);
            for (index, score) in scores.iter_mut().enumerate() {
                *score += 2 * usize::from(of & (1 << index) != 0);
            }
        }
        for c in beginning.chars().filter(|c| !c.is_ascii()) {
            for (language, score) in Self::LATIN.iter().zip(&mut scores) {
                *score += usize::from(language.letters().contains(c));
            }
        }
        // Of equal scores, the first language is taken.
        let (score, best) = scores.into_iter().zip(Self::LATIN).rev().max_by_key(|(score, _)| *score)?;
        (score > 0).then_some(best)
    }

    /// Letters that few other languages have; none is of ASCII.
    const fn letters(self) -> &'static str {
        match self {
            Self::German => "äöüßÄÖÜ",
            Self::French => "éèêëçœàùûîïô",
            Self::Spanish => "ñ¿¡áéíóú",
            Self::Italian => "àèéìòù",
            Self::Portuguese => "ãõçáâéêíóú",
            Self::Swedish => "åäöÅÄÖ",
            Self::Danish | Self::Norwegian => "æøåÆØÅ",
            _ => "",
        }
    }

    /// Whether a word in lower case is too common to distinguish texts.
    pub fn is_stop_word(self, lower: &str) -> bool {
        stop_words::of(self).binary_search(&lower).is_ok()
    }

    /// The stem of a word in lower case; the word itself in a language without a stemmer.
    pub fn stem(self, lower: &str) -> String {
        let algorithm = match self {
            Self::English => Algorithm::English,
            Self::German => Algorithm::German,
            Self::French => Algorithm::French,
            Self::Spanish => Algorithm::Spanish,
            Self::Italian => Algorithm::Italian,
            Self::Portuguese => Algorithm::Portuguese,
            Self::Dutch => Algorithm::Dutch,
            Self::Swedish => Algorithm::Swedish,
            Self::Danish => Algorithm::Danish,
            Self::Norwegian => Algorithm::Norwegian,
            Self::Russian => Algorithm::Russian,
            Self::Greek => Algorithm::Greek,
            Self::Arabic => Algorithm::Arabic,
            Self::Hindi | Self::Hebrew | Self::Thai | Self::Chinese | Self::Japanese | Self::Korean => {
                return lower.to_owned();
            }
        };
        Stemmer::create(algorithm).stem(lower).into_owned()
    }

    /// The two letters of ISO 639-1.
    pub const fn code(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::German => "de",
            Self::French => "fr",
            Self::Spanish => "es",
            Self::Italian => "it",
            Self::Portuguese => "pt",
            Self::Dutch => "nl",
            Self::Swedish => "sv",
            Self::Danish => "da",
            Self::Norwegian => "no",
            Self::Russian => "ru",
            Self::Greek => "el",
            Self::Arabic => "ar",
            Self::Hindi => "hi",
            Self::Hebrew => "he",
            Self::Thai => "th",
            Self::Chinese => "zh",
            Self::Japanese => "ja",
            Self::Korean => "ko",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_question_names_its_language() {
        for (text, language) in [
            ("How do I borrow a bicycle?", Language::English),
            ("Wie leihe ich ein Fahrrad aus?", Language::German),
            ("Und von welchem Pier?", Language::German),
            ("Comment est-ce que je loue un vélo ?", Language::French),
            ("¿Cuánto cuesta alquilar una bicicleta?", Language::Spanish),
            ("Come si noleggia una bicicletta?", Language::Italian),
            ("Quanto custa alugar uma bicicleta?", Language::Portuguese),
            ("Hoeveel kost het huren van een fiets?", Language::Dutch),
            ("Как взять велосипед напрокат?", Language::Russian),
            ("自行车怎么借？", Language::Chinese),
            ("自転車はどこで借りますか", Language::Japanese),
            ("자전거는 어디서 빌려요?", Language::Korean),
            ("साइकिल कहाँ मिलती है?", Language::Hindi),
            ("كيف أستأجر دراجة؟", Language::Arabic),
            ("เช่าจักรยานได้ที่ไหน", Language::Thai),
            ("useState 怎么用？", Language::Chinese),
        ] {
            assert_eq!(Language::of(text), Some(language), "{text}");
        }
        assert_eq!(Language::of("42 + 7"), None);
    }
}

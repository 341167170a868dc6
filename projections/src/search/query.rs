//! The search language: what the user typed, and its form for Postgres.

use std::fmt::Write as _;

use sealing::BlindKey;
use words::Language;

use super::words::{is_common, stem, stems, words};

/// The most words and phrases of a search; those after them are ignored.
const MAX_WORDS: usize = 32;
/// The shortest prefix that is searched for as a prefix, in characters.
const MIN_PREFIX_CHARACTERS: usize = 3;

/// A parsed search. Its parts have to occur in the text, all of them.
///
/// A part is a word in any of its forms, a `"quoted phrase"` exactly as written, or the prefix of a word
/// (`begin*`). The last word is always a prefix too, because the user may still be typing it. Stop words are
/// left out unless there is nothing else; inside a phrase they count as distance. Characters of a script
/// without spaces have to follow each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchQuery {
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Word {
        lower: String,
        /// The stems in all languages.
        stems: Vec<String>,
        prefix: bool,
    },
    /// Words in lower case, each with its distance to the word before.
    Phrase(Vec<(String, usize)>),
}

impl SearchQuery {
    /// Parses the text of a search; `None` if it contains punctuation only.
    pub fn parse(typed: &str) -> Option<Self> {
        let typed = &*words::normalized(typed);
        let parts = Self::parts(typed, true);
        // `who` alone may mean the WHO: stop words are found where the text has them in capital letters.
        let mut parts = if parts.is_empty() { Self::parts(typed, false) } else { parts };
        if let Some(Part::Word { prefix, .. }) = parts.last_mut()
            && typed.ends_with(char::is_alphanumeric)
        {
            *prefix = true;
        }
        parts.truncate(MAX_WORDS);
        (!parts.is_empty()).then_some(Self { parts })
    }

    fn parts(typed: &str, without_stop_words: bool) -> Vec<Part> {
        let mut parts = Vec::new();
        let quotes = typed.split('"').collect::<Vec<_>>();
        let sections = quotes.len();
        for (index, section) in quotes.into_iter().enumerate() {
            // An odd section stands between two quotation marks. A last quotation mark without
            // a partner is ignored.
            if index % 2 == 1 && index + 1 < sections {
                parts.extend(Part::phrase(section, without_stop_words));
            } else {
                parts.extend(Part::words(section, without_stop_words));
            }
        }
        parts
    }

    /// The text form of a tsquery over blind lexemes.
    pub(super) fn tsquery(&self, key: &BlindKey) -> String {
        let parts: Vec<String> = self.parts.iter().map(|part| part.tsquery(key)).collect();
        parts.join(" & ")
    }

    /// Whether a word of a text in a language, in lower case, is one of the words searched for.
    ///
    /// A stem begins with the letter of its word, so that few words of a text are stemmed.
    pub(super) fn matches(&self, lower: &str, language: Language) -> bool {
        let first = lower.chars().next();
        let begins = |word: &str| word.chars().next() == first;
        // Earlier releases indexed all texts by their English stems.
        let stems = || [stem(lower, language), stem(lower, Language::English)];
        let mut stemmed: Option<[String; 2]> = None;
        self.parts.iter().any(|part| match part {
            Part::Word { lower: word, stems: wanted, prefix } if begins(word) => {
                let mut shares_stem =
                    || stemmed.get_or_insert_with(stems).iter().any(|stem| wanted.contains(stem));
                word == lower || (*prefix && is_long_prefix(word) && lower.starts_with(word)) || shares_stem()
            }
            Part::Phrase(phrase) => phrase
                .iter()
                .filter(|(word, _)| begins(word))
                .any(|(word, _)| word == lower || stemmed.get_or_insert_with(stems).contains(word)),
            Part::Word { .. } => false,
        })
    }
}

impl Part {
    /// The words of a section. Characters of scripts without spaces that follow each other are a phrase.
    fn words(section: &str, without_stop_words: bool) -> Vec<Self> {
        let mut parts: Vec<Self> = Vec::new();
        let mut end_of_characters = None;
        for word in words(section).take(MAX_WORDS) {
            if word.lower.chars().all(words::is_unspaced) {
                match parts.last_mut() {
                    Some(Self::Phrase(phrase)) if end_of_characters == Some(word.start) => {
                        phrase.push((word.lower, 1));
                    }
                    _ => parts.push(Self::Phrase(vec![(word.lower, 1)])),
                }
                end_of_characters = Some(word.end);
            } else if !(without_stop_words && is_common(&word)) {
                let prefix = section.get(word.end..).is_some_and(|rest| rest.starts_with('*'));
                parts.push(Self::Word { prefix, stems: stems(&word.lower), lower: word.lower });
            }
        }
        parts
    }

    fn phrase(section: &str, without_stop_words: bool) -> Option<Self> {
        let mut distance = 0;
        let mut phrase: Vec<(String, usize)> = Vec::new();
        for word in words(section).take(MAX_WORDS) {
            distance += 1;
            if !(without_stop_words && is_common(&word)) {
                phrase.push((word.lower, std::mem::take(&mut distance)));
            }
        }
        (!phrase.is_empty()).then_some(Self::Phrase(phrase))
    }

    fn tsquery(&self, key: &BlindKey) -> String {
        match self {
            Self::Word { lower, stems, prefix } => {
                let is_prefix = *prefix && is_long_prefix(lower);
                let mut query =
                    format!("('{}'{}", key.lexeme(lower).as_str(), if is_prefix { ":*" } else { "" });
                for stem in stems.iter().filter(|stem| *stem != lower) {
                    let _ = write!(query, " | '{}'", key.lexeme(stem).as_str());
                }
                query.push(')');
                query
            }
            Self::Phrase(phrase) => {
                let mut query = String::from("(");
                for (index, (lower, distance)) in phrase.iter().enumerate() {
                    if index > 0 {
                        let _ = write!(query, " <{distance}> ");
                    }
                    let _ = write!(query, "'{}'", key.lexeme(lower).as_str());
                }
                query.push(')');
                query
            }
        }
    }
}

fn is_long_prefix(word: &str) -> bool {
    word.chars().count() >= MIN_PREFIX_CHARACTERS
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(lower: &str, prefix: bool) -> Part {
        Part::Word { lower: lower.into(), stems: stems(lower), prefix }
    }

    #[test]
    fn a_search_is_parsed_into_words_phrases_and_prefixes() {
        let query = SearchQuery::parse(r#"Borrow "move the value" own"#).unwrap();
        let phrase = Part::Phrase(vec![("move".into(), 1), ("value".into(), 2)]);
        assert_eq!(query.parts, [word("borrow", false), phrase, word("own", true)]);
        assert_eq!(SearchQuery::parse("own* x").unwrap().parts, [word("own", true), word("x", true)]);
    }

    #[test]
    fn a_word_matches_in_other_forms_and_as_a_prefix() {
        let query = SearchQuery::parse(r#"borrowing "move the value" yell own"#).unwrap();
        for word in ["borrowed", "moved", "value", "yelled", "owner", "own"] {
            assert!(query.matches(word, Language::English), "{word}");
        }
        for word in ["sorrow", "the", "yellow", "ow", "lend"] {
            assert!(!query.matches(word, Language::English), "{word}");
        }
    }

    #[test]
    fn punctuation_alone_is_no_search_and_stop_words_alone_are_one() {
        assert_eq!(SearchQuery::parse(""), None);
        assert_eq!(SearchQuery::parse(" \"\" !!"), None);
        assert_eq!(SearchQuery::parse("who").unwrap().parts, [word("who", true)]);
        assert_eq!(SearchQuery::parse("THE owner").unwrap().parts, [word("owner", true)]);
        assert_eq!(SearchQuery::parse("\"WHO\"").unwrap().parts, [Part::Phrase(vec![("who".into(), 1)])]);
    }

    #[test]
    fn characters_without_spaces_are_phrases() {
        let phrase =
            |characters: &str| Part::Phrase(characters.chars().map(|c| (c.to_string(), 1)).collect());
        assert_eq!(
            SearchQuery::parse("서울 부산 x*").unwrap().parts,
            [phrase("서울"), phrase("부산"), word("x", true)]
        );
        assert_eq!(
            SearchQuery::parse("\u{1109}\u{1165}\u{110b}\u{116e}\u{11af}"),
            SearchQuery::parse("서울")
        );
    }

    #[test]
    fn a_word_matches_in_its_other_forms_in_its_language() {
        assert!(SearchQuery::parse("Verträge mehr").unwrap().matches("vertrag", Language::German));
        assert!(SearchQuery::parse("générale x").unwrap().matches("générales", Language::French));
    }

    #[test]
    fn a_quotation_mark_without_a_partner_is_ignored() {
        assert_eq!(SearchQuery::parse("\"borrow").unwrap().parts, [word("borrow", true)]);
    }
}

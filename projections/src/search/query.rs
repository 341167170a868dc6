//! The search language: what the user typed, and its form for Postgres.

use std::fmt::Write as _;

use sealing::BlindKey;

use super::words::{is_stop_word, stem, words};

/// The most words and phrases of a search; those after them are ignored.
const MAX_WORDS: usize = 32;
/// The shortest prefix that is searched for as a prefix, in characters.
const MIN_PREFIX_CHARACTERS: usize = 3;

/// A parsed search. Its parts have to occur in the text, all of them.
///
/// A part is a word in any of its forms, a `"quoted phrase"` exactly as written, or the prefix of a word
/// (`begin*`). The last word is always a prefix too, because the user may still be typing it. Stop words are
/// left out; inside a phrase they count as distance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchQuery {
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Word {
        lower: String,
        stem: String,
        prefix: bool,
    },
    /// Words in lower case, each with its distance to the word before.
    Phrase(Vec<(String, usize)>),
}

impl SearchQuery {
    /// Parses the text of a search; `None` if it contains stop words and punctuation only.
    pub fn parse(typed: &str) -> Option<Self> {
        let mut parts = Vec::new();
        let quotes = typed.split('"').collect::<Vec<_>>();
        let sections = quotes.len();
        for (index, section) in quotes.into_iter().enumerate() {
            // An odd section stands between two quotation marks. A last quotation mark without
            // a partner is ignored.
            if index % 2 == 1 && index + 1 < sections {
                parts.extend(Part::phrase(section));
            } else {
                parts.extend(words(section).filter(|word| !is_stop_word(&word.lower)).map(|word| {
                    Part::Word {
                        prefix: section.get(word.end..).is_some_and(|rest| rest.starts_with('*')),
                        stem: stem(&word.lower),
                        lower: word.lower,
                    }
                }));
            }
        }
        if let Some(Part::Word { prefix, .. }) = parts.last_mut()
            && typed.ends_with(char::is_alphanumeric)
        {
            *prefix = true;
        }
        parts.truncate(MAX_WORDS);
        (!parts.is_empty()).then_some(Self { parts })
    }

    /// The text form of a tsquery over blind lexemes.
    pub(super) fn tsquery(&self, key: &BlindKey) -> String {
        let parts: Vec<String> = self.parts.iter().map(|part| part.tsquery(key)).collect();
        parts.join(" & ")
    }

    /// Whether a word of a text, in lower case, is one of the words searched for.
    ///
    /// A stem begins with the letter of its word, so that few words of a text are stemmed.
    pub(super) fn matches(&self, lower: &str) -> bool {
        let first = lower.chars().next();
        let begins = |word: &str| word.chars().next() == first;
        let mut stemmed = None;
        self.parts.iter().any(|part| match part {
            Part::Word { lower: word, stem: wanted, prefix } if begins(word) => {
                (*prefix && is_long_prefix(word) && lower.starts_with(word))
                    || wanted == stemmed.get_or_insert_with(|| stem(lower))
            }
            Part::Phrase(phrase) => phrase
                .iter()
                .filter(|(word, _)| begins(word))
                .any(|(word, _)| word == lower || word == stemmed.get_or_insert_with(|| stem(lower))),
            Part::Word { .. } => false,
        })
    }
}

impl Part {
    fn phrase(section: &str) -> Option<Self> {
        let mut distance = 0;
        let mut phrase: Vec<(String, usize)> = Vec::new();
        for word in words(section).take(MAX_WORDS) {
            distance += 1;
            if !is_stop_word(&word.lower) {
                phrase.push((word.lower, std::mem::take(&mut distance)));
            }
        }
        (!phrase.is_empty()).then_some(Self::Phrase(phrase))
    }

    fn tsquery(&self, key: &BlindKey) -> String {
        match self {
            Self::Word { lower, stem, prefix: true } if is_long_prefix(lower) => {
                format!("('{}' | '{}':*)", key.lexeme(stem).as_str(), key.lexeme(lower).as_str())
            }
            Self::Word { stem, .. } => format!("'{}'", key.lexeme(stem).as_str()),
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
        Part::Word { lower: lower.into(), stem: stem(lower), prefix }
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
            assert!(query.matches(word), "{word}");
        }
        for word in ["sorrow", "the", "yellow", "ow", "lend"] {
            assert!(!query.matches(word), "{word}");
        }
    }

    #[test]
    fn stop_words_and_punctuation_alone_are_no_search() {
        assert_eq!(SearchQuery::parse(""), None);
        assert_eq!(SearchQuery::parse(" \"\" the !!"), None);
    }

    #[test]
    fn a_quotation_mark_without_a_partner_is_ignored() {
        assert_eq!(SearchQuery::parse("\"borrow").unwrap().parts, [word("borrow", true)]);
    }
}

//! The terms by which a question finds a passage: stems without stop words, identifiers and part numbers both
//! whole and in parts, and pairs of characters in scripts without spaces.
//!
//! A stem of a language other than English is marked with it, so that equal stems of different words stay
//! apart. A question asks for the stems of its words in every language, because a few words do
//! not tell theirs.

mod token;

use std::borrow::Borrow;
use std::collections::BTreeSet;

use crate::language::Language;
use crate::script::Script;
use crate::tokens::normalized;
use token::{Token, character_terms, tokens};

/// A word of a question from this length on may be a compound.
const MIN_COMPOUND_CHARS: usize = 9;
const MAX_COMPOUND_CHARS: usize = 32;
/// The shortest part of a compound.
const MIN_PART_CHARS: usize = 4;
/// The weight of a part of a compound: most parts are none, and are found nowhere.
const PART_WEIGHT: f32 = 0.4;
/// What German and Scandinavian compounds put between their parts.
const LINKS: [&str; 4] = ["s", "es", "n", "en"];
/// The longest number that is an amount rather than a name.
const MAX_AMOUNT_DIGITS: usize = 2;
/// Pairs of characters of question words, which stand in few passages but tell nothing.
const ASKING_PAIRS: [&str; 34] = [
    "个是", "为什", "么样", "什么", "哪个", "哪些", "哪里", "多久", "多少", "如何", "怎么", "怎样", "是否",
    "的吗", "の何", "何が", "何で", "何の", "何を", "何日", "幾つ", "教え", "方は", "까요", "나요", "누가",
    "니까", "무엇", "어디", "어떤", "어떻", "언제", "얼마", "인가",
];

/// Verbs with which a request begins.
const ASKING_VERBS: [&str; 30] = [
    "add",
    "calculate",
    "check",
    "compare",
    "count",
    "create",
    "define",
    "describe",
    "difference",
    "draft",
    "explain",
    "find",
    "give",
    "help",
    "hello",
    "hi",
    "list",
    "look",
    "name",
    "please",
    "quote",
    "say",
    "search",
    "show",
    "summarise",
    "summarize",
    "tell",
    "translate",
    "use",
    "write",
];

/// A word of a question, which is found by any of its forms.
#[derive(Debug, Clone, PartialEq)]
pub struct QuestionTerm {
    /// The terms with their weights, each once.
    pub forms: Vec<(String, f32)>,
    /// Whether the word is written like a name, a number or an identifier, which is the same
    /// in other languages.
    pub is_name: bool,
}

impl QuestionTerm {
    /// The highest weight of its forms among the terms of a passage; 0 without one.
    pub fn weight_in<T: Borrow<str> + Ord>(&self, passage: &BTreeSet<T>) -> f32 {
        let found = self.forms.iter().filter(|(form, _)| passage.contains(form.as_str()));
        found.map(|(_, weight)| *weight).fold(0.0, f32::max)
    }
}

/// Returns the terms of a passage in order, with repetitions. `language` is that of the passage.
pub fn of_passage(text: &str, language: Option<Language>) -> Vec<String> {
    let language = language.unwrap_or(Language::English);
    let mut terms = Vec::new();
    for token in tokens(&normalized(text)) {
        match token {
            Token::Whole(whole) => terms.push(whole),
            Token::Word { lower, is_acronym, .. } => {
                if is_acronym || !language.is_stop_word(&lower) {
                    terms.push(tagged(language, &lower));
                }
            }
            Token::Characters(run) => terms.extend(character_terms(&run)),
        }
    }
    terms
}

/// Returns the terms of a question, each once.
pub fn of_question(text: &str) -> Vec<QuestionTerm> {
    let text = normalized(text);
    let language = Language::of(&text);
    let is_stop_word = |lower: &str| {
        [language.unwrap_or(Language::English), Language::English].iter().any(|l| l.is_stop_word(lower))
    };
    let mut seen = BTreeSet::new();
    let mut terms = Vec::new();
    let mut endings = BTreeSet::new();
    let mut push = |key: String, forms: Vec<(String, f32)>, is_name: bool| {
        if seen.insert(key) {
            terms.push(QuestionTerm { forms, is_name });
        }
    };
    for token in tokens(&text) {
        match token {
            Token::Whole(whole) => push(whole.clone(), vec![(whole, 1.0)], true),
            Token::Word { lower, is_acronym, is_capital, is_first, is_part } => {
                if is_acronym || !is_stop_word(&lower) {
                    let is_capital = is_capital && (!is_first || may_begin_with_name(&lower, language));
                    let is_name = !is_part && (is_acronym || is_name(&lower, is_capital, language));
                    push(Language::English.stem(&lower), word_forms(&lower, language), is_name);
                }
            }
            Token::Characters(run) => {
                for term in character_terms(&run) {
                    if ASKING_PAIRS.contains(&term.as_str()) {
                        continue;
                    }
                    if is_ending(&term) {
                        endings.insert(term);
                    } else {
                        push(term.clone(), vec![(term, 1.0)], false);
                    }
                }
            }
        }
    }
    if terms.is_empty() {
        let term = |ending| QuestionTerm { forms: vec![(ending, 1.0)], is_name: false };
        terms.extend(endings.into_iter().map(term));
    }
    terms
}

/// Whether a pair of characters is the end of a Japanese word with its ending, or the limit of two words. In a
/// question such pairs tell little, and they are as many as those that tell something.
fn is_ending(term: &str) -> bool {
    let is_hiragana = |c: &char| Script::of(*c) == Script::Hiragana;
    term.chars().count() == 2 && term.chars().filter(is_hiragana).count() == 1
}

/// Whether a word of a question is a name: it has a digit, is in Latin script in a language of another
/// script, or has a capital letter in a language that writes other nouns small. A number of one or two digits
/// is rather an amount.
fn is_name(lower: &str, is_capital: bool, language: Option<Language>) -> bool {
    let is_latin = lower.chars().next().is_some_and(|c| Script::of(c) == Script::Latin);
    let in_other_script = language.is_some_and(|language| !Language::LATIN.contains(&language));
    let is_amount = lower.len() <= MAX_AMOUNT_DIGITS && lower.bytes().all(|b| b.is_ascii_digit());
    (lower.chars().any(|c| c.is_ascii_digit()) && !is_amount)
        || (is_latin && in_other_script)
        || (is_capital && language != Some(Language::German))
}

/// Whether the first word of a question is a name if it has a capital letter. In English most are that are
/// neither function words nor ask for something.
fn may_begin_with_name(lower: &str, language: Option<Language>) -> bool {
    matches!(language, None | Some(Language::English)) && !ASKING_VERBS.contains(&lower)
}

/// The stems of a word in all languages of its script, and the parts of a compound.
fn word_forms(lower: &str, language: Option<Language>) -> Vec<(String, f32)> {
    let first = lower.chars().next().map_or(Script::Other, Script::of);
    if first != Script::Latin {
        return vec![(tagged(language.unwrap_or(Language::English), lower), 1.0)];
    }
    let stems: BTreeSet<String> =
        Language::LATIN.into_iter().map(|language| tagged(language, lower)).collect();
    let mut forms: Vec<(String, f32)> = stems.into_iter().map(|stem| (stem, 1.0)).collect();
    if let Some(
        language @ (Language::German
        | Language::Dutch
        | Language::Swedish
        | Language::Danish
        | Language::Norwegian),
    ) = language
    {
        for part in compound_parts(lower) {
            let part = tagged(language, part);
            if !forms.iter().any(|(form, _)| *form == part) {
                forms.push((part, PART_WEIGHT));
            }
        }
    }
    forms
}

/// The parts that a compound may consist of: all beginnings and ends that are long enough.
fn compound_parts(lower: &str) -> Vec<&str> {
    let chars = lower.chars().count();
    if !(MIN_COMPOUND_CHARS..=MAX_COMPOUND_CHARS).contains(&chars) {
        return Vec::new();
    }
    let mut parts = Vec::new();
    let splits = lower.char_indices().map(|(at, _)| at).skip(MIN_PART_CHARS);
    for at in splits.take(chars + 1 - 2 * MIN_PART_CHARS) {
        let (head, tail) = lower.split_at(at);
        parts.extend([head, tail]);
        let unlinked = LINKS.iter().filter_map(|link| head.strip_suffix(link));
        parts.extend(unlinked.filter(|head| head.chars().count() >= MIN_PART_CHARS));
    }
    parts
}

/// The stem of a word, marked with its language where that is not clear.
fn tagged(language: Language, lower: &str) -> String {
    if lower.chars().any(|c| c.is_ascii_digit()) {
        return lower.to_owned();
    }
    if !lower.chars().next().is_some_and(|c| Script::of(c) == Script::Latin) {
        return language.stem(lower);
    }
    match language {
        Language::English => language.stem(lower),
        // The names and identifiers in a text of another script.
        _ if !Language::LATIN.contains(&language) => Language::English.stem(lower),
        _ => format!("{}:{}", language.code(), language.stem(lower)),
    }
}

#[cfg(test)]
mod tests;

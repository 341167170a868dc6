//! Makes a question that leans on the conversation ("and how do I undo that?") searchable by itself.

mod rewritten;

use std::borrow::Cow;

use crate::vocabulary::Turn;
pub(crate) use rewritten::rewritten;

/// A question with more words than this says what it is about.
const SHORT: usize = 9;
/// Words that point back at something said before.
const POINTING_BACK: [&str; 22] = [
    "above", "again", "former", "he", "her", "his", "instead", "it", "its", "latter", "one", "ones", "same",
    "she", "such", "that", "their", "them", "these", "they", "this", "those",
];
/// How a question goes on from the one before.
const GOING_ON: [&str; 12] = [
    "and",
    "but",
    "or",
    "so",
    "then",
    "also",
    "what about",
    "how about",
    "why",
    "why not",
    "and why",
    "for example",
];

/// The question, with the one before in front when it leans on it.
pub fn standing_alone<'a>(question: &'a str, history: &[Turn]) -> Cow<'a, str> {
    let before = history.iter().rev().find_map(|turn| match turn {
        Turn::Question(text) => Some(text.as_str()),
        Turn::Answer(_) => None,
    });
    match before {
        Some(before) if leans(question) => Cow::Owned(format!("{before} {question}")),
        _ => Cow::Borrowed(question),
    }
}

/// Whether it says what it is about only together with what was said before.
pub(crate) fn leans(question: &str) -> bool {
    let question = question.to_lowercase();
    let words: Vec<&str> =
        question.split(|c: char| !c.is_alphanumeric() && c != '\'').filter(|word| !word.is_empty()).collect();
    let line = words.join(" ");
    let goes_on = GOING_ON
        .iter()
        .any(|start| line.strip_prefix(start).is_some_and(|rest| rest.is_empty() || rest.starts_with(' ')));
    words.len() <= SHORT && (goes_on || words.iter().any(|word| POINTING_BACK.contains(word)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn history() -> [Turn; 2] {
        [Turn::Question("How do I create a branch in git?".into()), Turn::Answer("With git branch.".into())]
    }

    #[test]
    fn a_leaning_question_brings_the_one_before() {
        for question in ["and how do I undo that?", "Why?", "What about tags?", "Can I rename it"] {
            let text = standing_alone(question, &history());
            assert!(text.contains("create a branch") && text.ends_with(question), "{question}");
        }
    }

    #[test]
    fn a_question_that_stands_alone_stays_as_it_is() {
        for question in
            ["How do I install Docker?", "What are the limits of a database in the free plan of the service?"]
        {
            assert_eq!(standing_alone(question, &history()), question);
        }
        assert_eq!(standing_alone("and that?", &[]), "and that?");
    }
}

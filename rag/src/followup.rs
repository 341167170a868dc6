//! Turns a follow-up question ("and how do I undo that?") into a query that can be searched without
//! the conversation.

mod rewrite;

use std::borrow::Cow;

use crate::vocabulary::Turn;
pub(crate) use rewrite::rewrite;

/// The longest follow-up question. A longer question names its subject.
const MAX_FOLLOWUP_WORDS: usize = 9;
/// Words that refer to an earlier turn.
const REFERRING_WORDS: [&str; 22] = [
    "above", "again", "former", "he", "her", "his", "instead", "it", "its", "latter", "one", "ones", "same",
    "she", "such", "that", "their", "them", "these", "they", "this", "those",
];
/// Beginnings of a question that continue the one before it.
const CONTINUATIONS: [&str; 12] = [
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

/// Returns the query to search for: the question, preceded by the one before it if it is a
/// follow-up question.
pub(crate) fn search_query<'a>(question: &'a str, history: &[Turn]) -> Cow<'a, str> {
    let previous = history.iter().rev().find_map(|turn| match turn {
        Turn::Question(text) => Some(text.as_str()),
        Turn::Answer(_) => None,
    });
    match previous {
        Some(previous) if is_followup(question) => Cow::Owned(format!("{previous} {question}")),
        _ => Cow::Borrowed(question),
    }
}

/// Whether the question can be understood only with the conversation before it.
pub(crate) fn is_followup(question: &str) -> bool {
    let question = question.to_lowercase();
    let words: Vec<&str> =
        question.split(|c: char| !c.is_alphanumeric() && c != '\'').filter(|word| !word.is_empty()).collect();
    let line = words.join(" ");
    let continues = CONTINUATIONS
        .iter()
        .any(|start| line.strip_prefix(start).is_some_and(|rest| rest.is_empty() || rest.starts_with(' ')));
    words.len() <= MAX_FOLLOWUP_WORDS
        && (continues || words.iter().any(|word| REFERRING_WORDS.contains(word)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn history() -> [Turn; 2] {
        [Turn::Question("How do I create a branch in git?".into()), Turn::Answer("With git branch.".into())]
    }

    #[test]
    fn a_followup_question_is_searched_with_the_one_before_it() {
        for question in ["and how do I undo that?", "Why?", "What about tags?", "Can I rename it"] {
            let query = search_query(question, &history());
            assert!(query.contains("create a branch") && query.ends_with(question), "{question}");
        }
    }

    #[test]
    fn a_question_that_names_its_subject_is_unchanged() {
        for question in
            ["How do I install Docker?", "What are the limits of a database in the free plan of the service?"]
        {
            assert_eq!(search_query(question, &history()), question);
        }
        assert_eq!(search_query("and that?", &[]), "and that?");
    }
}

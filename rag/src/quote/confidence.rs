//! How sure it is that the sources answer a question. A question about something else has near passages too,
//! but no source has its words, above all its names.

use std::collections::BTreeSet;

use words::{Language, QuestionTerm};

use crate::vocabulary::Source;

/// The least confidence. Below it the question is refused. Limit and weights come from a logistic regression
/// on 49 unanswerable and 356 answerable questions of seven sets in six languages, each set with the same
/// weight, rounded. The limit refuses 8 % of what the documents answer. The confidence in the best segment has
/// the weight 1.
const MIN_CONFIDENCE: f32 = 2.49;
/// The weight of the fused score of the first source.
const SOURCE_WEIGHT: f32 = 1.75;
/// The weight of the share of words that the best source has.
const WORDS_WEIGHT: f32 = 1.2;
/// The weight of the share of names that the best source has.
const NAMES_WEIGHT: f32 = 0.75;
/// What stands for the share of names in a question without one. Questions with names that all occur are
/// unanswerable more often.
const WITHOUT_NAMES: f32 = 1.5;
/// The share of words in a source of another language, where the question has no name to look for.
const UNKNOWN_SHARE: f32 = 0.8;

/// The shares of a question's words that one source has, from 0 to 1, each of the source that has most.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Coverage {
    /// The share of all words. Of a question in another language than the sources, the share of its names.
    pub(super) words: f32,
    /// The share of names, numbers and identifiers; `None` in a question without one.
    pub(super) names: Option<f32>,
}

impl Coverage {
    /// Looks for the words of a question in the texts, titles and headings of the sources. `terms` are those
    /// of the question, `languages` those of the sources.
    pub(super) fn of(
        question: &str,
        terms: &[QuestionTerm],
        sources: &[Source],
        languages: &[Option<Language>],
    ) -> Self {
        let found: Vec<BTreeSet<String>> =
            sources.iter().zip(languages).map(|(source, language)| terms_of(source, *language)).collect();
        let names: Vec<&QuestionTerm> = terms.iter().filter(|term| term.is_name).collect();
        let of_names = best_share(&names, &found);
        let asked = Language::of(question);
        let is_foreign = asked.is_some() && !languages.contains(&asked);
        let of_words = if is_foreign {
            of_names.unwrap_or(UNKNOWN_SHARE)
        } else {
            best_share(&terms.iter().collect::<Vec<_>>(), &found).unwrap_or(1.0)
        };
        Self { words: of_words, names: of_names }
    }

    /// Whether the sources answer the question. `segment` is the highest confidence in one of their segments:
    /// its score, raised by its share of the question's terms. `source` is the score of the first source.
    pub(super) fn is_enough(self, segment: f32, source: f32) -> bool {
        let Self { words, names } = self;
        let confidence = segment
            + SOURCE_WEIGHT * source
            + WORDS_WEIGHT * words
            + NAMES_WEIGHT * names.unwrap_or(WITHOUT_NAMES);
        tracing::debug!(confidence, segment, source, words, names, "confidence");
        confidence >= MIN_CONFIDENCE
    }
}

fn terms_of(source: &Source, language: Option<Language>) -> BTreeSet<String> {
    let context = words::of_passage(&source.passage.context(), language);
    context.into_iter().chain(words::of_passage(&source.passage.text, language)).collect()
}

/// The share of terms that the source with most of them has in any form; `None` of no terms.
#[expect(clippy::cast_precision_loss, reason = "a question has few terms")]
fn best_share(terms: &[&QuestionTerm], sources: &[BTreeSet<String>]) -> Option<f32> {
    let share = |found: &BTreeSet<String>| {
        terms.iter().map(|term| term.weight_in(found)).sum::<f32>() / terms.len() as f32
    };
    (!terms.is_empty()).then(|| sources.iter().map(share).fold(0.0, f32::max))
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::vocabulary::{DocumentId, PassageId, PassageText};

    fn coverage(question: &str, texts: &[&str]) -> Coverage {
        let source = |text: &&str| Source {
            id: PassageId { document_id: DocumentId::from(Uuid::nil()), ordinal: 0 },
            passage: PassageText { title: String::new(), heading: vec![], place: None, text: (*text).into() },
            score: 0.5,
            relevance: 0.5,
            merged: 0,
        };
        let languages: Vec<_> = texts.iter().map(|text| Language::of(text)).collect();
        let sources: Vec<_> = texts.iter().map(source).collect();
        Coverage::of(question, &words::of_question(question), &sources, &languages)
    }

    #[test]
    fn a_question_about_a_name_that_no_source_has_is_refused() {
        let asked = "How do I put a sail plan on the Marlwick registry?";
        let about_plans = coverage(asked, &["You put the sail plan on the board in the hall of the club."]);
        assert!(!about_plans.is_enough(0.6, 0.4), "{about_plans:?}");
        let about_it = coverage(asked, &["You put the sail plan on the Marlwick board."]);
        assert!(about_it.is_enough(0.6, 0.4), "{about_it:?}");
    }

    #[test]
    fn names_in_a_text_of_another_script_are_found() {
        let found = coverage("Pelorus 的默认端口是多少？", &["使用 Pelorus 时，默认端口是 4471。"]);
        assert!(found.names.is_some_and(|names| names > 0.99) && found.is_enough(0.6, 0.5), "{found:?}");
        let missing = coverage("Kestrel 的默认端口是多少？", &["使用 Pelorus 时，默认端口是 4471。"]);
        assert!(
            missing.names.is_some_and(|names| names < 0.1) && !missing.is_enough(0.7, 0.5),
            "{missing:?}"
        );
    }

    #[test]
    fn a_question_in_another_language_needs_no_words_of_the_sources() {
        let found =
            coverage("Wie lange wird der Teig geknetet?", &["The dough is kneaded for ten minutes by hand."]);
        assert!(found.is_enough(0.4, 0.4) && !found.is_enough(0.1, 0.1), "{found:?}");
    }

    #[test]
    fn a_single_document_is_enough_for_a_question_in_its_words() {
        let found = coverage("What is the keypad of the boat shed?", &["Keypad of the boat shed: heron-19"]);
        assert!(found.is_enough(0.4, 0.3), "{found:?}");
    }
}

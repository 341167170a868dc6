//! How sure it is that the sources answer a question. A question about something else has near passages too,
//! but no source has its words, above all its names.

use std::collections::BTreeSet;

use words::{Language, QuestionTerm};

use crate::vocabulary::Source;

/// The least confidence. Below it the question is refused. Limit and weights were chosen on 51 unanswerable and
/// 359 answerable questions of seven sets in six languages, each set with the same weight. The limit refuses 6 % of
/// what the documents answer. The level of the scores has the weight 1.
const MIN_CONFIDENCE: f32 = 0.625;
/// The weight of the share of words.
const WORDS_WEIGHT: f32 = 0.35;
/// The weight of the share of names.
const NAMES_WEIGHT: f32 = 0.19;
/// What stands for the share of names in a question without one. Questions with names that all occur are
/// unanswerable more often.
const WITHOUT_NAMES: f32 = 1.5;
/// Passages of a document that are at most so far from each other are near.
const NEAR_PASSAGES: u32 = 8;
/// The largest fall from the score of the first source to that of the last one that counts.
const MAX_FALL: f32 = 0.2;
/// The share of words in a source of another language, where the question has no name to look for.
const UNKNOWN_SHARE: f32 = 0.75;

/// How much of a question its sources cover. Shares are from 0 to 1, each of the source that has most together
/// with those near it: the sections of a document do not repeat its subject.
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
        let own: Vec<BTreeSet<String>> =
            sources.iter().zip(languages).map(|(source, language)| terms_of(source, *language)).collect();
        let found: Vec<BTreeSet<&str>> = sources
            .iter()
            .map(|source| {
                let near = sources.iter().zip(&own).filter(|(other, _)| are_near(source, other));
                near.flat_map(|(_, terms)| terms).map(String::as_str).collect()
            })
            .collect();
        let names: Vec<&QuestionTerm> = terms.iter().filter(|term| term.is_name).collect();
        let of_names = best_share(&names, &found);
        let is_foreign = is_foreign(question, sources, languages);
        let of_words = if is_foreign {
            of_names.unwrap_or(UNKNOWN_SHARE)
        } else {
            best_share(&terms.iter().collect::<Vec<_>>(), &found).unwrap_or(1.0)
        };
        Self { words: of_words, names: of_names }
    }

    /// Whether the sources answer the question. `level` is that of their scores.
    pub(super) fn is_enough(self, level: f32) -> bool {
        let Self { words, names } = self;
        let confidence = level + WORDS_WEIGHT * words + NAMES_WEIGHT * names.unwrap_or(WITHOUT_NAMES);
        tracing::debug!(confidence, level, words, names, "confidence");
        confidence >= MIN_CONFIDENCE
    }
}

/// The level of the scores of sources: the middle between the first and the last one, because a passage by itself
/// stands out for a question without an answer, too. Where few passages are searched, the last one tells nothing.
pub(super) fn level(sources: &[Source]) -> f32 {
    let ends = sources.first().zip(sources.last());
    ends.map_or(0.0, |(first, last)| first.score - (first.score - last.score).min(MAX_FALL) / 2.0)
}

fn terms_of(source: &Source, language: Option<Language>) -> BTreeSet<String> {
    let context = words::of_passage(&source.passage.context(), language);
    context.into_iter().chain(words::of_passage(&source.passage.text, language)).collect()
}

/// Whether a question is in another language than all of its sources. In a script other than Latin, the code in a
/// source does not count.
fn is_foreign(question: &str, sources: &[Source], languages: &[Option<Language>]) -> bool {
    let Some(asked) = Language::of(question) else { return false };
    let beside_code = |source: &Source| {
        let text = [source.passage.context().as_str(), &source.passage.text].concat();
        Language::of(&text.chars().filter(|c| !c.is_ascii()).collect::<String>())
    };
    !languages.contains(&Some(asked))
        && (Language::LATIN.contains(&asked)
            || sources.iter().all(|source| beside_code(source) != Some(asked)))
}

/// Whether two sources stand in the same part of a document.
fn are_near(a: &Source, b: &Source) -> bool {
    a.id.document_id == b.id.document_id && a.id.ordinal.abs_diff(b.id.ordinal) <= NEAR_PASSAGES
}

/// The share of terms that the place with most of them has in any form; `None` of no terms.
#[expect(clippy::cast_precision_loss, reason = "a question has few terms")]
fn best_share(terms: &[&QuestionTerm], places: &[BTreeSet<&str>]) -> Option<f32> {
    let share = |found: &BTreeSet<&str>| {
        terms.iter().map(|term| term.weight_in(found)).sum::<f32>() / terms.len() as f32
    };
    (!terms.is_empty()).then(|| places.iter().map(share).fold(0.0, f32::max))
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::vocabulary::{DocumentId, PassageId, PassageText};

    fn coverage(question: &str, texts: &[&str]) -> Coverage {
        let placed: Vec<_> = texts.iter().map(|text| (0, *text)).collect();
        coverage_at(question, &placed)
    }

    /// The coverage by passages of one document at these ordinals.
    fn coverage_at(question: &str, texts: &[(u32, &str)]) -> Coverage {
        let source = |(ordinal, text): &(u32, &str)| Source {
            id: PassageId { document_id: DocumentId::from(Uuid::nil()), ordinal: *ordinal },
            passage: PassageText { text: (*text).to_owned(), ..PassageText::default() },
            score: 0.5,
            relevance: 0.5,
            merged: 0,
        };
        let languages: Vec<_> = texts.iter().map(|(_, text)| Language::of(text)).collect();
        let sources: Vec<_> = texts.iter().map(source).collect();
        Coverage::of(question, &words::of_question(question), &sources, &languages)
    }

    #[test]
    fn a_question_about_a_name_that_no_source_has_is_refused() {
        let asked = "How do I put a sail plan on the Marlwick registry?";
        let about_plans = coverage(asked, &["You put the sail plan on the board in the hall of the club."]);
        assert!(!about_plans.is_enough(0.4), "{about_plans:?}");
        let about_it = coverage(asked, &["You put the sail plan on the Marlwick board."]);
        assert!(about_it.is_enough(0.4), "{about_it:?}");
    }

    #[test]
    fn names_in_a_text_of_another_script_are_found() {
        let found = coverage("Pelorus 的默认端口是多少？", &["使用 Pelorus 时，默认端口是 4471。"]);
        assert!(found.names.is_some_and(|names| names > 0.99) && found.is_enough(0.4), "{found:?}");
        let missing = coverage("Kestrel 的默认端口是多少？", &["使用 Pelorus 时，默认端口是 4471。"]);
        assert!(missing.names.is_some_and(|names| names < 0.1) && !missing.is_enough(0.4), "{missing:?}");
    }

    #[test]
    fn code_does_not_change_the_language_of_a_source() {
        let code =
            "リグの設定。\n\n```\nlet rig = Rig::with_options(Options::default().sail(Sail::Main))\n```";
        let found = coverage("パンの焼き方を教えてください", &[code]);
        assert!(found.words < 0.2, "{found:?}");
    }

    #[test]
    fn a_question_in_another_language_needs_no_words_of_the_sources() {
        let found =
            coverage("Wie lange wird der Teig geknetet?", &["The dough is kneaded for ten minutes by hand."]);
        assert!(found.is_enough(0.4) && !found.is_enough(0.05), "{found:?}");
    }

    #[test]
    fn a_single_document_is_enough_for_a_question_in_its_words() {
        let found = coverage("What is the keypad of the boat shed?", &["Keypad of the boat shed: heron-19"]);
        assert!(found.is_enough(0.3), "{found:?}");
    }

    #[test]
    fn the_level_of_scores_falls_with_the_last_source() {
        let level = |scores: &[f32]| {
            let source = |score: &f32| Source {
                id: PassageId { document_id: DocumentId::from(Uuid::nil()), ordinal: 0 },
                passage: PassageText::default(),
                score: *score,
                relevance: *score,
                merged: 0,
            };
            super::level(&scores.iter().map(source).collect::<Vec<_>>())
        };
        assert!(level(&[0.5]) > level(&[0.5, 0.4]) && level(&[0.5, 0.4]) > level(&[0.5, 0.3]));
        assert!((level(&[0.5, 0.3]) - level(&[0.5, 0.0])).abs() < 0.001 && level(&[]) < 0.001);
    }

    #[test]
    fn sections_near_each_other_cover_a_question_together() {
        let asked = "How soon does the dairy get a new gasket?";
        let (subject, fact) = ("The contract of the dairy.", "A new gasket arrives soon, within four hours.");
        let words = |ordinal| coverage_at(asked, &[(2, subject), (ordinal, fact)]).words;
        assert!(words(4) > words(40) && (words(40) - coverage(asked, &[fact]).words).abs() < 0.01);
    }
}

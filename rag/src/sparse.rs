//! Turns texts into sparse vectors for BM25. The weights hold the factor of term frequency and passage
//! length; the index multiplies the inverse document frequency (IDF).
//!
//! Terms become numbers in one of two kinds of id spaces. The ids of shared passages are plain hashes: their
//! text stands beside them. The ids of a user's passages are hashes under a key of the user, so that no word
//! list reverses them, and they become meaningless with the key. A question carries its terms in both spaces,
//! and one search finds both kinds of passages. The IDF of an owner's term counts the owner's passages alone.

use std::collections::BTreeMap;

use words::{Language, QuestionTerm};

use crate::vocabulary::{PassageText, TermKey};

/// The version of the way in which texts become terms, part of the names of collections. A collection of
/// another version is searched with today's terms until `colloquy reindex` has replaced it.
pub(crate) const TERMS_VERSION: u32 = 2;

/// BM25's saturation of the term frequency.
const K1: f32 = 1.2;
/// BM25's normalization by length.
const B: f32 = 0.75;
/// The average length of a passage. A constant, so that the vector of a passage does not depend on the
/// other passages.
const AVERAGE_LENGTH_TERMS: f32 = 90.0;

/// The weight of a question's term among the owner's passages. The index counts an owner's terms in few
/// passages but computes their rarity from the number of all passages, about twice the rarity of an average
/// shared term.
const OWN_TERM_WEIGHT: f32 = 0.5;

/// The id space of a passage's terms.
#[derive(Debug, Clone, Copy)]
pub enum TermSpace<'a> {
    /// The ids of shared passages.
    Shared,
    /// The ids of the passages of the owner of this key.
    Owner(&'a TermKey),
}

impl TermSpace<'_> {
    /// Hashes a term to 32 bits. A vocabulary of 100,000 terms has about one collision.
    fn term_id(self, term: &str) -> u32 {
        let hash = match self {
            Self::Shared => blake3::hash(term.as_bytes()),
            Self::Owner(key) => blake3::keyed_hash(key.as_bytes(), term.as_bytes()),
        };
        let bytes = hash.as_bytes();
        u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])
    }
}

/// A sparse vector of terms.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SparseVector {
    /// The term ids, ascending. An id is a hash of the stem in an id space.
    pub indices: Vec<u32>,
    /// The weights, one for each id.
    pub values: Vec<f32>,
}

impl SparseVector {
    /// Weights the terms of a passage. Title and headings count like its text.
    pub fn of_passage(passage: &PassageText, space: TermSpace<'_>) -> Self {
        let mut counts: BTreeMap<u32, f32> = BTreeMap::new();
        let mut length = 0.0_f32;
        let context = passage.context();
        let language = Language::of(&passage.text).or_else(|| Language::of(&context));
        let terms = words::of_passage(&context, language).into_iter();
        for term in terms.chain(words::of_passage(&passage.text, language)) {
            *counts.entry(space.term_id(&term)).or_default() += 1.0;
            length += 1.0;
        }
        let discount = K1 * (1.0 - B + B * length / AVERAGE_LENGTH_TERMS);
        let (indices, values) =
            counts.into_iter().map(|(term, count)| (term, count * (K1 + 1.0) / (count + discount))).unzip();
        Self { indices, values }
    }

    /// The terms of a question in the id space of shared passages.
    pub fn of_query(question: &str) -> Self {
        Self::of_question(question, None)
    }

    /// The terms of a question in the id space of shared passages and in that of an owner's.
    pub fn of_question(question: &str, own: Option<&TermKey>) -> Self {
        Self::of_terms(&words::of_question(question), own)
    }

    /// The same for terms that are made already.
    pub(crate) fn of_terms(terms: &[QuestionTerm], own: Option<&TermKey>) -> Self {
        let spaces = std::iter::once((TermSpace::Shared, 1.0))
            .chain(own.map(|key| (TermSpace::Owner(key), OWN_TERM_WEIGHT)));
        let mut weights: BTreeMap<u32, f32> = BTreeMap::new();
        for (space, share) in spaces {
            for (form, weight) in terms.iter().flat_map(|term| &term.forms) {
                let entry = weights.entry(space.term_id(form)).or_default();
                *entry = entry.max(weight * share);
            }
        }
        let (indices, values) = weights.into_iter().unzip();
        Self { indices, values }
    }

    /// Whether the vector has no term.
    pub fn is_empty(&self) -> bool {
        self.indices.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passage(heading: &str, text: &str) -> PassageText {
        PassageText { heading: vec![heading.into()], text: text.into(), ..PassageText::default() }
    }

    fn weight(passage: &PassageText, term: &str) -> f32 {
        let vector = SparseVector::of_passage(passage, TermSpace::Shared);
        let ids = SparseVector::of_query(term).indices;
        vector.indices.iter().position(|i| ids.contains(i)).map_or(0.0, |at| vector.values[at])
    }

    #[test]
    fn inflected_forms_are_the_same_term() {
        assert!(weight(&passage("", "She borrowed it"), "borrowing") > 0.0);
        assert!(weight(&passage("", "Die Verträge sind von uns"), "Vertrag") > 0.0);
    }

    #[test]
    fn each_repetition_adds_less_weight_and_headings_count() {
        let once = weight(&passage("", "lock"), "lock");
        let twice = weight(&passage("", "lock lock"), "lock");
        let thrice = weight(&passage("", "lock lock lock"), "lock");
        assert!(once < twice && twice < thrice && thrice - twice < twice - once);
        assert!(weight(&passage("Locks", "a mutex"), "lock") > 0.0);
    }

    #[test]
    fn a_term_weighs_less_in_a_long_passage() {
        let long = format!("lock {}", "window ".repeat(200));
        assert!(weight(&passage("", &long), "lock") < weight(&passage("", "lock"), "lock"));
    }

    #[test]
    fn the_ids_of_an_owners_terms_depend_on_the_owners_key() {
        let (anna, bert) = (TermKey::new([1; 32]), TermKey::new([2; 32]));
        let passage = passage("", "A diagnosis of the borrowed password");
        let of = |space| SparseVector::of_passage(&passage, space);
        let (shared, annas, berts) =
            (of(TermSpace::Shared), of(TermSpace::Owner(&anna)), of(TermSpace::Owner(&bert)));
        let common = |a: &SparseVector, b: &SparseVector| a.indices.iter().any(|id| b.indices.contains(id));
        assert!(!common(&shared, &annas) && !common(&annas, &berts) && !common(&shared, &berts));
        assert_eq!(annas, of(TermSpace::Owner(&anna)));
        // The weights are the same, in another order.
        let sorted = |vector: &SparseVector| {
            let mut values = vector.values.clone();
            values.sort_by(f32::total_cmp);
            values
        };
        assert_eq!(sorted(&shared), sorted(&annas));
    }

    #[test]
    fn a_question_has_the_terms_of_shared_passages_and_of_the_owners() {
        let key = TermKey::new([1; 32]);
        let question = SparseVector::of_question("Which password?", Some(&key));
        let own = SparseVector::of_passage(&passage("", "passwords"), TermSpace::Owner(&key));
        let shared = SparseVector::of_passage(&passage("", "passwords"), TermSpace::Shared);
        assert!(question.indices.contains(&own.indices[0]) && question.indices.contains(&shared.indices[0]));
        let without = SparseVector::of_question("Which password?", None);
        assert!(!without.indices.contains(&own.indices[0]));
        assert_eq!(without, SparseVector::of_query("password"));
    }

    #[test]
    fn a_question_of_stop_words_has_no_terms() {
        assert!(SparseVector::of_query("What is it, and how do I?").is_empty());
    }
}

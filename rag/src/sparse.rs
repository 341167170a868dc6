//! Turns texts into sparse vectors for BM25. The weights hold the factor of term frequency and passage
//! length; the index multiplies the inverse document frequency (IDF).

mod terms;

use std::collections::BTreeMap;

use crate::vocabulary::PassageText;

/// BM25's saturation of the term frequency.
const K1: f32 = 1.2;
/// BM25's normalization by length.
const B: f32 = 0.75;
/// The average length of a passage. A constant, so that the vector of a passage does not depend on the
/// other passages.
const AVERAGE_LENGTH_TERMS: f32 = 90.0;

/// A sparse vector of terms.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SparseVector {
    /// The term ids, ascending. An id is a hash of the stem.
    pub indices: Vec<u32>,
    /// The weights, one for each id.
    pub values: Vec<f32>,
}

impl SparseVector {
    /// Weights the terms of a passage. Title and headings count like its text.
    pub fn of_passage(passage: &PassageText) -> Self {
        let mut counts: BTreeMap<u32, f32> = BTreeMap::new();
        let mut length = 0.0_f32;
        let context = passage.context();
        for term in terms::terms(&context).chain(terms::terms(&passage.text)) {
            *counts.entry(term_id(&term)).or_default() += 1.0;
            length += 1.0;
        }
        let discount = K1 * (1.0 - B + B * length / AVERAGE_LENGTH_TERMS);
        let (indices, values) =
            counts.into_iter().map(|(term, count)| (term, count * (K1 + 1.0) / (count + discount))).unzip();
        Self { indices, values }
    }

    /// Gives each term of a question the weight 1.
    pub fn of_query(question: &str) -> Self {
        let terms: BTreeMap<u32, f32> = terms::terms(question).map(|term| (term_id(&term), 1.0)).collect();
        let (indices, values) = terms.into_iter().unzip();
        Self { indices, values }
    }

    /// Whether the vector has no term.
    pub fn is_empty(&self) -> bool {
        self.indices.is_empty()
    }
}

/// Hashes a term to 32 bits. A vocabulary of 100,000 terms has about one collision.
fn term_id(term: &str) -> u32 {
    let hash = blake3::hash(term.as_bytes());
    let bytes = hash.as_bytes();
    u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passage(heading: &str, text: &str) -> PassageText {
        PassageText { title: String::new(), heading: vec![heading.into()], text: text.into() }
    }

    fn weight(passage: &PassageText, term: &str) -> f32 {
        let vector = SparseVector::of_passage(passage);
        let id = SparseVector::of_query(term).indices[0];
        vector.indices.iter().position(|i| *i == id).map_or(0.0, |at| vector.values[at])
    }

    #[test]
    fn inflected_forms_are_the_same_term() {
        assert_eq!(SparseVector::of_query("Borrowing the borrowed"), SparseVector::of_query("borrow"));
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
    fn a_question_of_stop_words_has_no_terms() {
        assert!(SparseVector::of_query("What is it, and how do I?").is_empty());
    }
}

//! Turns texts into BM25's sparse vectors. The length-and-frequency part of the weight is made here; how rare a term
//! is (IDF) the index knows and multiplies in.

mod terms;

use std::collections::BTreeMap;

use crate::vocabulary::PassageText;

/// How soon repeating a term stops to count.
const K1: f32 = 1.2;
/// How much a long passage is discounted.
const B: f32 = 0.75;
/// Terms in a usual passage. A constant, so that a passage's vector doesn't depend on the others.
const USUAL_LENGTH: f32 = 90.0;

/// Term ids, ascending, and their weights.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SparseVector {
    /// Term ids: hashes of stems.
    pub indices: Vec<u32>,
    /// One weight for each.
    pub values: Vec<f32>,
}

impl SparseVector {
    /// A passage's terms; those of its title and headings count as if it said them once more.
    pub fn of_passage(passage: &PassageText) -> Self {
        let mut counts: BTreeMap<u32, f32> = BTreeMap::new();
        let mut length = 0.0_f32;
        let context = passage.context();
        for term in terms::terms(&context).chain(terms::terms(&passage.text)) {
            *counts.entry(term_id(&term)).or_default() += 1.0;
            length += 1.0;
        }
        let discount = K1 * (1.0 - B + B * length / USUAL_LENGTH);
        let (indices, values) =
            counts.into_iter().map(|(term, count)| (term, count * (K1 + 1.0) / (count + discount))).unzip();
        Self { indices, values }
    }

    /// A question's terms, each once.
    pub fn of_query(question: &str) -> Self {
        let terms: BTreeMap<u32, f32> = terms::terms(question).map(|term| (term_id(&term), 1.0)).collect();
        let (indices, values) = terms.into_iter().unzip();
        Self { indices, values }
    }

    /// Whether there is no term at all.
    pub fn is_empty(&self) -> bool {
        self.indices.is_empty()
    }
}

/// Terms share 32 bits; two of a vocabulary of 100,000 meet about once.
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
    fn other_forms_of_a_word_are_the_same_term() {
        assert_eq!(SparseVector::of_query("Borrowing the borrowed"), SparseVector::of_query("borrow"));
    }

    #[test]
    fn repeating_counts_less_and_less_and_headings_count() {
        let once = weight(&passage("", "lock"), "lock");
        let twice = weight(&passage("", "lock lock"), "lock");
        let thrice = weight(&passage("", "lock lock lock"), "lock");
        assert!(once < twice && twice < thrice && thrice - twice < twice - once);
        assert!(weight(&passage("Locks", "a mutex"), "lock") > 0.0);
    }

    #[test]
    fn a_long_passage_is_discounted() {
        let long = format!("lock {}", "window ".repeat(200));
        assert!(weight(&passage("", &long), "lock") < weight(&passage("", "lock"), "lock"));
    }

    #[test]
    fn a_question_of_stop_words_has_no_terms() {
        assert!(SparseVector::of_query("What is it, and how do I?").is_empty());
    }
}

//! Comparison of vectors.

use std::sync::Arc;

use super::Vector;

/// Questions with passages that have nothing to do with them.
pub(super) const UNRELATED: [(&str, &str); 3] = [
    ("How long does sourdough rise?", "The committee elects its chair by secret ballot every two years."),
    ("Which port does the server listen on?", "Lilacs are pruned after they flower, never in winter."),
    ("Who pays for the hotel?", "The glacier has lost a third of its ice since it was first mapped."),
];
/// The highest cosine that is believed of unrelated texts.
pub(super) const MAX_UNRELATED_COSINE: f32 = 0.9;

/// Converts cosines to a scale on which unrelated texts have 0 and equal texts 1 with every model.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Similarity {
    pub(crate) unrelated_cosine: f32,
}

impl Similarity {
    pub(crate) fn of(self, cosine: f32) -> f32 {
        (cosine - self.unrelated_cosine) / (1.0 - self.unrelated_cosine)
    }
}

/// The vector in the same direction with the length 1; a vector of zeros as it is.
pub(super) fn normalized(mut vector: Vector) -> Vector {
    let length = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
    if length > 0.0 {
        for x in &mut vector {
            *x /= length;
        }
    }
    vector
}

/// The part that the vectors of all texts share, in all languages; empty for a model whose part is unknown.
#[derive(Clone, Default)]
pub(super) struct CommonPart(Arc<[f32]>);

impl CommonPart {
    pub(super) fn new(vector: Vector) -> Self {
        Self(vector.into())
    }

    /// The rest of a vector, of unit length.
    pub(super) fn removed_from(&self, mut vector: Vector) -> Vector {
        if self.0.len() != vector.len() {
            return vector;
        }
        for (x, common) in vector.iter_mut().zip(self.0.iter()) {
            *x -= common;
        }
        normalized(vector)
    }
}

#[cfg(test)]
mod tests {
    use super::super::cosine;
    use super::*;

    #[test]
    fn vectors_differ_more_without_what_they_have_in_common() {
        let (a, b) = (vec![0.8, 0.6, 0.0], vec![0.8, 0.0, 0.6]);
        let common = CommonPart::new(vec![0.8, 0.0, 0.0]);
        let (rest_of_a, rest_of_b) = (common.removed_from(a.clone()), common.removed_from(b.clone()));
        assert!(cosine(&a, &b) > 0.6 && cosine(&rest_of_a, &rest_of_b).abs() < 0.01);
        assert!((cosine(&rest_of_a, &rest_of_a) - 1.0).abs() < 0.001);
        assert_eq!(CommonPart::default().removed_from(a.clone()), a);
    }
}

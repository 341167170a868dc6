//! The vectors of the segments of a passage, each in the context of the whole passage.
//!
//! They are kept with the text of the passage, encrypted where it is. A segment is known by a hash of its text, so
//! that the vectors of several passages can be joined when the passages are.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};

/// The most segments of a passage that have vectors.
const MAX_SEGMENTS: usize = 32;
/// The bytes of the hash in front of each vector.
const HASH_BYTES: usize = 4;
/// The largest number of a dimension.
const MAX_LEVEL: f32 = 127.0;

/// Vectors with a byte for each dimension.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct SegmentVectors {
    dimensions: usize,
    /// Hash, vector, hash, vector, and so on.
    bytes: Vec<u8>,
}

impl SegmentVectors {
    /// Whether no segment has a vector.
    pub const fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Adds the vector of a segment. Of equal segments the first one counts, and there are at most
    /// [`MAX_SEGMENTS`].
    #[expect(clippy::cast_possible_truncation, reason = "a level has 8 bits")]
    pub(crate) fn insert(&mut self, segment: &str, vector: &[f32]) {
        let largest = vector.iter().fold(0.0_f32, |largest, x| largest.max(x.abs()));
        let is_full = self.entries().count() >= MAX_SEGMENTS;
        if is_full || largest <= 0.0 || self.find(segment).is_some() {
            return;
        }
        self.dimensions = vector.len();
        self.bytes.extend(hash(segment));
        let level = |x: &f32| (x / largest * MAX_LEVEL).round() as i8;
        self.bytes.extend(vector.iter().map(|x| level(x).cast_unsigned()));
    }

    /// Adds the vectors of the passage that follows.
    pub(crate) fn extend(&mut self, next: &Self) {
        if self.is_empty() || self.dimensions == next.dimensions {
            self.dimensions = next.dimensions.max(self.dimensions);
            self.bytes.extend(&next.bytes);
        }
    }

    /// The vector of a segment, of unit length.
    pub fn get(&self, segment: &str) -> Option<Vec<f32>> {
        let levels = self.find(segment)?.iter().map(|byte| f32::from(byte.cast_signed()));
        let length = levels.clone().map(|level| level * level).sum::<f32>().sqrt();
        (length > 0.0).then(|| levels.map(|level| level / length).collect())
    }

    /// Reads what [`Self::to_base64`] has written. Anything else has no vectors.
    pub fn from_base64(text: impl AsRef<str>) -> Self {
        let decoded = BASE64.decode(text.as_ref()).unwrap_or_default();
        let Some((dimensions, bytes)) = decoded.split_first_chunk::<2>() else { return Self::default() };
        let dimensions = usize::from(u16::from_le_bytes(*dimensions));
        let is_whole = dimensions > 0 && bytes.len().is_multiple_of(HASH_BYTES + dimensions);
        if is_whole { Self { dimensions, bytes: bytes.to_vec() } } else { Self::default() }
    }

    /// The number of dimensions and the vectors in Base64.
    pub fn to_base64(&self) -> String {
        let dimensions = u16::try_from(self.dimensions).unwrap_or(0).to_le_bytes();
        BASE64.encode([&dimensions[..], &self.bytes].concat())
    }

    fn entries(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        let entries = self.bytes.chunks_exact(HASH_BYTES + self.dimensions.max(1));
        entries.map(|entry| entry.split_at(HASH_BYTES))
    }

    fn find(&self, segment: &str) -> Option<&[u8]> {
        let wanted = hash(segment);
        self.entries().find(|(hash, _)| *hash == wanted).map(|(_, vector)| vector)
    }
}

fn hash(segment: &str) -> [u8; HASH_BYTES] {
    let bytes = blake3::hash(segment.as_bytes());
    let bytes = bytes.as_bytes();
    [bytes[0], bytes[1], bytes[2], bytes[3]]
}

impl From<String> for SegmentVectors {
    fn from(text: String) -> Self {
        Self::from_base64(text)
    }
}

impl From<SegmentVectors> for String {
    fn from(vectors: SegmentVectors) -> Self {
        vectors.to_base64()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(segments: &[(&str, [f32; 2])]) -> SegmentVectors {
        let mut vectors = SegmentVectors::default();
        for (segment, vector) in segments {
            vectors.insert(segment, vector);
        }
        vectors
    }

    #[test]
    fn a_vector_is_found_by_its_segment_after_it_was_written() {
        let written = of(&[("Sheets are ropes.", [0.6, -0.8]), ("So are halyards.", [1.0, 0.0])]);
        let read = SegmentVectors::from_base64(written.to_base64());
        let vector = read.get("Sheets are ropes.").unwrap();
        assert!((vector[0] - 0.6).abs() < 0.01 && (vector[1] + 0.8).abs() < 0.01, "{vector:?}");
        assert_eq!(read.get("So are halyards."), Some(vec![1.0, 0.0]));
        assert_eq!(read.get("So are tacks."), None);
    }

    #[test]
    fn the_vectors_of_two_passages_are_joined() {
        let mut joined = of(&[("a", [1.0, 0.0])]);
        joined.extend(&of(&[("b", [0.0, 1.0])]));
        joined.extend(&SegmentVectors::default());
        assert!(joined.get("a").is_some() && joined.get("b").is_some());
        let mut empty = SegmentVectors::default();
        empty.extend(&joined);
        assert_eq!(empty, joined);
    }

    #[test]
    fn segments_are_bounded_and_malformed_text_has_no_vectors() {
        let names: Vec<String> = (0..50).map(|number| number.to_string()).collect();
        let many = of(&names.iter().map(|name| (name.as_str(), [1.0, 0.5])).collect::<Vec<_>>());
        assert_eq!(many.entries().count(), MAX_SEGMENTS);
        for malformed in ["", "?", "AAAA", "AgA=", "//8AAAAA"] {
            assert!(SegmentVectors::from_base64(malformed).is_empty(), "{malformed}");
        }
    }
}

//! The vectors of texts that were embedded within the last minutes: several questions are answered from the
//! same sentences.
//!
//! A text is known by a hash under a key of the process, so that the memory holds no words. Vectors are
//! forgotten after at most twice [`GENERATION`].

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use uuid::Uuid;

use super::Vector;

/// The vectors of one generation. With 384 dimensions they take 12 MiB.
const MAX_VECTORS: usize = 8_192;
/// The time after which a new generation begins.
const GENERATION: Duration = Duration::from_mins(5);

/// A bounded memory of vectors.
pub(super) struct RecentVectors {
    key: [u8; 32],
    generations: Mutex<Generations>,
}

struct Generations {
    began: Instant,
    new: HashMap<[u8; 32], Vector>,
    old: HashMap<[u8; 32], Vector>,
}

impl Default for RecentVectors {
    fn default() -> Self {
        let random = [Uuid::new_v4().into_bytes(), Uuid::new_v4().into_bytes()].concat();
        let generations = Generations { began: Instant::now(), new: HashMap::new(), old: HashMap::new() };
        Self { key: *blake3::hash(&random).as_bytes(), generations: Mutex::new(generations) }
    }
}

impl RecentVectors {
    pub(super) fn get(&self, text: &str) -> Option<Vector> {
        let hash = self.hash(text);
        let mut generations = self.generations.lock().unwrap_or_else(PoisonError::into_inner);
        generations.turn();
        if let Some(vector) = generations.old.remove(&hash) {
            generations.new.insert(hash, vector);
        }
        generations.new.get(&hash).cloned()
    }

    pub(super) fn insert(&self, text: &str, vector: &Vector) {
        let hash = self.hash(text);
        let mut generations = self.generations.lock().unwrap_or_else(PoisonError::into_inner);
        generations.turn();
        generations.new.insert(hash, vector.clone());
    }

    fn hash(&self, text: &str) -> [u8; 32] {
        *blake3::keyed_hash(&self.key, text.as_bytes()).as_bytes()
    }
}

impl Generations {
    /// Begins a new generation where this one is full or over.
    fn turn(&mut self) {
        let age = self.began.elapsed();
        if self.new.len() >= MAX_VECTORS || age >= GENERATION {
            self.old = std::mem::take(&mut self.new);
            if age >= 2 * GENERATION {
                self.old = HashMap::new();
            }
            self.began = Instant::now();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vector_is_remembered_and_the_memory_is_bounded() {
        let recent = RecentVectors::default();
        recent.insert("first", &vec![1.0]);
        assert_eq!(recent.get("first"), Some(vec![1.0]));
        assert_eq!(recent.get("second"), None);
        for number in 0..3 * MAX_VECTORS {
            recent.insert(&number.to_string(), &vec![0.0]);
        }
        assert_eq!(recent.get("first"), None);
        let generations = recent.generations.lock().unwrap();
        assert!(generations.new.len() + generations.old.len() <= 2 * MAX_VECTORS);
    }
}

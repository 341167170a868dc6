//! Who or what came by lately: a little memory that never grows and may err on the side of forgetting.

use std::hash::{DefaultHasher, Hash, Hasher as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// The last that came by, each by a mark of its hash in a place that its hash decides: one whose place another has taken
/// counts as never seen. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Lately {
    marks: Arc<[AtomicU32]>,
}

impl Lately {
    /// A memory of so many places, 4 bytes each.
    pub(crate) fn new(places: usize) -> Self {
        Self { marks: (0..places).map(|_| AtomicU32::new(0)).collect() }
    }

    /// Whether this came by lately; from now on it did.
    pub(crate) fn came(&self, what: &impl Hash) -> bool {
        let mut hasher = DefaultHasher::new();
        what.hash(&mut hasher);
        let hash = hasher.finish();
        // The place by the lower half, the mark in it by the upper one; no mark is the zero of an empty place.
        let mark = (hash >> 32) as u32 | 1;
        let place = usize::try_from(hash % self.marks.len().max(1) as u64).ok();
        place
            .and_then(|place| self.marks.get(place))
            .is_some_and(|place| place.swap(mark, Ordering::Relaxed) == mark)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_came_before_is_known_until_others_take_the_place() {
        let lately = Lately::new(64);
        assert!(!lately.came(&"ours"));
        assert!(lately.came(&"ours"));
        for other in 0..1000 {
            lately.came(&other);
        }
        assert!(!lately.came(&"ours"));
    }

    #[test]
    fn a_memory_without_places_knows_nobody() {
        let nothing = Lately::new(0);
        assert!(!nothing.came(&1) && !nothing.came(&1));
    }
}

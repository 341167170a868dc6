//! Limits of what is stored of one person.

use std::num::NonZeroU64;

use super::{Exhausted, Limit};

/// Seconds after which a refused request is repeated. What is stored shrinks by commands of the person, or as
/// work is done.
const RETRY_AFTER_SECONDS: u32 = 30;

/// The most that is stored of one person.
#[derive(Debug, Clone, Copy)]
pub(in crate::api) struct Quantity {
    limit: Limit,
    /// `None` for no limit.
    maximum: Option<NonZeroU64>,
}

impl Quantity {
    /// At most so much; 0 is no limit.
    pub(super) const fn new(limit: Limit, maximum: u64) -> Self {
        Self { limit, maximum: NonZeroU64::new(maximum) }
    }

    /// The limit, if there is one.
    pub(super) fn maximum(&self) -> Option<u64> {
        self.maximum.map(NonZeroU64::get)
    }

    /// Refuses to add so much to what is stored.
    ///
    /// Requests at the same time see the same stored amount, so that they can exceed the limit together, each
    /// by what it adds.
    pub(in crate::api) fn check(&self, stored: u64, added: u64) -> Result<(), Exhausted> {
        match self.maximum {
            Some(maximum) if stored.saturating_add(added) > maximum.get() => {
                Err(Exhausted { limit: self.limit, maximum: maximum.get(), retry_after: RETRY_AFTER_SECONDS })
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_exceeds_the_limit_is_refused() {
        let quantity = Quantity::new(Limit::DocumentBytes, 100);
        assert!(quantity.check(60, 40).is_ok());
        assert_eq!(quantity.check(60, 41).unwrap_err().maximum, 100);
        assert!(quantity.check(u64::MAX, 1).is_err());
        assert!(Quantity::new(Limit::DocumentBytes, 0).check(u64::MAX, 1).is_ok());
    }
}

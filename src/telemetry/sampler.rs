//! Which new traces are recorded: a share of them, and at most a number of them a second, so that traces cost
//! the same however high the load is.

use std::num::NonZeroU32;

use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};

/// Decides for traces that begin in this process.
#[derive(Debug)]
pub(super) struct TraceSampler {
    share: f64,
    limiter: Option<DefaultDirectRateLimiter>,
}

impl TraceSampler {
    /// `share` is from 0 to 1. `None` is no limit.
    pub(super) fn new(share: f64, per_second: Option<NonZeroU32>) -> Self {
        let limiter = per_second.map(|most| RateLimiter::direct(Quota::per_second(most)));
        Self { share, limiter }
    }

    /// Whether the trace that begins now is recorded.
    pub(super) fn begins(&self) -> bool {
        fastrand::f64() < self.share && self.limiter.as_ref().is_none_or(|limiter| limiter.check().is_ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn begun(sampler: &TraceSampler, count: usize) -> usize {
        (0..count).filter(|_| sampler.begins()).count()
    }

    #[test]
    fn no_more_traces_begin_in_a_second_than_are_allowed() {
        assert!((1..50).contains(&begun(&TraceSampler::new(1.0, NonZeroU32::new(1)), 50)));
        assert_eq!(begun(&TraceSampler::new(1.0, None), 50), 50);
    }

    #[test]
    fn a_share_of_the_traces_begins() {
        assert_eq!(begun(&TraceSampler::new(0.0, NonZeroU32::new(1)), 50), 0);
        // Outside of these bounds once in 10^24 runs.
        assert!((300..700).contains(&begun(&TraceSampler::new(0.5, None), 1_000)));
    }
}

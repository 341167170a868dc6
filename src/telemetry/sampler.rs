//! Which traces begin: a share of the requests, and at most a number of them a second, so that traces cost the
//! same however high the load is.

use std::num::NonZeroU32;
use std::sync::Arc;

use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use opentelemetry::trace::{Link, SpanKind, TraceId};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::trace::{Sampler, SamplingDecision, SamplingResult, ShouldSample};

/// A trace that was begun elsewhere is recorded if its begin was.
pub(super) fn of(share: f64, per_second: Option<NonZeroU32>) -> Sampler {
    let share = Sampler::TraceIdRatioBased(share);
    match per_second {
        None => Sampler::ParentBased(Box::new(share)),
        Some(most) => Sampler::ParentBased(Box::new(Bounded {
            share,
            limiter: Arc::new(RateLimiter::direct(Quota::per_second(most))),
        })),
    }
}

#[derive(Debug, Clone)]
struct Bounded {
    share: Sampler,
    limiter: Arc<DefaultDirectRateLimiter>,
}

impl ShouldSample for Bounded {
    fn should_sample(
        &self,
        parent: Option<&Context>,
        trace: TraceId,
        name: &str,
        kind: &SpanKind,
        attributes: &[KeyValue],
        links: &[Link],
    ) -> SamplingResult {
        let mut result = self.share.should_sample(parent, trace, name, kind, attributes, links);
        if result.decision == SamplingDecision::RecordAndSample && self.limiter.check().is_err() {
            result.decision = SamplingDecision::Drop;
        }
        result
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceState};

    use super::*;

    fn begun(sampler: &Sampler, parent: Option<&Context>, count: u64) -> usize {
        let trace = |number: u64| TraceId::from_bytes(u128::from(number).to_be_bytes());
        (1..=count)
            .map(|number| {
                sampler.should_sample(parent, trace(number), "ask", &SpanKind::Server, &[], &[]).decision
            })
            .filter(|decision| *decision == SamplingDecision::RecordAndSample)
            .count()
    }

    #[test]
    fn no_more_traces_begin_in_a_second_than_are_allowed() {
        assert!((1..50).contains(&begun(&of(1.0, NonZeroU32::new(1)), None, 50)));
        assert_eq!(begun(&of(1.0, None), None, 50), 50);
        assert_eq!(begun(&of(0.0, NonZeroU32::new(1)), None, 50), 0);
    }

    #[test]
    fn a_trace_that_was_begun_elsewhere_goes_on() {
        let parent = SpanContext::new(
            TraceId::from_bytes([1; 16]),
            SpanId::from_bytes([1; 8]),
            TraceFlags::SAMPLED,
            true,
            TraceState::default(),
        );
        let parent = Context::new().with_remote_span_context(parent);
        assert_eq!(begun(&of(0.0, NonZeroU32::new(1)), Some(&parent), 50), 50);
    }
}

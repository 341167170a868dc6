//! Layers around every request.

pub(crate) mod layers;
pub(crate) mod metrics;
pub(crate) mod rate_limit;

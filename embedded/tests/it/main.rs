//! Tests of the services: start, restart after each kind of end, and clean-up.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking, its helpers too"
)]

mod lifecycle;
mod postgres;
mod qdrant;
mod support;

//! The services themselves: that they start, come back after every kind of end, and leave nothing behind.
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

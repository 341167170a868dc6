//! The batcher: on a runtime, and under many orders of execution.
#![expect(clippy::unwrap_used, reason = "a test that cannot continue has failed")]

mod interleavings;
mod runtime;

use interleavings::sync;

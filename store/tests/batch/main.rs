//! The batcher: on a runtime, and under all orders of execution.

mod interleavings;
mod runtime;

use interleavings::sync;

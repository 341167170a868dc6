//! The lock and the tasks that [`crate::batch`] is made of.
//!
//! `tests/batch/interleavings.rs` compiles `batch.rs` a second time, with a module of the same shape whose scheduler tries
//! all orders of execution.

pub(crate) use std::sync::Mutex;
pub(crate) use tokio::spawn;

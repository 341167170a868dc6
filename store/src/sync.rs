//! The lock and the tasks of [`crate::batch`].
//!
//! `tests/batch/interleavings.rs` compiles `batch.rs` a second time, with a module of the same shape whose
//! scheduler tries many orders of execution.

pub(crate) use std::sync::Mutex;
pub(crate) use tokio::spawn;

//! Queries: parameters, batched statements, cached pages, waits for the caller's own writes.

pub(crate) mod batched;
pub mod cache;
pub(crate) mod query;
pub(crate) mod waiting;

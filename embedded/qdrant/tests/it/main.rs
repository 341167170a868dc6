//! The engine's service as a client of the real server sees it: each test starts the binary on a free port.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends at the first surprise")]

mod collections;
mod durability;
mod figures;
mod filters;
mod payloads;
mod points;
mod queries;
mod support;

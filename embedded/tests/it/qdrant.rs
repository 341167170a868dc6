//! The server of the Qdrant engine as a client of the real Qdrant server sees it: each test starts one on a free port.

mod collections;
mod durability;
mod figures;
mod filters;
mod optimization;
mod payloads;
mod points;
mod queries;
mod support;

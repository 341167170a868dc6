//! The server of the Qdrant engine, called by Qdrant's own client. Each test starts a server on a free port.

mod collections;
mod durability;
mod figures;
mod filters;
mod optimization;
mod payloads;
mod points;
mod queries;
mod support;

//! Tests of the crate with the embedding model, Qdrant, and language models that answer, fail or stall as a
//! test prescribes. The environment names the services; without them the tests that need one fail.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "../../../tests/support/containers.rs"]
mod containers;
#[path = "../../../tests/support/module_graph.rs"]
mod module_graph;

mod answering;
mod documents;
mod embedding;
mod generation;
mod indexing;
mod injections;
mod limits;
mod metering;
mod model_server;
mod modules;
mod retrieval;
mod services;

//! The crate against its services: the embedding model and Qdrant, and language models that answer, fail or stall on
//! cue. The services come from the environment; without them these tests fail.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "../../../tests/support/module_graph.rs"]
mod module_graph;

mod answering;
mod embedding;
mod generation;
mod indexing;
mod injections;
mod model_server;
mod modules;
mod retrieval;
mod services;

//! Documents: their files, their way into the index, and the embedding model that answers for them.

pub mod extraction;
pub mod files;
pub mod indexing;
pub mod ingest;
pub mod models;
mod omissions;
pub mod place;
pub mod reindex;

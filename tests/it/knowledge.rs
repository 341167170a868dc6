mod indexing;
mod ingest;
mod reindex;

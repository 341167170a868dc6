mod hostile_files;
mod indexing;
mod ingest;
mod reindex;

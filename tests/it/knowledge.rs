mod hostile_files;
mod indexing;
mod ingest;
mod reindex;
mod term_ids;

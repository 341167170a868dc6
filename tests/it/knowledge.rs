mod chosen_documents;
mod formats;
mod hostile_files;
mod indexing;
mod ingest;
mod languages;
mod reindex;
mod term_ids;

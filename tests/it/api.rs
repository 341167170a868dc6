mod commands;
mod documents;
mod isolation;
mod read_models;
mod snapshots;
mod streams;

mod commands;
mod documents;
mod isolation;
mod limits;
mod read_models;
mod snapshots;
mod streams;

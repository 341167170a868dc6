//! Releases beside each other on one database.

mod plan;
mod schema;

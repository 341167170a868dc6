//! Releases beside each other on one database.

mod plan;
mod schema;
mod unknown_events;

//! Releases beside each other on one database.

mod beside_previous;
mod load;
mod plan;
mod schema;
mod unknown_events;

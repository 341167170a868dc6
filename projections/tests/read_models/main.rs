//! The read models against a real PostgreSQL: a database for each test, on the server of `COLLOQUY_TEST_POSTGRES_URL`.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a story that cannot go on has failed")]

mod branches;
mod database;
mod folding;
mod history;
mod isolation;
mod listing;
mod pending;
mod rebuilding;
mod searching;

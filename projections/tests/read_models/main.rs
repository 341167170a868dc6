//! The read models with a real PostgreSQL. Each test has a database of its own on
//! the server of `COLLOQUY_TEST_POSTGRES_URL`.
#![expect(clippy::unwrap_used, clippy::panic, reason = "an error fails the test")]

mod batches;
mod brake;
mod branches;
mod database;
mod documents;
mod history;
mod isolation;
mod lists;
mod pending;
mod quarantine;
mod queries;
mod rebuild;
mod search;
mod unknown_names;

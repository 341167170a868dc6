//! Connections to PostgreSQL, direct or through a connection pooler.
//!
//! Every statement of the crates `store` and `projections` runs on the types of this crate, so that
//! - each wait for the server has a time limit (`pool`, `limits`),
//! - a connection without a statement under way goes from one user to the next without a round trip (`idle`),
//! - a connection that died while it was idle is replaced, and the statement is repeated where that is safe
//!   (`pool`),
//! - a connection on which statements were prepared before a table got a column is replaced (`session`),
//! - statements are sent in the way that the pooler understands (`statement`, `session`, `transaction`),
//! - a setting of the pooler that does not fit is a message at the start (`probe`).
//!
//! A `PgConnection` or `PgTransaction` of `sqlx` goes around all of this: `store` and `projections` name
//! neither, and `tests/architecture.rs` checks it.

mod connect;
mod executor;
mod idle;
mod limits;
mod pool;
mod probe;
mod session;
mod statement;
mod transaction;

pub use connect::{ConnectError, connect_alone, options};
pub use limits::{CLIENT_LIMIT, Limit, apply_to_role, has_limits, lift};
pub use pool::{Pool, is_lost, no_answer};
pub use probe::{CheckError, Sharing, WrongPooler, check};
pub use session::Connection;
pub use statement::{PreparedStatements, UnknownMode};
pub use transaction::{Begin, Transaction};

//! Time limits of statements, locks and transactions in PostgreSQL itself.
//!
//! A client that gives up does not end its statement: the server works on, holds locks and may still commit.
//! So each limit of a client has a lower one beside it in the server. Three places set it:
//! - `colloquy migrate` sets defaults for the database's role. They hold through a transaction pooler, which
//!   drops or refuses settings in the start of a connection.
//! - A new connection sets what is missing for its session. A pooler may pass that on to another client of
//!   the same role: the values are the same for all.
//! - A transaction that needs more or less sets it by `set_config(…, true)`.
//!
//! Values that an operator has given the role or the database stay as they are.

use std::time::Duration;

use sqlx::{Executor as _, PgConnection};

use crate::Pool;

/// Time limit of one statement in the client. Above `statement_timeout`, so that the server's answer comes
/// first wherever the connection works.
pub const CLIENT_LIMIT: Duration = Duration::from_secs(6);
/// Time limit of a long transaction in the client. Above the limit of its statements in [`LONG`].
const LONG_CLIENT_LIMIT: Duration = Duration::from_mins(11);

/// Time limits of a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// The limits of the session. The whole transaction has the time of one statement.
    Short,
    /// Work in the background that reads or changes much.
    Long,
}

impl Limit {
    /// Time limit of the whole transaction in the client.
    pub(crate) const fn in_client(self) -> Duration {
        match self {
            Self::Short => CLIENT_LIMIT,
            Self::Long => LONG_CLIENT_LIMIT,
        }
    }
}

/// Gives a session the limits that it lacks. One round trip for a new connection.
pub(crate) async fn apply_to_session(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    connection.execute(SESSION).await.map(drop)
}

/// Gives the connection's role the limits that neither role nor database have. A limit that the server does
/// not know is left out with a warning in its log.
pub async fn apply_to_role(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    connection.execute(ROLE).await.map(drop)
}

/// Removes all limits from a session that migrates: an index takes as long as it takes.
pub async fn lift(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    connection.execute(LIFT).await.map(drop)
}

/// Whether the database gives each of its sessions a time limit for statements. Without it a statement
/// outlives its request behind a transaction pooler.
pub async fn has_limits(pool: &Pool) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar(IS_LIMITED).fetch_one(pool).await
}

/// `client_connection_check_interval` ends the statement of a client that is gone, `tcp_user_timeout` and
/// keepalives end the session of a client whose network is gone, with its locks.
macro_rules! limits {
    () => {
        "('statement_timeout', '5s'), ('lock_timeout', '4s'), ('idle_in_transaction_session_timeout', '10s')"
    };
}

const SESSION: &str = concat!(
    "SELECT set_config(name, value, false) FROM (VALUES ",
    limits!(),
    ") AS wanted (name, value) WHERE current_setting(name) = '0'"
);

const ROLE: &str = concat!(
    "
DO $$
DECLARE
    wanted record;
BEGIN
    FOR wanted IN
        SELECT w.name, w.value
          FROM (VALUES ",
    limits!(),
    ", ('client_connection_check_interval', '1s'), ('tcp_user_timeout', '10s'),
                       ('tcp_keepalives_idle', '5s'), ('tcp_keepalives_interval', '2s'), ('tcp_keepalives_count', '3'))
               AS w (name, value)
         WHERE NOT EXISTS (
               SELECT FROM pg_db_role_setting s CROSS JOIN unnest(s.setconfig) AS given
                WHERE s.setrole IN (0, (SELECT oid FROM pg_roles WHERE rolname = current_user))
                  AND s.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
                  AND split_part(given, '=', 1) = w.name)
    LOOP
        BEGIN
            EXECUTE format('ALTER ROLE %I IN DATABASE %I SET %I = %L',
                           current_user, current_database(), wanted.name, wanted.value);
        EXCEPTION WHEN OTHERS THEN
            RAISE WARNING '% has no default for %: %', current_user, wanted.name, SQLERRM;
        END;
    END LOOP;
END
$$"
);

const LIFT: &str = "
SELECT set_config(name, '0', false)
  FROM unnest(ARRAY['statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout']) AS name";

/// Raises the limits of a transaction for work that reads or changes much.
pub(crate) const LONG: &str = "
SELECT set_config('statement_timeout', '10min', true), set_config('idle_in_transaction_session_timeout', '1min', true)";

const IS_LIMITED: &str = "
SELECT EXISTS (SELECT FROM pg_db_role_setting s CROSS JOIN unnest(s.setconfig) AS given
                WHERE s.setrole IN (0, (SELECT oid FROM pg_roles WHERE rolname = current_user))
                  AND s.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
                  AND given LIKE 'statement\\_timeout=%' AND given <> 'statement_timeout=0')";

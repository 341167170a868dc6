//! One statement with its parameters, which can be sent a second time.

use std::fmt;
use std::str::FromStr;

use sqlx::error::BoxDynError;
use sqlx::postgres::{PgArguments, PgStatement};
use sqlx::{Arguments as _, Error, Execute, Postgres};

/// Whether statements stay prepared in the server from one use to the next.
///
/// `On` takes one round trip for a statement that was used before. Between the process and the server there
/// is no pooler, or one that keeps sessions, or one that keeps prepared statements in transaction mode.
///
/// `Off` works through every transaction pooler. `sqlx` prepares and executes in two round trips, which reach
/// the same server inside of a transaction only. So a statement on its own takes three round trips if it
/// reads (`BEGIN READ ONLY`, prepare, execute; the end of the transaction is not waited for) and four if it
/// writes; inside of a transaction it takes two. A statement without parameters takes one, by
/// the simple protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PreparedStatements {
    /// Named statements, which `sqlx` prepares once for each connection.
    #[default]
    On,
    /// Unnamed statements inside of transactions.
    Off,
}

/// A word that is neither `on` nor `off`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("prepared statements are either on or off")]
pub struct UnknownMode;

impl FromStr for PreparedStatements {
    type Err = UnknownMode;

    fn from_str(word: &str) -> Result<Self, UnknownMode> {
        match word {
            "on" => Ok(Self::On),
            "off" => Ok(Self::Off),
            _ => Err(UnknownMode),
        }
    }
}

impl fmt::Display for PreparedStatements {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::On => "on",
            Self::Off => "off",
        })
    }
}

/// A statement of `sqlx` with its parameters.
#[derive(Debug, Clone)]
pub(crate) struct Statement<'q> {
    sql: &'q str,
    /// `None` is the simple protocol, whose results are text.
    arguments: Option<PgArguments>,
    is_named: bool,
}

impl<'q> Statement<'q> {
    pub(crate) fn new(
        mut query: impl Execute<'q, Postgres>,
        prepared: PreparedStatements,
    ) -> Result<Self, Error> {
        let arguments = query.take_arguments().map_err(Error::Encode)?;
        Ok(match prepared {
            PreparedStatements::On => Self { sql: query.sql(), arguments, is_named: query.persistent() },
            PreparedStatements::Off => Self {
                sql: query.sql(),
                arguments: arguments.filter(|arguments| arguments.len() > 0),
                is_named: false,
            },
        })
    }

    /// Whether it takes one round trip without being prepared.
    pub(crate) const fn is_simple(&self) -> bool {
        self.arguments.is_none()
    }

    /// Whether it certainly changes nothing, so that it may run twice. A statement that changes something by
    /// a function has to name the function in [`EFFECTS`].
    pub(crate) fn only_reads(&self) -> bool {
        let text = self.sql.trim_start().as_bytes();
        let begins =
            |word: &[u8]| text.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word));
        let mut words = text.split(|byte| !byte.is_ascii_alphanumeric() && *byte != b'_');
        (begins(b"SELECT") || begins(b"WITH")) && !words.any(has_effect)
    }
}

/// Whether a word of a statement is one of [`EFFECTS`]. Asked of each word of each statement.
fn has_effect(word: &[u8]) -> bool {
    let Some(first) = word.first() else { return false };
    let first = first.to_ascii_lowercase();
    matches!(first, b'd' | b'i' | b'm' | b'n' | b'p' | b's' | b'u')
        && EFFECTS.iter().any(|effect| word.eq_ignore_ascii_case(effect.as_bytes()))
}

/// Words by which a statement locks or changes something. `UPDATE` and `SHARE` also stand in `FOR UPDATE` and
/// `FOR SHARE`.
const EFFECTS: [&str; 13] = [
    "INSERT",
    "UPDATE",
    "DELETE",
    "MERGE",
    "SHARE",
    "INTO",
    "nextval",
    "setval",
    "pg_notify",
    "pg_advisory_xact_lock",
    "pg_try_advisory_xact_lock",
    "pg_terminate_backend",
    "protect_read_model",
];

impl<'q> Execute<'q, Postgres> for Statement<'q> {
    fn sql(&self) -> &'q str {
        self.sql
    }

    fn statement(&self) -> Option<&PgStatement<'q>> {
        None
    }

    fn take_arguments(&mut self) -> Result<Option<PgArguments>, BoxDynError> {
        Ok(self.arguments.take())
    }

    fn persistent(&self) -> bool {
        self.is_named
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn only_reads(sql: &str) -> bool {
        Statement::new(sqlx::query(sql), PreparedStatements::On).is_ok_and(|statement| statement.only_reads())
    }

    #[test]
    fn a_statement_only_reads_if_nothing_in_it_locks_or_changes() {
        assert!(only_reads("SELECT updated_at FROM conversations WHERE id = $1"));
        assert!(only_reads("\n  with page AS (SELECT 1) SELECT * FROM page"));
        assert!(only_reads("SELECT set_config('colloquy.owner', $1, true)"));
        assert!(!only_reads("UPDATE checkpoints SET position = $1"));
        assert!(!only_reads("WITH gone AS (DELETE FROM outbox RETURNING 1) SELECT count(*) FROM gone"));
        assert!(!only_reads("SELECT position FROM checkpoints FOR UPDATE"));
        assert!(!only_reads("SELECT pg_advisory_xact_lock($1)"));
        assert!(!only_reads("TRUNCATE outbox"));
    }

    #[test]
    fn every_word_with_an_effect_is_found_in_any_case() {
        for effect in EFFECTS {
            assert!(!only_reads(&format!("SELECT {effect}(1)")), "{effect}");
            let other_case = if effect.starts_with(char::is_lowercase) {
                effect.to_ascii_uppercase()
            } else {
                effect.to_ascii_lowercase()
            };
            assert!(!only_reads(&format!("SELECT 1 {other_case} x")), "{other_case}");
            assert!(only_reads(&format!("SELECT a{effect}, {effect}_b FROM c")), "{effect}");
        }
    }

    #[test]
    fn without_prepared_statements_only_a_statement_with_parameters_needs_two_round_trips() {
        let of = |query| Statement::new(query, PreparedStatements::Off).is_ok_and(|s| s.is_simple());
        assert!(of(sqlx::query("SELECT 1")));
        assert!(!of(sqlx::query("SELECT $1").bind(1)));
    }
}

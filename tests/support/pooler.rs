//! Settings of `PgBouncer` by the version that is installed.

use embedded::Pooler;
use store::PreparedStatements;

/// The setting of a pooler that keeps prepared statements, and whether the installed version can.
pub(crate) fn prepared_statements() -> (PreparedStatements, &'static str) {
    if Pooler::keeps_statements().unwrap() {
        (PreparedStatements::On, "max_prepared_statements = 200\n")
    } else {
        (PreparedStatements::Off, "")
    }
}

/// The setting of a pooler that keeps none.
pub(crate) fn without_prepared_statements() -> &'static str {
    if Pooler::keeps_statements().unwrap() { "max_prepared_statements = 0\n" } else { "" }
}

//! Output to the terminal. Errors are ignored: the services must be stopped in order even when the terminal
//! is closed.

use std::fmt::Display;
use std::io::Write as _;

/// Prints one line to stdout.
pub(crate) fn tell(text: impl Display) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// Prints one line to stderr: progress and problems, which are not part of the output.
pub(crate) fn note(text: impl Display) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

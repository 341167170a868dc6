//! Speaks to the person at the terminal, who may have closed it: then nobody hears, and the services are still stopped in
//! order.

use std::fmt::Display;
use std::io::Write as _;

/// One line on stdout.
pub(crate) fn tell(text: impl Display) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// One line on stderr: what is not the output somebody asked for.
pub(crate) fn note(text: impl Display) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

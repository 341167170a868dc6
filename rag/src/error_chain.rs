//! Formats an error with its causes for a log line.

use std::error::Error;
use std::fmt::{self, Display, Formatter};

/// Displays an error and its causes on one line, separated by colons. A cause that the error above it ends with
/// is left out: some libraries' errors contain their cause.
pub struct ErrorChain<'a>(pub &'a (dyn Error + 'static));

impl Display for ErrorChain<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let mut above = self.0.to_string();
        f.write_str(&above)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            let text = error.to_string();
            if !above.ends_with(&text) {
                write!(f, ": {text}")?;
                above = text;
            }
            cause = error.source();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate::ModelError;
    use crate::openai::ApiError;

    #[test]
    fn each_cause_is_shown_once() {
        let error = ModelError::from(ApiError::Status(401));
        assert_eq!(
            ErrorChain(&error).to_string(),
            "the language model refused the request: the server answered with HTTP status 401"
        );
    }

    #[test]
    fn a_cause_that_an_error_contains_is_not_repeated() {
        #[derive(Debug, thiserror::Error)]
        #[error("error returned from database: {0}")]
        struct Containing(#[source] std::num::ParseIntError);
        let error = Containing("x".parse::<u8>().unwrap_err());
        assert_eq!(
            ErrorChain(&error).to_string(),
            "error returned from database: invalid digit found in string"
        );
    }
}

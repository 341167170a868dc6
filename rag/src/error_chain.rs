//! Formats an error with its causes for a log line.

use std::error::Error;
use std::fmt::{self, Display, Formatter};

/// Displays an error and its causes on one line, separated by colons.
pub struct ErrorChain<'a>(pub &'a (dyn Error + 'static));

impl Display for ErrorChain<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
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
}

//! The order of the texts of one answer: each begins with an attempt, or anew within it.

use std::fmt;
use std::str::FromStr;

/// The beginning of a text. A later one voids the text of all earlier ones.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Beginning {
    /// Number of the attempt, from 1.
    pub attempt: u32,
    /// Number of the beginning within the attempt, from 0.
    pub number: u32,
}

impl Beginning {
    /// The first beginning of an attempt.
    pub const fn of_attempt(attempt: u32) -> Self {
        Self { attempt, number: 0 }
    }
}

impl fmt::Display for Beginning {
    /// `<attempt>`, and `-<number>` for a later beginning.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.number {
            0 => write!(f, "{}", self.attempt),
            number => write!(f, "{}-{number}", self.attempt),
        }
    }
}

impl FromStr for Beginning {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (attempt, number) = text.split_once('-').unwrap_or((text, "0"));
        Ok(Self { attempt: attempt.parse()?, number: number.parse()? })
    }
}

//! The outcome of a run.

use std::fmt;

/// The outcome of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Indexed.
    Indexed {
        /// Number of passages.
        passages: u32,
    },
    /// Unchanged.
    Unchanged,
    /// Rejected, with the reason.
    Rejected(String),
    /// Skipped: not a document, and not named by the operator.
    Skipped,
}

/// A rejected file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    /// Name of the file.
    pub name: String,
    /// Reason of the rejection.
    pub reason: String,
}

/// The outcome of all files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// New and changed documents.
    pub indexed: u32,
    /// Passages of these documents.
    pub passages: u32,
    /// Unchanged documents.
    pub unchanged: u32,
    /// Rejected files.
    pub rejected: Vec<Rejected>,
    /// Skipped files.
    pub skipped: u32,
}

impl Report {
    pub(crate) fn count(&mut self, name: String, outcome: Outcome) {
        match outcome {
            Outcome::Indexed { passages } => {
                self.indexed += 1;
                self.passages += passages;
            }
            Outcome::Unchanged => self.unchanged += 1,
            Outcome::Rejected(reason) => self.rejected.push(Rejected { name, reason }),
            Outcome::Skipped => self.skipped += 1,
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { indexed, passages, unchanged, rejected, skipped } = self;
        for Rejected { name, reason } in rejected {
            writeln!(f, "rejected: {name}: {reason}")?;
        }
        let rejected = rejected.len();
        write!(
            f,
            "{indexed} indexed with {passages} passages, {unchanged} unchanged, {rejected} rejected, {skipped} skipped"
        )
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Indexed { passages: 1 } => f.write_str("1 passage"),
            Self::Indexed { passages } => write!(f, "{passages} passages"),
            Self::Unchanged => f.write_str("unchanged"),
            Self::Rejected(reason) => write!(f, "rejected: {reason}"),
            Self::Skipped => f.write_str("skipped"),
        }
    }
}

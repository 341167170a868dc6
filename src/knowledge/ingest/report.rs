//! What became of the files.

use std::fmt;

/// What became of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It can be found.
    Indexed {
        /// In how many passages.
        passages: u32,
    },
    /// It was there already.
    Unchanged,
    /// It cannot be taken in.
    Rejected(String),
    /// Nobody asked for it by name, and it is no document.
    Skipped,
}

/// A file that was not taken in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    /// What it is called.
    pub name: String,
    /// Why, for a person.
    pub reason: String,
}

/// What became of all files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Documents that are new or say something new.
    pub indexed: u32,
    /// Their passages.
    pub passages: u32,
    /// Documents that say what they said before.
    pub unchanged: u32,
    /// Files that were not taken in.
    pub rejected: Vec<Rejected>,
    /// Files in folders that are no documents.
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

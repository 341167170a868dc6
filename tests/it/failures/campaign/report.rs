//! The outcome of a campaign: nothing, or each violation with the history around it, and the logs.

use std::path::{Path, PathBuf};

use embedded::DataDir;

use super::check::{Record, Violation, violations};
use super::history::{Entry, Fact, printed};

const MOST_VIOLATIONS: usize = 20;
const MOST_LINES: usize = 12;

/// Keeps what a campaign leaves: always if it fails, by an assertion on the way too.
pub(super) struct Report {
    seed: u64,
    data: DataDir,
    folder: PathBuf,
}

impl Report {
    pub(super) fn new(seed: u64, data: DataDir) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("campaign-{seed}"));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        Self { seed, data, folder }
    }

    /// Where the export, and after a failure the history and the logs, lie.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Compares what clients were told with the stores. Panics with the violations, if there are any.
    pub(super) fn conclude(&self, record: &Record) {
        let (history, ledger) = (&record.history, record.ledger.len());
        std::fs::write(self.folder.join("history.txt"), printed(history)).unwrap();
        let found = violations(record);
        let counted = |wanted: fn(&Fact) -> bool| history.iter().filter(|entry| wanted(&entry.fact)).count();
        println!(
            "{} operations, {} reads of their effects, {} ends of answers told, {ledger} events, {} violations",
            counted(|fact| matches!(fact, Fact::Sent { .. })),
            counted(|fact| matches!(fact, Fact::ReadBack { .. })),
            counted(|fact| matches!(fact, Fact::Ended { .. })),
            found.len()
        );
        if found.is_empty() {
            let _ = std::fs::remove_dir_all(&self.folder);
            return;
        }
        let all: Vec<&str> = found.iter().map(|violation| violation.what.as_str()).collect();
        std::fs::write(self.folder.join("violations.txt"), all.join("\n")).unwrap();
        for violation in found.iter().take(MOST_VIOLATIONS) {
            println!("{}", describe(violation, history));
        }
        panic!("{} violations with seed {}: see {}", found.len(), self.seed, self.folder.display());
    }
}

impl Drop for Report {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            return;
        }
        let kept = self.folder.join("logs");
        let _ = std::fs::create_dir_all(&kept);
        for entry in std::fs::read_dir(self.data.logs()).into_iter().flatten().flatten() {
            let _ = std::fs::copy(entry.path(), kept.join(entry.file_name()));
        }
    }
}

/// A violation and the facts that concern the same ids or words.
fn describe(violation: &Violation, history: &[Entry]) -> String {
    let related: Vec<Entry> = history
        .iter()
        .filter(|entry| {
            let text = format!("{:?}", entry.fact);
            violation.concerns.iter().any(|concern| !concern.is_empty() && text.contains(concern))
        })
        .cloned()
        .collect();
    let around = match related.as_slice() {
        [] => vec![],
        [first, ..] => {
            let last = related.get(related.len().min(MOST_LINES) - 1).unwrap_or(first).at;
            let is_near = |entry: &&Entry| entry.at >= first.at && entry.at <= last;
            let faults = history.iter().filter(|entry| matches!(entry.fact, Fact::Fault(_))).filter(is_near);
            faults.cloned().collect()
        }
    };
    let mut lines: Vec<Entry> = related.into_iter().take(MOST_LINES).chain(around).collect();
    lines.sort_by_key(|entry| entry.at);
    format!("* {}\n{}", violation.what, printed(&lines))
}

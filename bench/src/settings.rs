//! Sizes and durations from the environment.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use anyhow::Context as _;

/// Questions with their answers in each seeded conversation: ten messages.
pub(crate) const TURNS: usize = 5;
/// Questions with their answers in the long conversation: 10,000 messages, as many as a
/// conversation can have.
pub(crate) const LONG_TURNS: usize = 5_000;

/// Settings of a run.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// `BENCH_USERS`: users seeded; default 10,000.
    pub(crate) users: usize,
    /// `BENCH_MESSAGES`: messages seeded, questions and answers; default 1,000,000.
    pub(crate) messages: usize,
    /// `BENCH_SECONDS`: how long each load lasts; default 10.
    pub(crate) load: Duration,
    /// `BENCH_ASK_SECONDS`: how long questions are asked; default 30.
    pub(crate) ask: Duration,
    /// `BENCH_SHARE`: percent of a core for each process where one and two of each role are
    /// compared; default 10.
    pub(crate) share: u32,
    /// `BENCH_KEEP=1`: reuse the database of the last run, without a copy, a rebuild or a report in `docs/`.
    /// Its pending answers are published again, which affects the first loads.
    pub(crate) keep: bool,
    /// `BENCH_DOCS`: the folder of documents that are indexed and quoted; default the project's own.
    pub(crate) docs: Option<PathBuf>,
    /// `BENCH_QUESTIONS`: a file with one question as a JSON object on each line, in the field `question`; default
    /// questions about the headings of the documents.
    pub(crate) questions: Option<PathBuf>,
    /// `BENCH_ONLY`: the parts to run, separated by commas; default all.
    pub(crate) parts: Vec<Part>,
}

/// A part of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// Checks of tokens, lists, messages and searches.
    Reads,
    /// Times until a question is shown and answered.
    Answers,
    /// Questions as fast as they can be asked.
    Asks,
    /// A thousand connections.
    Many,
    /// Others beside a hostile account.
    Hostile,
    /// Observed and not.
    Observed,
    /// Documents indexed and quoted.
    Quoting,
    /// One and two processes of each role.
    Processes,
    /// Frozen processes.
    Takeover,
}

impl Part {
    const ALL: [Self; 9] = [
        Self::Reads,
        Self::Answers,
        Self::Asks,
        Self::Many,
        Self::Hostile,
        Self::Observed,
        Self::Quoting,
        Self::Processes,
        Self::Takeover,
    ];

    /// Whether the part starts all of its processes itself.
    pub(crate) const fn has_its_own_processes(self) -> bool {
        matches!(self, Self::Quoting | Self::Processes | Self::Takeover)
    }

    fn parse(name: &str) -> anyhow::Result<Self> {
        match name.trim() {
            "reads" => Ok(Self::Reads),
            "answers" => Ok(Self::Answers),
            "asks" => Ok(Self::Asks),
            "many" => Ok(Self::Many),
            "hostile" => Ok(Self::Hostile),
            "observed" => Ok(Self::Observed),
            "quoting" => Ok(Self::Quoting),
            "processes" => Ok(Self::Processes),
            "takeover" => Ok(Self::Takeover),
            name => anyhow::bail!(
                "BENCH_ONLY has reads, answers, asks, many, hostile, observed, quoting, processes and takeover, not '{name}'"
            ),
        }
    }
}

impl Settings {
    /// Reads the environment.
    pub(crate) fn from_env() -> anyhow::Result<Self> {
        let settings = Self {
            users: parsed("BENCH_USERS", 10_000)?,
            messages: parsed("BENCH_MESSAGES", 1_000_000)?,
            load: Duration::from_secs(parsed("BENCH_SECONDS", 10)?),
            ask: Duration::from_secs(parsed("BENCH_ASK_SECONDS", 30)?),
            share: parsed("BENCH_SHARE", 10)?,
            keep: parsed::<u8>("BENCH_KEEP", 0)? == 1,
            docs: path("BENCH_DOCS")?,
            questions: path("BENCH_QUESTIONS")?,
            parts: parts()?,
        };
        anyhow::ensure!(
            settings.users > 0 && settings.conversations() >= settings.users,
            "BENCH_MESSAGES has to be at least {} for each of BENCH_USERS",
            TURNS * 2
        );
        Ok(settings)
    }

    /// Conversations seeded.
    pub(crate) const fn conversations(&self) -> usize {
        self.messages / (TURNS * 2)
    }

    /// Whether the run is large and whole enough for its figures to be kept.
    pub(crate) fn is_whole(&self) -> bool {
        let is_large = self.users >= 10_000 && self.messages >= 1_000_000;
        is_large && self.docs.is_none() && !self.keep && self.parts == Part::ALL
    }
}

fn parts() -> anyhow::Result<Vec<Part>> {
    let Ok(names) = std::env::var("BENCH_ONLY") else { return Ok(Part::ALL.to_vec()) };
    names.split(',').map(Part::parse).collect()
}

/// A path, also when the program that reads it runs in another folder.
fn path(name: &str) -> anyhow::Result<Option<PathBuf>> {
    let Some(value) = std::env::var_os(name).filter(|value| !value.is_empty()) else { return Ok(None) };
    let path = std::fs::canonicalize(value).with_context(|| format!("failed to read {name}"))?;
    Ok(Some(path))
}

fn parsed<T>(name: &str, default: T) -> anyhow::Result<T>
where
    T: FromStr,
    T::Err: std::error::Error + Send + Sync + 'static,
{
    match std::env::var(name) {
        Err(_) => Ok(default),
        Ok(value) => value.trim().parse().with_context(|| format!("failed to read {name}")),
    }
}

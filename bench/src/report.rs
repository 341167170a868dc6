//! The table: what was measured, what it has to reach, and what it is compared with.

use std::fmt::Write as _;
use std::time::Duration;

use crate::load::Measured;
use crate::processes::Taken;

/// A row: a figure and what it has to reach.
#[derive(Debug)]
struct Figure {
    what: String,
    ours: String,
    floor: String,
    beside: String,
}

/// A load and what it took.
#[derive(Debug)]
struct LoadRow {
    what: String,
    connections: usize,
    measured: Measured,
    taken: Taken,
    memory: f64,
}

/// All that is told.
#[derive(Debug, Default)]
pub(crate) struct Report {
    figures: Vec<Figure>,
    loads: Vec<LoadRow>,
    notes: Vec<String>,
}

impl Report {
    /// Adds a figure.
    pub(crate) fn figure(&mut self, what: &str, ours: String, floor: &str, beside: String) {
        eprintln!("{what}: {ours}");
        self.figures.push(Figure { what: what.to_owned(), ours, floor: floor.to_owned(), beside });
    }

    /// Adds a load.
    pub(crate) fn load(
        &mut self,
        what: &str,
        connections: usize,
        measured: Measured,
        taken: Taken,
        memory: f64,
    ) {
        if let Some(example) = &measured.example {
            self.notes.push(format!("{what}: {} requests failed, such as: {example}", measured.failed));
        }
        let row = LoadRow { what: what.to_owned(), connections, measured, taken, memory };
        eprintln!("{}", row.line());
        self.loads.push(row);
    }

    /// The whole, as Markdown.
    pub(crate) fn markdown(&self, circumstances: &str) -> String {
        let mut text = format!("{circumstances}\n");
        text.push_str("| What | Measured | At least | Postgres alone, same run |\n|---|---|---|---|\n");
        for figure in &self.figures {
            let Figure { what, ours, floor, beside } = figure;
            let _ = writeln!(text, "| {what} | {ours} | {floor} | {beside} |");
        }
        text.push_str(LOADS);
        for row in &self.loads {
            let _ = writeln!(text, "{}", row.line());
        }
        for note in &self.notes {
            let _ = writeln!(text, "\n{note}");
        }
        text
    }
}

const LOADS: &str = "
## Loads

Processor time is the time of the whole process (for Postgres, of all its processes) for each answered request, in
microseconds; it includes background work such as the sequencer and the projector. The last column is the processor time of
all other processes, in percent of one core, including the kernel's network code. Memory is the peak of the process during
the load.

A cached read lives for at most half a minute, in 30 MiB for the whole process, shared by all connections. The pages of 10,000
lists fit, those of 100,000 conversations do not: the loads past the cache measure Postgres.

| Load | Connections | Answers a second | p50 | p95 | p99 | Failed | colloquy µs | Postgres µs | NATS µs | load generator µs | colloquy MiB | other processes |
|---|---|---|---|---|---|---|---|---|---|---|---|---|
";

impl LoadRow {
    fn line(&self) -> String {
        let Self { what, connections, measured, taken, memory } = self;
        let each = |taken: Duration| taken.as_secs_f64() * 1e6 / (measured.answered.max(1) as f64);
        let at = |of_a_hundred| milliseconds(measured.percentile(of_a_hundred));
        format!(
            "| {what} | {connections} | {} | {} | {} | {} | {} | {:.0} | {:.0} | {:.0} | {:.0} | {memory:.0} | {:.0} % |",
            thousands(measured.throughput()),
            at(50.0),
            at(95.0),
            at(99.0),
            measured.failed,
            each(taken.colloquy),
            each(taken.postgres),
            each(taken.nats),
            each(taken.bench),
            taken.elsewhere().as_secs_f64() / measured.lasted.as_secs_f64() * 100.0,
        )
    }
}

/// With the precision that fits.
pub(crate) fn milliseconds(duration: Duration) -> String {
    let milliseconds = duration.as_secs_f64() * 1e3;
    if milliseconds < 10.0 { format!("{milliseconds:.2} ms") } else { format!("{milliseconds:.0} ms") }
}

/// `12,345`
pub(crate) fn thousands(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut text = String::with_capacity(digits.len() + 4);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_numbers_are_grouped() {
        assert_eq!(thousands(7.0), "7");
        assert_eq!(thousands(1_234.4), "1,234");
        assert_eq!(thousands(1_234_567.0), "1,234,567");
    }
}

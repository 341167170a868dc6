//! The reference of all metrics in Markdown, generated from their definitions: `docs/metrics.md`.

use std::fmt::Write as _;

use crate::catalogue::GROUPS;
use crate::metric::{Definition, Kind, Values};

const INTRODUCTION: &str = "# Metrics

This file is generated from `measures/src/catalogue.rs` by `colloquy metrics-reference`.

Every process serves its metrics in the text format of Prometheus at `/metrics` of the operator's port (`ADMIN_LISTEN`).
A metric marked *installation* is about the installation as a whole, and every process that can reach Postgres and NATS
reports the same value: take the maximum. All others are about the process that reports them: take the sum. Values of the
installation are sampled in the background, so that a scrape asks neither Postgres nor NATS;
`colloquy_sample_timestamp_seconds` is the time of the last sample.

Every label has a bounded set of values. A value outside of its list is reported as `other`.
";

/// The reference in Markdown.
pub fn reference() -> String {
    let mut text = INTRODUCTION.to_owned();
    for (heading, metrics) in GROUPS {
        let columns = "| metric | kind | unit | labels | meaning |\n|---|---|---|---|---|";
        // Writing to a string cannot fail.
        let _ = writeln!(text, "\n## {heading}\n\n{columns}");
        for Definition { name, description, kind, unit, labels, buckets } in *metrics {
            let labels: Vec<_> = labels
                .iter()
                .map(|label| match label.values {
                    Values::Fixed(known) => format!("`{}`: {}", label.name, known.join(", ")),
                    Values::Bounded(words) => format!("`{}`: {words}", label.name),
                })
                .collect();
            let (kind_name, unit, labels) = (kind.name(), unit.name(), labels.join("; "));
            let bounds: Vec<_> = buckets.iter().map(ToString::to_string).collect();
            let bounds = match kind {
                Kind::Histogram => format!(" Buckets: {}.", bounds.join(", ")),
                Kind::Counter | Kind::Gauge => String::new(),
            };
            let _ = writeln!(text, "| `{name}` | {kind_name} | {unit} | {labels} | {description}{bounds} |");
        }
    }
    text
}

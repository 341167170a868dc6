//! The state of an installation as text for a terminal.

use std::fmt::Write as _;

use super::Status;
use crate::health::snapshot::{Engine, JetStream, Snapshot};

/// Width of the first column.
const WIDTH: usize = 22;

/// The text, with lines of up to 110 columns where names permit it.
pub(super) fn text(status: &Status) -> String {
    let mut text = format!("Colloquy {} at {}\n", status.version, status.at.format("%F %T UTC"));
    heading(&mut text, "Processes");
    for process in status.processes.iter().flatten() {
        let state = process.status.as_deref().unwrap_or("starting");
        let since = process.started_at.format("%F %T");
        let place = format!("{}:{}", process.host, process.pid);
        let roles = process.roles.join(",");
        line(
            &mut text,
            &roles,
            &format!("{state}, {place}, {}, since {since}, {}", process.version, process.admin),
        );
    }
    for role in status.missing_roles.iter().flatten() {
        line(&mut text, role, "no process");
    }
    if let Some(schema) = status.schema.as_ref().filter(|schema| !schema.pending.is_empty()) {
        line(&mut text, "pending migrations", &schema.pending.join(", "));
    }
    let Snapshot { engine, jetstream, read_models, .. } = &status.snapshot;
    if let Some(engine) = engine {
        write_engine(&mut text, engine);
    }
    if let Some(jetstream) = jetstream {
        write_jetstream(&mut text, jetstream);
    }
    if let Some(read_models) = read_models {
        heading(&mut text, "Read models");
        for (name, model) in read_models {
            let behind = format!("{} events, {} behind", model.lag_events, age(model.lag_seconds));
            line(&mut text, name, &format!("position {}, {behind}", model.position));
        }
    }
    write_set_aside(&mut text, &status.snapshot);
    heading(&mut text, "Needs a look");
    for reason in &status.reasons {
        let _ = writeln!(text, "  {reason}");
    }
    if status.reasons.is_empty() {
        text.push_str("  nothing\n");
    }
    text
}

/// Aggregates, deliveries and documents that wait.
fn write_set_aside(text: &mut String, snapshot: &Snapshot) {
    heading(text, "Set aside");
    for (name, counts) in [("quarantined", &snapshot.quarantined), ("dead letters", &snapshot.dead_letters)] {
        let Some(counts) = counts else { continue };
        let some: Vec<_> = counts
            .iter()
            .filter(|(_, count)| **count > 0)
            .map(|(of, count)| format!("{of} {count}"))
            .collect();
        line(text, name, if some.is_empty() { "none".to_owned() } else { some.join(", ") }.as_str());
    }
    if let Some(documents) = &snapshot.documents {
        let mut counts: Vec<_> = documents.iter().map(|(state, count)| format!("{state} {count}")).collect();
        if counts.is_empty() {
            counts.push("none".to_owned());
        }
        if let Some(seconds) = snapshot.documents_oldest_seconds {
            counts.push(format!("oldest waits {}", age(Some(seconds))));
        }
        line(text, "documents", &counts.join(", "));
    }
}

fn write_engine(text: &mut String, engine: &Engine) {
    heading(text, "Engine");
    line(text, "ledger", &format!("position {}", engine.ledger_head));
    line(
        text,
        "outbox",
        &format!("{} events, oldest {}", engine.outbox_events, age(engine.outbox_oldest_seconds)),
    );
    line(text, "pending answers", &engine.pending_answers.to_string());
    let checkpoint = match (engine.checkpoint_position, engine.checkpoint_at) {
        (Some(position), Some(at)) => format!("position {position}, {}", at.format("%F %T")),
        _ => "none".to_owned(),
    };
    line(text, "last checkpoint", &checkpoint);
    line(text, "erasures", &format!("{}, oldest {}", engine.erasures, age(engine.erasures_oldest_seconds)));
}

fn write_jetstream(text: &mut String, jetstream: &JetStream) {
    heading(text, "JetStream");
    let position = jetstream.published_position.map_or("none".to_owned(), |position| position.to_string());
    line(text, "published", &format!("position {position}, {} behind", age(jetstream.published_lag_seconds)));
    for (name, used) in &jetstream.streams {
        let limit = used.limit_bytes.map_or(String::new(), |limit| format!(" of {}", mebibytes(limit)));
        let oldest = age(Some(used.oldest_seconds));
        let used = mebibytes(used.bytes);
        line(text, &format!("stream {name}"), &format!("{used}{limit}, the oldest message is {oldest} old"));
    }
    for (name, consumer) in &jetstream.consumers {
        let counts = format!(
            "{} pending, {} unacknowledged, {} redelivered",
            consumer.pending, consumer.unacknowledged, consumer.redelivered
        );
        line(text, &format!("consumer {name}"), &counts);
    }
}

fn heading(text: &mut String, heading: &str) {
    let _ = writeln!(text, "\n{heading}");
}

fn line(text: &mut String, name: &str, value: &str) {
    // Writing to a string cannot fail.
    let _ = writeln!(text, "  {name:WIDTH$} {value}");
}

fn age(seconds: Option<f64>) -> String {
    match seconds {
        None => "0 s".to_owned(),
        Some(seconds) if seconds < 120.0 => format!("{seconds:.1} s"),
        Some(seconds) => format!("{:.0} min", seconds / 60.0),
    }
}

/// With one decimal, rounded down.
fn mebibytes(bytes: u64) -> String {
    format!("{}.{} MiB", bytes >> 20, ((bytes & 0xF_FFFF) * 10) >> 20)
}

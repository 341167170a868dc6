//! The kinds of metrics, and how a value is recorded.

use metrics::Key;

use crate::series::{self, Series};

/// The value of a label that is not in its list.
pub(crate) const OTHER: &str = "other";

/// A metric as the reference and the exposition describe it.
#[derive(Debug)]
pub struct Definition {
    /// Its name in Prometheus.
    pub name: &'static str,
    /// Purpose, in Markdown.
    pub description: &'static str,
    /// Unit of its values.
    pub kind: Kind,
    /// The unit of its values.
    pub unit: Unit,
    /// Its labels, in the order in which values are given.
    pub labels: &'static [Label],
    /// The upper bounds of a histogram's buckets.
    pub buckets: &'static [f64],
}

/// A label and its values.
#[derive(Debug)]
pub struct Label {
    /// The name.
    pub name: &'static str,
    /// The values.
    pub values: Values,
}

/// The values of a label.
#[derive(Debug)]
pub enum Values {
    /// One of these.
    Fixed(&'static [&'static str]),
    /// Determined by the program, never by a caller; in words.
    Bounded(&'static str),
}

/// Unit of the values of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A number that only grows, from 0 at the start of the process.
    Counter,
    /// A value at this moment.
    Gauge,
    /// Many values, counted in buckets.
    Histogram,
}

/// The unit of values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// A number of things.
    Count,
    /// Seconds.
    Seconds,
    /// Seconds since 1970.
    Timestamp,
    /// Bytes.
    Bytes,
    /// A position of the ledger.
    Position,
    /// 1 for yes, 0 for no.
    Truth,
}

impl Kind {
    /// The name in Prometheus.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

impl Unit {
    /// The name in the reference.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Count => "number",
            Self::Seconds => "seconds",
            Self::Timestamp => "seconds since 1970",
            Self::Bytes => "bytes",
            Self::Position => "position",
            Self::Truth => "1 or 0",
        }
    }
}

impl Definition {
    /// The key of a series. A missing value, and one that is not in its list, is `other`.
    pub(crate) fn key(&self, values: &[&str]) -> Key {
        if self.labels.is_empty() {
            return Key::from_static_name(self.name);
        }
        let mut values = values.iter().copied();
        let labels = self.labels.iter().map(|label| {
            let value = values.next().unwrap_or(OTHER);
            match label.values {
                Values::Fixed(known) => {
                    let known = known.iter().copied().find(|known| *known == value);
                    metrics::Label::from_static_parts(label.name, known.unwrap_or(OTHER))
                }
                Values::Bounded(_) => metrics::Label::new(label.name, value.to_owned()),
            }
        });
        Key::from_parts(self.name, labels.collect::<Vec<_>>())
    }

    /// Whether each label has a value, and each fixed list has the value of its label.
    pub(crate) fn has(&self, values: &[&str]) -> bool {
        self.labels.len() == values.len()
            && self.labels.iter().zip(values).all(|(label, value)| match label.values {
                Values::Fixed(known) => known.contains(value),
                Values::Bounded(_) => true,
            })
    }

    /// Creates every series whose labels are known beforehand, so that a scrape has it before
    /// its first value.
    pub(crate) fn create_series(&'static self) {
        let mut all: Vec<Vec<&'static str>> = vec![Vec::new()];
        for label in self.labels {
            let Values::Fixed(known) = label.values else { return };
            let longer = |values: Vec<&'static str>| {
                known.iter().map(move |value| [values.as_slice(), &[*value]].concat())
            };
            all = all.into_iter().flat_map(longer).collect();
        }
        for values in all {
            match series::register(self, &values) {
                Series::Counter(counter) => counter.increment(0),
                Series::Gauge(gauge) => gauge.increment(0.0),
                Series::Histogram(_) => {}
            }
        }
    }
}

/// Counts.
#[derive(Debug, Clone, Copy)]
pub struct Counter(pub &'static Definition);

impl Counter {
    /// Counts one more.
    pub fn increment(&self, labels: &[&str]) {
        self.add(labels, 1);
    }

    /// Counts several more.
    pub fn add(&self, labels: &[&str], count: u64) {
        if let Some(Series::Counter(counter)) = series::find(self.0, labels) {
            counter.increment(count);
        }
    }
}

/// A value at this moment.
#[derive(Debug, Clone, Copy)]
pub struct Gauge(pub &'static Definition);

impl Gauge {
    /// Sets the value.
    pub fn set(&self, labels: &[&str], value: f64) {
        if let Some(Series::Gauge(gauge)) = series::find(self.0, labels) {
            gauge.set(value);
        }
    }

    /// Sets a whole number, exact up to 2^53.
    #[expect(clippy::cast_precision_loss, reason = "Prometheus has no other numbers")]
    pub fn set_count(&self, labels: &[&str], value: u64) {
        self.set(labels, value as f64);
    }

    /// Adds one until the returned value is dropped.
    #[must_use]
    pub fn hold(&self, labels: &[&str]) -> Held {
        let Some(Series::Gauge(gauge)) = series::find(self.0, labels) else {
            return Held(metrics::Gauge::noop());
        };
        gauge.increment(1.0);
        Held(gauge)
    }
}

/// One unit of a gauge, until dropped.
pub struct Held(metrics::Gauge);

impl std::fmt::Debug for Held {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Held").finish_non_exhaustive()
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.0.decrement(1.0);
    }
}

/// Many values, in buckets.
#[derive(Debug, Clone, Copy)]
pub struct Histogram(pub &'static Definition);

impl Histogram {
    /// Records a value.
    pub fn record(&self, labels: &[&str], value: f64) {
        if let Some(Series::Histogram(histogram)) = series::find(self.0, labels) {
            histogram.record(value);
        }
    }

    /// Records a time.
    pub fn record_time(&self, labels: &[&str], time: std::time::Duration) {
        self.record(labels, time.as_secs_f64());
    }

    /// Records a number of things.
    #[expect(clippy::cast_precision_loss, reason = "Prometheus has no other numbers")]
    pub fn record_count(&self, labels: &[&str], count: usize) {
        self.record(labels, count as f64);
    }
}

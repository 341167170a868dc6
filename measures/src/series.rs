//! The series of the metrics that this thread has recorded.
//!
//! The recorder finds a series by a key that owns its labels, in tables that all threads share. A request
//! records several values, so each thread keeps what it has found.

use std::cell::RefCell;
use std::hash::{BuildHasher as _, Hash as _, Hasher as _};

use hashbrown::{DefaultHashBuilder, HashTable};
use metrics::{Level, Metadata};

use crate::exposition;
use crate::metric::{Definition, Kind};

static METADATA: Metadata<'static> = Metadata::new("colloquy", Level::INFO, None);

/// A series of the recorder.
#[derive(Clone)]
pub(crate) enum Series {
    Counter(metrics::Counter),
    Gauge(metrics::Gauge),
    Histogram(metrics::Histogram),
}

/// A series by its labels.
struct Found {
    name: &'static str,
    values: Box<[Box<str>]>,
    series: Series,
}

#[derive(Default)]
struct Table {
    hashes: DefaultHashBuilder,
    found: HashTable<Found>,
}

thread_local! {
    static TABLE: RefCell<Table> = RefCell::default();
}

/// The series of these labels; `None` before metrics are installed.
pub(crate) fn find(definition: &'static Definition, values: &[&str]) -> Option<Series> {
    if !exposition::is_installed() {
        return None;
    }
    TABLE.with_borrow_mut(|table| {
        let hash = table.hash(definition.name, values);
        if let Some(found) = table.found.find(hash, |found| found.is(definition.name, values)) {
            return Some(found.series.clone());
        }
        let series = register(definition, values);
        // Callers may give any value of a fixed list, which the table must not grow by.
        if definition.has(values) {
            let values = values.iter().map(|value| (*value).into()).collect();
            let found = Found { name: definition.name, values, series: series.clone() };
            let Table { hashes, found: all } = table;
            all.insert_unique(hash, found, |found| {
                hash_of(hashes, found.name, found.values.iter().map(AsRef::as_ref))
            });
        }
        Some(series)
    })
}

/// The series of these labels in the recorder, which creates it.
pub(crate) fn register(definition: &'static Definition, values: &[&str]) -> Series {
    let key = definition.key(values);
    metrics::with_recorder(|recorder| match definition.kind {
        Kind::Counter => Series::Counter(recorder.register_counter(&key, &METADATA)),
        Kind::Gauge => Series::Gauge(recorder.register_gauge(&key, &METADATA)),
        Kind::Histogram => Series::Histogram(recorder.register_histogram(&key, &METADATA)),
    })
}

impl Table {
    fn hash(&self, name: &'static str, values: &[&str]) -> u64 {
        hash_of(&self.hashes, name, values.iter().copied())
    }
}

impl Found {
    fn is(&self, name: &'static str, values: &[&str]) -> bool {
        std::ptr::eq(self.name, name) && self.values.iter().map(AsRef::as_ref).eq(values.iter().copied())
    }
}

fn hash_of<'a>(
    builder: &DefaultHashBuilder,
    name: &'static str,
    values: impl Iterator<Item = &'a str>,
) -> u64 {
    let mut hasher = builder.build_hasher();
    name.as_ptr().hash(&mut hasher);
    for value in values {
        value.hash(&mut hasher);
    }
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::{HTTP_REQUEST_DURATION, READ_CACHE, SIGN_INS};

    fn kept() -> usize {
        TABLE.with_borrow(|table| table.found.len())
    }

    #[test]
    fn a_thread_keeps_each_series_once_and_none_with_values_from_outside() {
        SIGN_INS.increment(&["accepted"]);
        crate::install().unwrap();
        for _ in 0..3 {
            READ_CACHE.increment(&["hit"]);
            READ_CACHE.increment(&["miss"]);
            SIGN_INS.increment(&["accepted"]);
        }
        assert_eq!(kept(), 3);
        for method in ["BREW", "WHEN"] {
            HTTP_REQUEST_DURATION.record(&["/v1/me", method, "2xx"], 0.1);
        }
        assert_eq!(kept(), 3);
        std::thread::spawn(|| READ_CACHE.increment(&["hit"])).join().unwrap();
        let text = crate::render().unwrap();
        assert!(text.contains("colloquy_read_cache_total{outcome=\"hit\"} 4"), "{text}");
        assert!(text.contains("colloquy_read_cache_total{outcome=\"miss\"} 3"), "{text}");
        assert!(text.contains("colloquy_sign_ins_total{outcome=\"accepted\"} 3"), "{text}");
    }
}

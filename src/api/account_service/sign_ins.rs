//! Counts sign-ins by their outcome. Refused sign-ins of known accounts are also events; those of unknown
//! addresses are in these numbers alone.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::http::StatusCode;

/// The sign-ins through this process.
#[derive(Debug, Default)]
pub(in crate::api) struct SignIns {
    accepted: AtomicU64,
    refused: AtomicU64,
    limited: AtomicU64,
    failed: AtomicU64,
}

impl SignIns {
    pub(super) fn count(&self, status: StatusCode) {
        let counter = match status.as_u16() {
            200..=399 => &self.accepted,
            429 => &self.limited,
            400..=499 => &self.refused,
            _ => &self.failed,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// The numbers in the text format of Prometheus.
    pub(in crate::api) fn text(&self) -> String {
        let mut text = String::from("# TYPE colloquy_sign_ins_total counter\n");
        let counters = [
            ("accepted", &self.accepted),
            ("refused", &self.refused),
            ("limited", &self.limited),
            ("failed", &self.failed),
        ];
        for (outcome, counter) in counters {
            let count = counter.load(Ordering::Relaxed);
            // Writing to a string cannot fail.
            let _ = writeln!(text, "colloquy_sign_ins_total{{outcome=\"{outcome}\"}} {count}");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_outcome_has_a_counter() {
        let sign_ins = SignIns::default();
        for status in [200, 401, 401, 403, 429, 503] {
            sign_ins.count(StatusCode::from_u16(status).unwrap());
        }
        let text = sign_ins.text();
        for line in ["{outcome=\"accepted\"} 1", "{outcome=\"refused\"} 3", "{outcome=\"limited\"} 1"] {
            assert!(text.contains(line), "{text}");
        }
    }
}

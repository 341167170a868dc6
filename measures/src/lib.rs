//! Metrics: `catalogue.rs` defines all of them, any crate records them, and [`render`] writes
//! them for Prometheus.
//!
//! Recording costs some fifty nanoseconds and never blocks. Before [`install`] it does nothing, so that
//! commands which run once pay nothing. Every label has a fixed list of values, or values that the program
//! alone determines; an unknown value of a fixed list becomes `other`.

pub mod catalogue;
mod exposition;
mod metric;
mod reference;
mod series;

pub use exposition::{InstallError, install, render, upkeep};
pub use metric::{Counter, Definition, Gauge, Held, Histogram, Kind, Label, Unit, Values};
pub use reference::reference;

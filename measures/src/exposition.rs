//! The recorder of the process, and its values in the text format of Prometheus.

use std::sync::OnceLock;

use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};

use crate::catalogue::ALL;
use crate::metric::{Definition, Kind, Unit};

static EXPOSITION: OnceLock<PrometheusHandle> = OnceLock::new();

/// The recorder could not be installed.
#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    /// The buckets of a histogram are invalid.
    #[error("buckets of a histogram are invalid")]
    Buckets(#[from] BuildError),
    /// The process has another recorder.
    #[error("the process has another recorder of metrics")]
    OtherRecorder,
}

/// Starts to record. Later calls do nothing.
pub fn install() -> Result<(), InstallError> {
    if EXPOSITION.get().is_some() {
        return Ok(());
    }
    let mut builder = PrometheusBuilder::new();
    for Definition { name, buckets, .. } in ALL.iter().filter(|metric| metric.kind == Kind::Histogram) {
        builder = builder.set_buckets_for_metric(Matcher::Full((*name).to_owned()), buckets)?;
    }
    let recorder = builder.build_recorder();
    let handle = recorder.handle();
    if metrics::set_global_recorder(recorder).is_err() {
        // Another thread was faster.
        return if EXPOSITION.get().is_some() { Ok(()) } else { Err(InstallError::OtherRecorder) };
    }
    let _ = EXPOSITION.set(handle);
    for metric in ALL {
        describe(metric);
        metric.create_series();
    }
    Ok(())
}

/// Whether values are recorded.
pub(crate) fn is_installed() -> bool {
    EXPOSITION.get().is_some()
}

/// All series in the text format of Prometheus; `None` before [`install`].
pub fn render() -> Option<String> {
    EXPOSITION.get().map(PrometheusHandle::render)
}

/// Moves recorded values of histograms into their buckets. Without calls now and then, values take memory
/// until the next [`render`].
pub fn upkeep() {
    if let Some(handle) = EXPOSITION.get() {
        handle.run_upkeep();
    }
}

fn describe(metric: &Definition) {
    let unit = match metric.unit {
        Unit::Count | Unit::Position | Unit::Truth => metrics::Unit::Count,
        Unit::Seconds | Unit::Timestamp => metrics::Unit::Seconds,
        Unit::Bytes => metrics::Unit::Bytes,
    };
    let (name, text) = (metric.name.into(), metric.description.into());
    metrics::with_recorder(|recorder| match metric.kind {
        Kind::Counter => recorder.describe_counter(name, Some(unit), text),
        Kind::Gauge => recorder.describe_gauge(name, Some(unit), text),
        Kind::Histogram => recorder.describe_histogram(name, Some(unit), text),
    });
}

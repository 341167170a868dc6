//! Logs on standard error, and traces. They hold ids and durations, never texts, tokens or
//! addresses of users.

mod sampler;
pub mod traces;

use std::io::IsTerminal as _;
use std::num::NonZeroU32;
use std::sync::OnceLock;

use anyhow::{Context as _, anyhow};
use clap::builder::Resettable;
use clap::{Args, ValueEnum};
use secrecy::SecretString;
use tracing_subscriber::layer::{Layered, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _, Registry, reload};

use self::sampler::TraceSampler;

/// Configuration of the log.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Logging")]
pub struct LoggingConfig {
    /// Filter of the log: a level, or a list such as `info,store=debug`.
    #[arg(long, env = "LOG", global = true, default_value = "info,sqlx=warn,async_nats=off")]
    pub log: String,
    /// Format of the log.
    #[arg(long, env = "LOG_FORMAT", global = true, value_enum, default_value_t = LogFormat::Text)]
    pub log_format: LogFormat,
}

/// Configuration of traces.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Traces")]
pub struct TracesConfig {
    /// Address of an OpenTelemetry collector for traces by OTLP over HTTP, without `/v1/traces`; without it,
    /// no traces.
    #[arg(long, env = "OTEL_EXPORTER_OTLP_ENDPOINT", global = true)]
    pub otel_exporter_otlp_endpoint: Option<String>,
    /// Share of the requests without a `traceparent` that are traced, from 0 to 1. One with it is traced as
    /// it says.
    #[arg(long, env = "OTEL_TRACES_SAMPLER_ARG", global = true, default_value_t = 1.0)]
    pub otel_traces_sampler_arg: f64,
    /// Traces that begin in one second at most, in this process; 0 for no limit. Those that begin elsewhere
    /// go on without one.
    #[arg(long, env = "TRACES_PER_SECOND", global = true, default_value_t = 100)]
    pub traces_per_second: u32,
}

/// Format of the log.
// A help text of a value would make every command print the long form of its help.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Lines for a terminal.
    #[value(help = Resettable::Reset)]
    Text,
    /// One JSON object a line.
    #[value(help = Resettable::Reset)]
    Json,
}

impl LogFormat {
    /// The value of `LOG_FORMAT`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Json => "json",
        }
    }
}

/// The registry of spans below the log.
type Traced = Layered<Option<Box<dyn tracing_subscriber::Layer<Registry> + Send + Sync>>, Registry>;

/// Changes the filter of a log that was started.
static FILTER: OnceLock<reload::Handle<EnvFilter, Traced>> = OnceLock::new();

/// Starts logging, and traces if there is a collector. Called in the runtime that sends them. `headers` are
/// those of the requests to the collector.
pub fn start(
    config: &LoggingConfig,
    traces: Option<&TracesConfig>,
    headers: Option<&SecretString>,
) -> anyhow::Result<()> {
    let (filter, handle) = reload::Layer::new(parse(&config.log).context("LOG is not a filter of the log")?);
    // Colours are for terminals: in a file they are noise, and each request pays for them.
    let has_colours = std::io::stderr().is_terminal();
    let lines = tracing_subscriber::fmt::layer().with_ansi(has_colours).with_writer(std::io::stderr);
    let lines = match config.log_format {
        LogFormat::Text => lines.with_target(false).with_filter(filter).boxed(),
        LogFormat::Json => lines.json().with_filter(filter).boxed(),
    };
    let spans = match traces {
        Some(traces) => {
            let per_second = NonZeroU32::new(traces.traces_per_second);
            let sampler = TraceSampler::new(traces.otel_traces_sampler_arg, per_second);
            traces::layer(traces.otel_exporter_otlp_endpoint.as_deref(), headers, sampler)?
        }
        None => None,
    };
    tracing_subscriber::registry().with(spans).with(lines).init();
    let _ = FILTER.set(handle);
    Ok(())
}

/// Sends the last spans before the process ends.
pub fn end() {
    traces::end();
}

/// The filter of the log; `None` if logging was not started.
pub fn filter() -> Option<String> {
    FILTER.get()?.with_current(ToString::to_string).ok()
}

/// Changes the filter of the log until the process ends.
pub fn set_filter(filter: &str) -> anyhow::Result<()> {
    let handle = FILTER.get().context("the process has no log that can be changed")?;
    handle.reload(parse(filter)?).context("the filter of the log was not changed")
}

fn parse(filter: &str) -> anyhow::Result<EnvFilter> {
    EnvFilter::try_new(filter).map_err(|error| anyhow!("{error}"))
}

//! Logs on standard error. They hold ids and durations, never texts, tokens or addresses of users.

use anyhow::anyhow;
use clap::builder::Resettable;
use clap::{Args, ValueEnum};
use tracing_subscriber::EnvFilter;

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

/// Starts logging.
pub fn start(config: &LoggingConfig) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(&config.log)
        .map_err(|error| anyhow!("LOG is not a filter of the log: {error}"))?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match config.log_format {
        LogFormat::Text => builder.with_target(false).init(),
        LogFormat::Json => builder.json().init(),
    }
    Ok(())
}

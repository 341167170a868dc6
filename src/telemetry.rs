//! Logs: text for people, JSON for machines. Never texts, tokens or addresses of people.

use tracing_subscriber::EnvFilter;

/// Starts logging to standard error: `LOG` is the filter (default `info`), `LOG_FORMAT` is `text` or `json`.
pub fn start() {
    let filter =
        EnvFilter::try_from_env("LOG").unwrap_or_else(|_| EnvFilter::new("info,sqlx=warn,async_nats=warn"));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    if std::env::var("LOG_FORMAT").is_ok_and(|format| format == "json") {
        builder.json().init();
    } else {
        builder.with_target(false).init();
    }
}

//! Options of connections, and the errors of making one.

use std::str::FromStr as _;

use secrecy::{ExposeSecret as _, SecretString};
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions as _, PgConnection};

/// A connection string that cannot be used. Its text is secret and not part of the error.
#[derive(Debug, thiserror::Error)]
#[error("connection string of the database is invalid")]
pub struct ConnectError(#[source] sqlx::Error);

/// The options of a URL. A connection starts with those parameters alone that every pooler knows: `sqlx`
/// would add `extra_float_digits`, which `PgBouncer` refuses, and which nothing here needs.
pub fn options(url: &SecretString, application: &str) -> Result<PgConnectOptions, ConnectError> {
    let options = PgConnectOptions::from_str(url.expose_secret()).map_err(ConnectError)?;
    Ok(options.application_name(application).extra_float_digits(None))
}

/// A connection outside of any pool, for work that needs a session of its own.
pub async fn connect_alone(
    url: &SecretString,
    application: &str,
) -> Result<Result<PgConnection, sqlx::Error>, ConnectError> {
    Ok(options(url, application)?.connect().await)
}

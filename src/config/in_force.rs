//! The settings that are in force, with their sources. Secrets and the logins in URLs are masked.

use clap::{ArgMatches, Args, Command, FromArgMatches};
use serde::Serialize;

use super::reference::{HEADINGS, settings};
use super::secret::{self, SecretVariable};
use super::source::origin_of;

/// Stands for a secret.
const MASK: &str = "********";
/// Parameters of URLs that are no secret.
const SHOWN_PARAMETERS: [&str; 3] = ["sslmode", "channel_binding", "application_name"];

/// A setting and its value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Setting {
    /// Name of the variable.
    pub(crate) name: String,
    /// The value, with secrets masked; `None` if the setting has none.
    pub(crate) value: Option<String>,
    /// `flag`, `environment`, the path of the configuration file, or `default`.
    pub(crate) origin: String,
}

/// All settings, in the order of the reference. As arguments of a command it adds none.
#[derive(Debug, Clone, Serialize)]
#[serde(transparent)]
pub(crate) struct InForce(pub(crate) Vec<Setting>);

impl Args for InForce {
    fn augment_args(command: Command) -> Command {
        command
    }

    fn augment_args_for_update(command: Command) -> Command {
        command
    }
}

impl FromArgMatches for InForce {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let arguments = settings();
        let mut all = Vec::new();
        for heading in HEADINGS {
            for secret in secret::ALL.iter().filter(|secret| secret.heading == heading) {
                all.push(setting_of_secret(secret)?);
            }
            let of_heading = arguments.get_arguments().filter(|arg| arg.get_help_heading() == Some(heading));
            for argument in of_heading {
                let Some(name) = argument.get_env().map(|name| name.to_string_lossy().into_owned()) else {
                    continue;
                };
                let values = matches.try_get_raw(argument.get_id().as_str()).ok().flatten();
                let value = values.map(|values| {
                    let texts: Vec<_> = values.map(|value| value.to_string_lossy().into_owned()).collect();
                    without_logins(&texts.join(","))
                });
                let origin = origin_of(&name).to_string();
                all.push(Setting { name, value, origin });
            }
        }
        Ok(Self(all))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

fn setting_of_secret(secret: &SecretVariable) -> Result<Setting, clap::Error> {
    let value = secret.optional()?.map(|value| masked(secrecy::ExposeSecret::expose_secret(&value)));
    let origin = secret.origin().to_string();
    Ok(Setting { name: secret.name.to_owned(), value, origin })
}

/// The address in a secret URL; of other secrets, nothing.
fn masked(secret: &str) -> String {
    if secret.contains("://") { without_logins(secret) } else { MASK.to_owned() }
}

/// A URL without the user, the password and the parameters that may be secret. Masks too much rather than too
/// little: all between the scheme and the last `@`. Other texts stay as they are.
pub(crate) fn without_logins(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else { return text.to_owned() };
    let (login, rest) = rest.rsplit_once('@').map_or(("", rest), |(_, rest)| ("********@", rest));
    let (address, parameters) = match rest.split_once('?') {
        Some((address, parameters)) => (address, masked_parameters(parameters)),
        None => (rest, String::new()),
    };
    format!("{scheme}://{login}{address}{parameters}")
}

fn masked_parameters(parameters: &str) -> String {
    let shown = parameters.split('&').map(|parameter| match parameter.split_once('=') {
        Some((name, _)) if !SHOWN_PARAMETERS.contains(&name) => format!("{name}={MASK}"),
        Some(_) | None => parameter.to_owned(),
    });
    format!("?{}", shown.collect::<Vec<_>>().join("&"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_shown_without_its_login_and_its_secret_parameters() {
        for (url, shown) in [
            (
                "postgres://ann:pw@db.example:5432/c?sslmode=require",
                "postgres://********@db.example:5432/c?sslmode=require",
            ),
            ("postgres://ann:p/w@x@db.example/c", "postgres://********@db.example/c"),
            ("postgres:///c?host=h&password=pw", "postgres:///c?host=********&password=********"),
            ("nats://t0ken@a:4222,nats://t0ken@b:4222", "nats://********@b:4222"),
            ("https://models.example/v1", "https://models.example/v1"),
            ("info,sqlx=warn", "info,sqlx=warn"),
        ] {
            assert_eq!(without_logins(url), shown);
        }
    }

    #[test]
    fn of_a_secret_that_is_no_url_nothing_is_shown() {
        assert_eq!(masked("2a2a2a"), MASK);
        assert_eq!(masked("nats://t0ken@a:4222"), "nats://********@a:4222");
    }
}

//! The reference of all variables in Markdown, generated from their definitions: `docs/configuration.md`.

use std::fmt::Write as _;

use clap::{Arg, Args as _, Command};

use super::secret::{self, SecretVariable};
use super::{BackupConfig, Config};
use crate::telemetry::{LoggingConfig, TracesConfig};

/// Headings in their order; each definition names one of them.
pub(super) const HEADINGS: [&str; 17] = [
    "Database",
    "NATS",
    "Keys",
    "HTTP",
    "Limits per person",
    "Accounts",
    "Qdrant",
    "Embedding",
    "Language model",
    "Files",
    "Reading of files",
    "Projector",
    "Worker",
    "Retention",
    "Backups",
    "Logging",
    "Traces",
];

const INTRODUCTION: &str = r#"# Configuration

This file is generated from the definitions in `src/config/` by `colloquy config-reference`.

Colloquy is configured by flags, environment variables and a file. What is given in several places is taken from
the first of them, in this order. An empty variable counts as unset. `colloquy COMMAND --help` lists the variables
that a command reads.

- A **secret** can be read from a file: for `NAME`, set `NAME_FILE` to its path. Setting both is an error. Secrets
  are not accepted on the command line and are never logged.
- Every other variable is also a flag: `LISTEN` is `--listen`, `RETENTION_DAYS` is `--retention-days`.
- **The configuration file** is named by `--config colloquy.toml` or `COLLOQUY_CONFIG`. It is TOML without sections;
  its keys are the names below, in upper case, secrets and their `NAME_FILE` included:

  ```toml
  DATABASE_URL_FILE = "/run/secrets/database_url"
  LISTEN = "0.0.0.0:8080"
  CORS_ORIGINS = ["https://chat.example.org"]
  RETENTION_DAYS = 365
  ```

  An unknown name, an empty value and a section are errors. Whoever can read a file with secrets has them.
- `colloquy config check` prints each value in force with its source, without secrets, and tries every connection.
"#;

const S3_CLIENT: &str = "
The S3 client also reads other `AWS_…` variables, such as `AWS_SESSION_TOKEN`, `AWS_WEB_IDENTITY_TOKEN_FILE` with
`AWS_ROLE_ARN`, and `AWS_CONTAINER_CREDENTIALS_FULL_URI`.
";

const ACCOUNT_SERVICE: &str = "
## Account service

The account service is a process of its own with its own variables: see [`auth/README.md`](../auth/README.md).
";

/// All settings that are not secret.
pub(super) fn settings() -> Command {
    let command = Config::augment_args(Command::new("colloquy"));
    let command = LoggingConfig::augment_args(BackupConfig::augment_args(command));
    TracesConfig::augment_args(command)
}

/// The reference in Markdown.
pub(crate) fn reference() -> String {
    let settings = settings();
    let mut text = INTRODUCTION.to_owned();
    for heading in HEADINGS {
        // Writing to a string cannot fail.
        let _ = write!(text, "\n## {heading}\n\n| variable | default | meaning |\n|---|---|---|\n");
        let secrets = secret::ALL.iter().filter(|secret| secret.heading == heading);
        let (required, optional): (Vec<_>, Vec<_>) = secrets.partition(|secret| secret.is_required());
        for secret in required {
            write_secret(&mut text, secret);
        }
        for setting in settings.get_arguments().filter(|arg| arg.get_help_heading() == Some(heading)) {
            write_setting(&mut text, setting);
        }
        for secret in optional {
            write_secret(&mut text, secret);
        }
        if heading == "Files" {
            text.push_str(S3_CLIENT);
        }
    }
    text.push_str(ACCOUNT_SERVICE);
    text
}

fn write_secret(text: &mut String, secret: &SecretVariable) {
    let SecretVariable { name, default, meaning, .. } = secret;
    let _ = writeln!(text, "| `{name}` (secret) | {default} | {meaning} |");
}

fn write_setting(text: &mut String, setting: &Arg) {
    let Some(name) = setting.get_env() else { return };
    let defaults: Vec<_> =
        setting.get_default_values().iter().map(|value| format!("`{}`", value.display())).collect();
    let default = if defaults.is_empty() { "none".to_owned() } else { defaults.join(", ") };
    let values: Vec<_> =
        setting.get_possible_values().iter().map(|value| format!("`{}`", value.get_name())).collect();
    let values = if values.is_empty() { String::new() } else { format!(": {}", values.join(" or ")) };
    let meaning = setting.get_help().map(ToString::to_string).unwrap_or_default();
    let _ = writeln!(text, "| `{}` | {default} | {meaning}{values} |", name.display());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reference_in_the_documentation_is_up_to_date() {
        assert_eq!(
            reference(),
            include_str!("../../docs/configuration.md"),
            "run `colloquy config-reference > docs/configuration.md`"
        );
    }

    #[test]
    fn every_variable_is_in_the_reference_once() {
        let reference = reference();
        let settings = settings();
        let settings = settings.get_arguments().map(|setting| {
            let variable = setting.get_env().expect("each setting has a variable").display().to_string();
            assert_eq!(setting.get_long(), Some(variable.to_lowercase().replace('_', "-").as_str()));
            variable
        });
        for variable in settings.chain(secret::ALL.iter().map(|secret| secret.name.to_owned())) {
            let row = format!("\n| `{variable}` ");
            assert_eq!(reference.matches(&row).count(), 1, "{variable}");
        }
        assert!(!reference.contains("|---|---|---|\n\n"), "a heading has no variables");
    }
}

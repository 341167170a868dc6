//! Secrets: read from the environment, the configuration file or files of their own, never from the command
//! line, which other users can see.
//!
//! A secret is read from its variable, or from the file that the same variable with `_FILE` appended names.
//! `--help` and `docs/configuration.md` are generated from the table here.

use std::fmt::{Display, Write as _};
use std::path::PathBuf;

use clap::error::ErrorKind;
use secrecy::{ExposeSecret as _, SecretString};
use zeroize::Zeroizing;

use super::source::{self, Origin};

/// Default of a variable that has to be set.
const REQUIRED: &str = "required";

/// An environment variable that holds a secret.
#[derive(Debug)]
pub(crate) struct SecretVariable {
    /// Heading in the reference.
    pub(crate) heading: &'static str,
    pub(crate) name: &'static str,
    /// Text for an unset variable: [`REQUIRED`], or the behaviour then.
    pub(crate) default: &'static str,
    pub(crate) meaning: &'static str,
}

pub(crate) const DATABASE_URL: SecretVariable = secret(
    "Database",
    "DATABASE_URL",
    REQUIRED,
    "URL of a database of PostgreSQL 15 or newer, direct or through a connection pooler",
);
pub(crate) const DATABASE_DIRECT_URL: SecretVariable = secret(
    "Database",
    "DATABASE_DIRECT_URL",
    "value of `DATABASE_URL`",
    "URL of the same database without a transaction pooler, for migrations",
);
pub(crate) const NATS_URL: SecretVariable = secret(
    "NATS",
    "NATS_URL",
    REQUIRED,
    "URL of NATS 2.10 or newer with JetStream, or URLs of servers of a cluster, separated by commas; may hold a user and a password, or a token",
);
pub(crate) const MASTER_KEY: SecretVariable = secret(
    "Keys",
    "MASTER_KEY",
    REQUIRED,
    "Key that wraps the keys of all users: 32 random bytes, in hexadecimal or base64",
);
pub(crate) const MASTER_KEY_PREVIOUS: SecretVariable = secret(
    "Keys",
    "MASTER_KEY_PREVIOUS",
    "none",
    "Previous master key, until `colloquy keys rotate-master` is complete",
);
pub(crate) const AUDIT_SIGNING_KEY: SecretVariable = secret(
    "Keys",
    "AUDIT_SIGNING_KEY",
    "generated, and stored encrypted in the database",
    "Ed25519 key that signs checkpoints of the ledger: PEM (PKCS#8), or a seed of 32 bytes in hexadecimal or base64",
);
pub(crate) const OTLP_HEADERS: SecretVariable = secret(
    "Traces",
    "OTEL_EXPORTER_OTLP_HEADERS",
    "none",
    "Headers of requests to the collector, such as `authorization=Bearer …`, separated by commas",
);
pub(crate) const AUTH_DATABASE_URL: SecretVariable = secret(
    "Accounts",
    "AUTH_DATABASE_URL",
    "value of `DATABASE_URL`",
    "URL of the database of the account service, whose tables are in the schema `AUTH_SCHEMA`",
);
pub(crate) const QDRANT_API_KEY: SecretVariable =
    secret("Qdrant", "QDRANT_API_KEY", "none", "API key of Qdrant");
pub(crate) const EMBEDDING_API_KEY: SecretVariable =
    secret("Embedding", "EMBEDDING_API_KEY", "none", "API key of the embedding endpoint");
pub(crate) const EMBEDDING_PREVIOUS_API_KEY: SecretVariable =
    secret("Embedding", "EMBEDDING_PREVIOUS_API_KEY", "none", "API key of the previous embedding endpoint");
pub(crate) const MODEL_API_KEY: SecretVariable =
    secret("Language model", "MODEL_API_KEY", "none", "API key of the language model's endpoint");
pub(crate) const AWS_ACCESS_KEY_ID: SecretVariable = secret(
    "Files",
    "AWS_ACCESS_KEY_ID",
    "credentials of the instance or of a web identity",
    "Access key for the S3 bucket",
);
pub(crate) const AWS_SECRET_ACCESS_KEY: SecretVariable = secret(
    "Files",
    "AWS_SECRET_ACCESS_KEY",
    "credentials of the instance or of a web identity",
    "Secret of the access key",
);
pub(crate) const BACKUP_ACCESS_KEY_ID: SecretVariable = secret(
    "Backups",
    "BACKUP_ACCESS_KEY_ID",
    "value of `AWS_ACCESS_KEY_ID`",
    "Access key for the S3 bucket of backups",
);
pub(crate) const BACKUP_SECRET_ACCESS_KEY: SecretVariable = secret(
    "Backups",
    "BACKUP_SECRET_ACCESS_KEY",
    "value of `AWS_SECRET_ACCESS_KEY`",
    "Secret of the access key; counts only with `BACKUP_ACCESS_KEY_ID`",
);
pub(crate) const BACKUP_PASSPHRASE: SecretVariable = secret(
    "Backups",
    "BACKUP_PASSPHRASE",
    "none",
    "Passphrase that encrypts the keys beside a backup (`colloquy backup create --with-keys`)",
);
pub(crate) const SCRATCH_DATABASE_URL: SecretVariable = secret(
    "Backups",
    "SCRATCH_DATABASE_URL",
    "value of `DATABASE_DIRECT_URL`",
    "URL of any database of a server on which `colloquy backup verify` may create a database and drop it again",
);

/// Every secret.
pub(crate) const ALL: &[&SecretVariable] = &[
    &DATABASE_URL,
    &DATABASE_DIRECT_URL,
    &NATS_URL,
    &MASTER_KEY,
    &MASTER_KEY_PREVIOUS,
    &AUDIT_SIGNING_KEY,
    &OTLP_HEADERS,
    &AUTH_DATABASE_URL,
    &QDRANT_API_KEY,
    &EMBEDDING_API_KEY,
    &EMBEDDING_PREVIOUS_API_KEY,
    &MODEL_API_KEY,
    &AWS_ACCESS_KEY_ID,
    &AWS_SECRET_ACCESS_KEY,
    &BACKUP_ACCESS_KEY_ID,
    &BACKUP_SECRET_ACCESS_KEY,
    &BACKUP_PASSPHRASE,
    &SCRATCH_DATABASE_URL,
];

const fn secret(
    heading: &'static str,
    name: &'static str,
    default: &'static str,
    meaning: &'static str,
) -> SecretVariable {
    SecretVariable { heading, name, default, meaning }
}

/// The secrets of `colloquy serve`: all but those of commands alone.
pub(crate) fn of_serve() -> Vec<&'static SecretVariable> {
    ALL.iter().copied().filter(|secret| secret.heading != "Backups").collect()
}

impl SecretVariable {
    /// The secret, which has to be set.
    pub(crate) fn required(&self) -> Result<SecretString, clap::Error> {
        self.optional()?.ok_or_else(|| error(format_args!("{} is not set", self.name)))
    }

    /// The secret; without it, that of another variable, which has to be set then.
    pub(crate) fn or(&self, other: &Self) -> Result<SecretString, clap::Error> {
        self.optional()?.map_or_else(|| other.required(), Ok)
    }

    /// The secret, if it is set. An empty variable counts as unset.
    pub(crate) fn optional(&self) -> Result<Option<SecretString>, clap::Error> {
        if let Some(secret) = self.found_by(source::in_environment)? {
            return Ok(Some(secret));
        }
        self.found_by(source::in_file)
    }

    fn found_by(&self, look: fn(&str) -> Option<SecretString>) -> Result<Option<SecretString>, clap::Error> {
        let file = self.file_variable();
        match (look(self.name), look(&file)) {
            (Some(value), None) => Ok(Some(value)),
            (None, Some(path)) => read(&file, path.expose_secret()).map(Some),
            (Some(_), Some(_)) => Err(error(format_args!("{} and {file} are both set", self.name))),
            (None, None) => Ok(None),
        }
    }

    /// The file that holds the secret, if it is read from one.
    pub(crate) fn file(&self) -> Option<PathBuf> {
        if source::in_environment(self.name).is_some() {
            return None;
        }
        let name = self.file_variable();
        let path = source::in_environment(&name).or_else(|| source::in_file(&name))?;
        Some(PathBuf::from(path.expose_secret()))
    }

    /// The error for a value that cannot be used.
    pub(crate) fn invalid(&self, reason: impl Display) -> clap::Error {
        error(format_args!("{} is not valid: {reason}", self.name))
    }

    /// Source of the secret.
    pub(super) fn origin(&self) -> Origin {
        let names = [self.name, &self.file_variable()];
        if names.iter().any(|name| source::is_in_environment(name)) {
            return Origin::Environment;
        }
        names.iter().find_map(|name| source::origin_in_file(name)).unwrap_or(Origin::Default)
    }

    pub(crate) fn is_required(&self) -> bool {
        self.default == REQUIRED
    }

    /// Name of the variable that names a file with the secret.
    pub(crate) fn file_variable(&self) -> String {
        format!("{}_FILE", self.name)
    }
}

/// The names of all variables that hold a secret or name a file with one.
pub(crate) fn variables() -> impl Iterator<Item = String> {
    ALL.iter().flat_map(|secret| [secret.name.to_owned(), secret.file_variable()])
}

fn read(variable: &str, path: &str) -> Result<SecretString, clap::Error> {
    let text = std::fs::read_to_string(path)
        .map(Zeroizing::new)
        .map_err(|cause| error(format_args!("{variable} {path} cannot be read: {cause}")))?;
    match text.trim() {
        "" => Err(error(format_args!("{variable} {path} is empty"))),
        secret => Ok(secret.into()),
    }
}

fn error(message: impl Display) -> clap::Error {
    clap::Error::raw(ErrorKind::ValueValidation, format!("{message}\n"))
}

/// The part of `--help` that lists secrets.
pub(crate) fn help(secrets: &[&SecretVariable]) -> String {
    let mut text = String::from(
        "Secrets, from the environment or the configuration file (NAME_FILE gives the path of a file that holds the value of NAME):",
    );
    for secret in secrets {
        let SecretVariable { name, default, meaning, .. } = secret;
        let label = if secret.is_required() { "" } else { "default: " };
        // Writing to a string cannot fail.
        let _ = write!(text, "\n      {name}\n          {meaning} [{label}{default}]");
    }
    text
}

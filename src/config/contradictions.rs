//! Settings that are right alone and wrong together. Every command refuses them when it starts.

use clap::ArgMatches;
use clap::error::ErrorKind;
use clap::parser::ValueSource;
use secrecy::ExposeSecret as _;

use super::models::ModelsFile;
use super::secret::{
    AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, EMBEDDING_API_KEY, EMBEDDING_PREVIOUS_API_KEY, MASTER_KEY,
    MASTER_KEY_PREVIOUS, MODEL_API_KEY, SecretVariable,
};

/// A setting, and the setting without which it has no effect.
const NEEDS: &[(&str, &str)] = &[
    ("MODEL_URL", "MODEL_NAME"),
    ("MODEL_NAME", "MODEL_URL"),
    ("MODEL_PROMPT_PRICE", "MODEL_URL"),
    ("MODEL_COMPLETION_PRICE", "MODEL_URL"),
    ("EMBEDDING_URL", "EMBEDDING_NAME"),
    ("EMBEDDING_NAME", "EMBEDDING_URL"),
    ("EMBEDDING_PREVIOUS_URL", "EMBEDDING_PREVIOUS_NAME"),
    ("EMBEDDING_PREVIOUS_NAME", "EMBEDDING_PREVIOUS_URL"),
    ("NATS_CERT", "NATS_KEY"),
    ("NATS_KEY", "NATS_CERT"),
];

/// A secret, and the setting without which it has no effect.
const SECRET_NEEDS: &[(&SecretVariable, &str)] = &[
    (&MODEL_API_KEY, "MODEL_URL"),
    (&EMBEDDING_API_KEY, "EMBEDDING_URL"),
    (&EMBEDDING_PREVIOUS_API_KEY, "EMBEDDING_PREVIOUS_URL"),
];

/// A number, and the number that it must not exceed. Defaults contradict nothing.
const AT_MOST: &[(&str, &str)] = &[
    ("MAX_ANONYMOUS_CONNECTIONS", "MAX_CONNECTIONS"),
    ("MAX_ANONYMOUS_CONNECTIONS_PER_ADDRESS", "MAX_ANONYMOUS_CONNECTIONS"),
    ("WORKER_ANSWERS_PER_PERSON", "WORKER_CONCURRENCY"),
];

/// Refuses contradictions between the settings of the selected command.
pub(super) fn refuse(matches: &ArgMatches) -> Result<(), clap::Error> {
    for (setting, needed) in NEEDS {
        if given(matches, setting).is_some() {
            require(matches, setting, needed)?;
        }
    }
    for (secret, needed) in SECRET_NEEDS {
        if knows(matches, needed) && secret.optional()?.is_some() {
            require(matches, secret.name, needed)?;
        }
    }
    for (number, limit) in AT_MOST {
        if let (Some(number_value), Some(limit_value)) =
            (number_of(matches, number), number_of(matches, limit))
            && number_value > limit_value
        {
            return Err(contradiction(&format!(
                "{number} is {number_value}, and {limit} is {limit_value}: {number} must not be larger"
            )));
        }
    }
    refuse_second_model(matches)?;
    if matches!(matches.try_get_one::<String>("files_url"), Ok(Some(url)) if url.starts_with("s3://")) {
        require_both(&AWS_ACCESS_KEY_ID, &AWS_SECRET_ACCESS_KEY)?;
    }
    refuse_equal(&MASTER_KEY, &MASTER_KEY_PREVIOUS)
}

/// People choose a model by its name, so that two models need two names.
fn refuse_second_model(matches: &ArgMatches) -> Result<(), clap::Error> {
    let file = matches.try_get_one::<ModelsFile>("models").ok().flatten();
    let name = matches.try_get_one::<String>("model_name").ok().flatten();
    match (file, name) {
        (Some(file), Some(name)) if file.0.iter().any(|model| model.chat.name == *name) => {
            Err(contradiction(&format!(
                "MODELS has a model with the name {name:?}, which MODEL_NAME gives to that of MODEL_URL: rename it in \
                 the file, or leave MODEL_URL and MODEL_NAME out"
            )))
        }
        _ => Ok(()),
    }
}

fn require(matches: &ArgMatches, setting: &str, needed: &str) -> Result<(), clap::Error> {
    match given(matches, needed) {
        Some(_) => Ok(()),
        None => Err(contradiction(&format!(
            "{setting} is set and {needed} is not: {setting} has no effect alone"
        ))),
    }
}

fn require_both(one: &SecretVariable, other: &SecretVariable) -> Result<(), clap::Error> {
    let (set, unset) = match (one.optional()?, other.optional()?) {
        (Some(_), None) => (one, other),
        (None, Some(_)) => (other, one),
        (Some(_), Some(_)) | (None, None) => return Ok(()),
    };
    Err(contradiction(&format!(
        "{} is set and {} is not: the one is part of the other",
        set.name, unset.name
    )))
}

fn refuse_equal(one: &SecretVariable, other: &SecretVariable) -> Result<(), clap::Error> {
    match (one.optional()?, other.optional()?) {
        (Some(first), Some(second)) if first.expose_secret() == second.expose_secret() => {
            Err(contradiction(&format!("{} and {} are the same", one.name, other.name)))
        }
        _ => Ok(()),
    }
}

/// Whether the command has a setting.
fn knows(matches: &ArgMatches, setting: &str) -> bool {
    matches.try_contains_id(&setting.to_lowercase()).is_ok()
}

/// The text of a setting that is not the default.
fn given(matches: &ArgMatches, setting: &str) -> Option<String> {
    let id = setting.to_lowercase();
    if !knows(matches, setting) || matches.value_source(&id) == Some(ValueSource::DefaultValue) {
        return None;
    }
    Some(matches.get_raw(&id)?.next()?.to_string_lossy().into_owned())
}

fn number_of(matches: &ArgMatches, setting: &str) -> Option<u64> {
    given(matches, setting)?.trim().parse().ok()
}

fn contradiction(message: &str) -> clap::Error {
    clap::Error::raw(ErrorKind::ArgumentConflict, format!("{message}\n"))
}

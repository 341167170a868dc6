//! The configuration file: TOML whose keys are the names of the environment variables, such as
//! `LISTEN = "127.0.0.1:8080"`.
//!
//! Errors name the line and the setting, and never show a value, which can be secret.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};
use zeroize::Zeroizing;

/// Largest file that is read, in bytes.
const MAX_BYTES: u64 = 1 << 20;

/// The settings of a configuration file, as an environment variable would hold them.
#[derive(Debug)]
pub(super) struct ConfigFile {
    pub(super) path: PathBuf,
    values: BTreeMap<String, Zeroizing<String>>,
}

/// A configuration file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum InvalidFile {
    #[error("configuration file {} cannot be read: {cause}", path.display())]
    Unreadable { path: PathBuf, cause: io::Error },
    #[error("configuration file {} is larger than {MAX_BYTES} bytes", path.display())]
    TooLarge { path: PathBuf },
    #[error("{}, line {line}: {reason}", path.display())]
    Invalid { path: PathBuf, line: usize, reason: String },
}

impl ConfigFile {
    /// Reads a file. Each of its keys has to be one of `known`.
    pub(super) fn read(path: &Path, known: &BTreeSet<String>) -> Result<Self, InvalidFile> {
        let mut text = Zeroizing::new(String::new());
        let limited = File::open(path).map(|file| file.take(MAX_BYTES + 1));
        limited
            .and_then(|mut file| file.read_to_string(&mut text))
            .map_err(|cause| InvalidFile::Unreadable { path: path.to_owned(), cause })?;
        if text.len() as u64 > MAX_BYTES {
            return Err(InvalidFile::TooLarge { path: path.to_owned() });
        }
        Self::parse(path, &text, known)
    }

    /// Reads the text of a file at a path.
    pub(super) fn parse(path: &Path, text: &str, known: &BTreeSet<String>) -> Result<Self, InvalidFile> {
        let invalid = |at: usize, reason: String| {
            let line = text.get(..at).map_or(1, |before| before.matches('\n').count() + 1);
            InvalidFile::Invalid { path: path.to_owned(), line, reason }
        };
        let table = DeTable::parse(text).map_err(|error| {
            invalid(error.span().map_or(0, |span| span.start), error.message().to_owned())
        })?;
        let mut values = BTreeMap::new();
        for (key, value) in table.get_ref() {
            let (name, at) = (key.get_ref().as_ref(), key.span().start);
            if !known.contains(name) {
                return Err(invalid(at, unknown(name, known)));
            }
            let value = text_of(value.get_ref()).map_err(|reason| invalid(at, format!("{name} {reason}")))?;
            values.insert(name.to_owned(), value);
        }
        Ok(Self { path: path.to_owned(), values })
    }

    /// The value of a variable, if the file has it.
    pub(super) fn get(&self, variable: &str) -> Option<&str> {
        self.values.get(variable).map(|value| value.as_str())
    }
}

fn unknown(name: &str, known: &BTreeSet<String>) -> String {
    let upper = name.to_uppercase();
    match known.iter().min_by_key(|known| strsim::damerau_levenshtein(&upper, known)) {
        Some(nearest) => format!("{name} is not a setting; the nearest name is {nearest}"),
        None => format!("{name} is not a setting"),
    }
}

/// The text that an environment variable would hold for the same value; the reason if there is none.
fn text_of(value: &DeValue<'_>) -> Result<Zeroizing<String>, &'static str> {
    match value {
        DeValue::Array(values) => {
            let texts: Vec<_> =
                values.iter().map(|value| text_of_one(value.get_ref())).collect::<Result<_, _>>()?;
            if texts.iter().any(|text| text.contains(',')) {
                return Err("has an element with a comma, which separates elements");
            }
            let texts: Vec<&str> = texts.iter().map(|text| text.as_str()).collect();
            Ok(Zeroizing::new(texts.join(",")))
        }
        one => text_of_one(one),
    }
    .and_then(|text| {
        if text.trim().is_empty() { Err("is empty; without its line, the default applies") } else { Ok(text) }
    })
}

fn text_of_one(value: &DeValue<'_>) -> Result<Zeroizing<String>, &'static str> {
    let text = match value {
        DeValue::String(text) => text.clone().into_owned(),
        DeValue::Integer(number) if number.radix() == 10 => number.as_str().to_owned(),
        DeValue::Integer(_) => return Err("is not a decimal number"),
        DeValue::Float(number) => number.as_str().to_owned(),
        DeValue::Boolean(value) => value.to_string(),
        DeValue::Datetime(_) => return Err("is a date, which no setting is"),
        DeValue::Array(_) => return Err("is a list of lists"),
        DeValue::Table(_) => return Err("is a section; settings stand outside of sections"),
    };
    Ok(Zeroizing::new(text))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use tempfile::NamedTempFile;

    use super::*;

    fn read(text: &str) -> Result<ConfigFile, String> {
        let known =
            ["LISTEN", "CORS_ORIGINS", "MASTER_KEY", "RETENTION_DAYS", "DATABASE_PREPARED_STATEMENTS"];
        let known = known.map(str::to_owned).into();
        let file = NamedTempFile::new().unwrap();
        file.as_file().write_all(text.as_bytes()).unwrap();
        ConfigFile::read(file.path(), &known)
            .map_err(|error| error.to_string().replace(&file.path().display().to_string(), "file"))
    }

    #[test]
    fn values_are_the_texts_that_variables_would_hold() {
        let file = read(
            "LISTEN = '[::1]:80' # local\nRETENTION_DAYS = 1_000\nDATABASE_PREPARED_STATEMENTS = false\n\
             CORS_ORIGINS = ['https://a.example', 'https://b.example']",
        )
        .unwrap();
        assert_eq!(file.get("LISTEN"), Some("[::1]:80"));
        assert_eq!(file.get("RETENTION_DAYS"), Some("1000"));
        assert_eq!(file.get("DATABASE_PREPARED_STATEMENTS"), Some("false"));
        assert_eq!(file.get("CORS_ORIGINS"), Some("https://a.example,https://b.example"));
        assert_eq!(file.get("MASTER_KEY"), None);
    }

    #[test]
    fn an_unknown_name_is_refused_with_the_nearest_one() {
        for (name, nearest) in
            [("RETENTION_DAY", "RETENTION_DAYS"), ("listen", "LISTEN"), ("MASTERKEY", "MASTER_KEY")]
        {
            let error = read(&format!("\n{name} = 'x'")).unwrap_err();
            assert_eq!(
                error,
                format!("file, line 2: {name} is not a setting; the nearest name is {nearest}")
            );
        }
    }

    #[test]
    fn what_no_variable_could_hold_is_refused_with_its_line_and_without_its_value() {
        for (text, reason) in [
            ("LISTEN = ''", "LISTEN is empty; without its line, the default applies"),
            ("CORS_ORIGINS = []", "CORS_ORIGINS is empty; without its line, the default applies"),
            (
                "CORS_ORIGINS = ['s3cret,s3cret']",
                "CORS_ORIGINS has an element with a comma, which separates elements",
            ),
            ("RETENTION_DAYS = 0x1e", "RETENTION_DAYS is not a decimal number"),
            ("[LISTEN]\nport = 80", "LISTEN is a section; settings stand outside of sections"),
        ] {
            assert_eq!(read(text).unwrap_err(), format!("file, line 1: {reason}"), "{text}");
        }
        let error = read("LISTEN = 'x'\nMASTER_KEY = s3cret").unwrap_err();
        assert!(error.starts_with("file, line 2: ") && !error.contains("s3cret"), "{error}");
        let error = read("LISTEN = 'x'\nLISTEN = 's3cret'").unwrap_err();
        assert!(error.contains("duplicate") && !error.contains("s3cret"), "{error}");
    }

    #[test]
    fn a_file_without_an_end_is_not_read_to_it() {
        let known = BTreeSet::new();
        let error = ConfigFile::read(Path::new("/dev/zero"), &known).unwrap_err();
        assert!(matches!(error, InvalidFile::TooLarge { .. } | InvalidFile::Invalid { .. }), "{error}");
    }
}

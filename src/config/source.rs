//! Sources of values: a flag, the environment, the configuration file or a default, in this order.
//!
//! Like the environment, the configuration file belongs to the process: it is read once, before the command
//! line is parsed.

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;
use std::sync::OnceLock;

use clap::Args;
use secrecy::SecretString;

use super::file::{ConfigFile, InvalidFile};

/// The variable that names the configuration file.
pub(super) const CONFIG_FILE: &str = "COLLOQUY_CONFIG";

static SOURCES: OnceLock<Sources> = OnceLock::new();

/// Sources of the process, beside its environment.
#[derive(Debug)]
struct Sources {
    /// Variables whose flag is on the command line.
    flags: BTreeSet<String>,
    file: Option<ConfigFile>,
}

/// The configuration file. It is read before the command line is parsed; here is its help text.
#[derive(Debug, Clone, Args)]
pub struct ConfigFileArguments {
    /// Configuration file: TOML, with the names of the environment variables. Flags and
    /// variables take precedence.
    #[arg(long, env = CONFIG_FILE, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

impl ConfigFileArguments {
    /// The variable that names the configuration file.
    pub const VARIABLE: &'static str = CONFIG_FILE;
}

/// Whether a variable has a value, in the environment or in the configuration file.
pub fn is_set(variable: &str) -> bool {
    is_in_environment(variable) || origin_in_file(variable).is_some()
}

/// Source of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Origin {
    Flag,
    Environment,
    File(PathBuf),
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag => f.write_str("flag"),
            Self::Environment => f.write_str("environment"),
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Default => f.write_str("default"),
        }
    }
}

/// Reads the configuration file of the process, if it has one. Later calls change nothing.
pub(super) fn load(
    path: Option<PathBuf>,
    flags: BTreeSet<String>,
    known: &BTreeSet<String>,
) -> Result<(), InvalidFile> {
    let file = path.map(|path| ConfigFile::read(&path, known)).transpose()?;
    // A process has one command line.
    let _ = SOURCES.set(Sources { flags, file });
    Ok(())
}

/// The value of an environment variable. An empty one counts as unset.
pub(super) fn in_environment(variable: &str) -> Option<SecretString> {
    std::env::var(variable).ok().filter(|value| !value.trim().is_empty()).map(Into::into)
}

/// The value of a variable in the configuration file.
pub(super) fn in_file(variable: &str) -> Option<SecretString> {
    SOURCES.get()?.file.as_ref()?.get(variable).map(Into::into)
}

/// Source of the value of a setting.
pub(super) fn origin_of(variable: &str) -> Origin {
    let sources = SOURCES.get();
    if sources.is_some_and(|sources| sources.flags.contains(variable)) {
        return Origin::Flag;
    }
    // Not as text: a variable that is no UTF-8 is set.
    if is_in_environment(variable) {
        return Origin::Environment;
    }
    origin_in_file(variable).unwrap_or(Origin::Default)
}

/// Whether an environment variable is set and not empty.
pub(super) fn is_in_environment(variable: &str) -> bool {
    std::env::var_os(variable).is_some_and(|value| !value.to_string_lossy().trim().is_empty())
}

/// The configuration file, if it has the variable.
pub(super) fn origin_in_file(variable: &str) -> Option<Origin> {
    let file = SOURCES.get()?.file.as_ref()?;
    file.get(variable).map(|_| Origin::File(file.path.clone()))
}

//! The command line over the environment and the configuration file.
//!
//! `clap` reads flags and the environment. A value of the file becomes a flag behind those that were given,
//! unless a flag or a variable has the setting: it is parsed, refused and explained like any other.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use clap::builder::Resettable;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgMatches, Command};
use secrecy::ExposeSecret as _;

use super::source::{self, CONFIG_FILE, Origin};
use super::{contradictions, installation, secret};

/// Parses the arguments of the process. Reads its configuration file first.
pub(crate) fn parse(command: &Command, arguments: &[OsString]) -> Result<ArgMatches, clap::Error> {
    let line = CommandLine::read(command, arguments);
    if !line.asks_for_help {
        let known = known_names(command);
        source::load(line.config_file(), line.given_variables(), &known)
            .map_err(|error| clap::Error::raw(ErrorKind::ValueValidation, format!("{error}\n")))?;
    }
    parsed(command, line.with_file(arguments))
}

/// Parses an empty command line.
pub(super) fn parse_nothing(command: Command) -> Result<ArgMatches, clap::Error> {
    let command = command.no_binary_name(true);
    parsed(&command, CommandLine::read(&command, &[]).with_file(&[]))
}

fn parsed(command: &Command, arguments: Vec<OsString>) -> Result<ArgMatches, clap::Error> {
    let matches = with_environment(command.clone()).try_get_matches_from(arguments).map_err(with_origin)?;
    let mut selected = &matches;
    while let Some((_, deeper)) = selected.subcommand() {
        selected = deeper;
    }
    contradictions::refuse(selected)?;
    Ok(matches)
}

/// The arguments of a command line, as far as settings are concerned.
#[derive(Debug)]
struct CommandLine<'a> {
    /// Settings of the selected command.
    settings: Vec<&'a Arg>,
    /// Flags with their values, which may be missing.
    flags: Vec<(String, Option<OsString>)>,
    /// Number of arguments before `--`.
    options: usize,
    asks_for_help: bool,
}

impl<'a> CommandLine<'a> {
    fn read(command: &'a Command, arguments: &[OsString]) -> Self {
        let mut line = Self {
            settings: command.get_arguments().collect(),
            flags: Vec::new(),
            options: arguments.len(),
            asks_for_help: false,
        };
        let (mut command, mut index) = (command, usize::from(!command.is_no_binary_name_set()));
        while let Some(argument) = arguments.get(index) {
            let text = argument.to_string_lossy();
            index += 1;
            if text == "--" {
                line.options = index - 1;
                break;
            }
            if let Some(flag) = text.strip_prefix("--") {
                index += line.push_flag(flag, arguments.get(index).map(OsString::as_os_str));
            } else if text == "-h" || text == "-V" || (text == "help" && command.has_subcommands()) {
                line.asks_for_help = true;
            } else if let Some(selected) = command.find_subcommand(argument) {
                command = selected;
                line.settings.retain(|setting| setting.is_global_set());
                line.settings.extend(command.get_arguments());
            }
        }
        line
    }

    /// Returns the number of further arguments that belong to the flag.
    fn push_flag(&mut self, flag: &str, next: Option<&OsStr>) -> usize {
        self.asks_for_help |= flag == "help" || flag == "version";
        if let Some((name, value)) = flag.split_once('=') {
            self.flags.push((name.to_owned(), Some(value.into())));
            return 0;
        }
        let takes_value = self
            .settings
            .iter()
            .any(|setting| setting.get_long() == Some(flag) && setting.get_action().takes_values());
        let value = next.filter(|_| takes_value).map(OsStr::to_owned);
        let taken = usize::from(value.is_some());
        self.flags.push((flag.to_owned(), value));
        taken
    }

    fn has(&self, setting: &Arg) -> bool {
        setting.get_long().is_some_and(|long| self.flags.iter().any(|(flag, _)| flag == long))
    }

    fn config_file(&self) -> Option<PathBuf> {
        let flag = self.flags.iter().find(|(flag, _)| flag == "config");
        match flag {
            Some((_, value)) => value.clone().map(PathBuf::from),
            None => std::env::var_os(CONFIG_FILE)
                .filter(|_| source::is_in_environment(CONFIG_FILE))
                .map(PathBuf::from),
        }
    }

    /// Variables whose flags are given.
    fn given_variables(&self) -> BTreeSet<String> {
        self.settings
            .iter()
            .filter(|setting| self.has(setting))
            .filter_map(|setting| variable_of(setting))
            .collect()
    }

    /// The arguments with those that the configuration file adds.
    fn with_file(&self, arguments: &[OsString]) -> Vec<OsString> {
        let (options, positional) = arguments.split_at(self.options);
        let mut all = options.to_vec();
        for setting in self.settings.iter().filter(|setting| !self.has(setting)) {
            let Some((variable, long)) = variable_of(setting).zip(setting.get_long()) else { continue };
            if source::is_in_environment(&variable) {
                continue;
            }
            let Some(value) = source::in_file(&variable) else { continue };
            if setting.get_action().takes_values() {
                all.push(format!("--{long}={}", value.expose_secret()).into());
            } else if value.expose_secret() == "true" {
                all.push(format!("--{long}").into());
            }
        }
        all.extend_from_slice(positional);
        all
    }
}

fn variable_of(setting: &Arg) -> Option<String> {
    setting.get_env().map(|name| name.to_string_lossy().into_owned())
}

/// All names that a configuration file may have: settings of all commands, secrets, and their files.
fn known_names(command: &Command) -> BTreeSet<String> {
    let mut names: BTreeSet<String> = command.get_arguments().filter_map(variable_of).collect();
    names.extend(command.get_subcommands().flat_map(known_names));
    names.extend(secret::ALL.iter().flat_map(|secret| [secret.name.to_owned(), secret.file_variable()]));
    names.remove(CONFIG_FILE);
    names
}

/// Adds the source of the value to an error about a setting.
fn with_origin(mut error: clap::Error) -> clap::Error {
    let argument = match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(argument)) => argument.clone(),
        Some(ContextValue::Strings(arguments)) => arguments.first().cloned().unwrap_or_default(),
        _ => return error,
    };
    let flag = argument.trim_start_matches("--").split([' ', '=']).next().unwrap_or_default();
    let variable = flag.to_uppercase().replace('-', "_");
    let tip = match source::origin_of(&variable) {
        Origin::Environment => format!("{variable} is set in the environment"),
        Origin::File(path) => format!("{variable} is set in {}", path.display()),
        Origin::Flag | Origin::Default => return error,
    };
    error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip.into()]));
    error
}

/// Makes an empty environment variable count as unset, keeps the values of variables out of help texts, and
/// makes the files of a release the defaults of their settings.
fn with_environment(command: Command) -> Command {
    installation::with_files_of_the_release(command)
        .mut_args(ignore_empty_variable)
        .mut_subcommands(with_environment)
}

fn ignore_empty_variable(arg: Arg) -> Arg {
    let Some(variable) = variable_of(&arg) else { return arg };
    let is_empty = std::env::var_os(&variable).is_some() && !source::is_in_environment(&variable);
    if !is_empty {
        return arg.hide_env_values(true);
    }
    let help = arg.get_help().cloned().unwrap_or_default();
    arg.env(Resettable::Reset).help(format!("{help} [env: {variable}]"))
}

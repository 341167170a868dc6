//! `docs/runbook.md` names only what exists: commands, variables and log lines.

use std::fs;
use std::path::Path;
use std::process::Command;

/// Values in place of the runbook's placeholders.
const PLACEHOLDERS: [(&str, &str); 3] =
    [("ID", "00000000-0000-0000-0000-000000000000"), ("ROLE", "sequencer"), ("HOST", "localhost")];

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    fs::read_to_string(repository().join(path)).unwrap()
}

/// The texts in code style, in order.
fn code_in(text: &str) -> Vec<&str> {
    text.lines().flat_map(|line| line.split('`').skip(1).step_by(2)).collect()
}

#[test]
fn every_command_of_the_runbook_parses() {
    let runbook = read("docs/runbook.md");
    let commands: Vec<_> =
        code_in(&runbook).into_iter().filter_map(|code| code.strip_prefix("colloquy ")).collect();
    assert!(commands.len() > 10, "{commands:?}");
    for command in commands {
        let words = command.split(' ').map(|word| {
            PLACEHOLDERS.iter().find(|(name, _)| *name == word).map_or(word, |(_, value)| *value)
        });
        // Arguments before --help are parsed; the command itself is not run.
        let output = Command::new(env!("CARGO_BIN_EXE_colloquy")).args(words).arg("--help").output().unwrap();
        assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn every_variable_of_the_runbook_is_in_the_reference() {
    let (runbook, reference) = (read("docs/runbook.md"), read("docs/configuration.md"));
    let is_variable = |code: &str| {
        code.contains('_') && code.chars().all(|c| c.is_ascii_uppercase() || c == '_' || c.is_ascii_digit())
    };
    let names: Vec<_> = code_in(&runbook)
        .into_iter()
        .map(|code| code.split('=').next().unwrap_or_default())
        .filter(|name| is_variable(name))
        .collect();
    assert!(names.len() > 5, "{names:?}");
    for name in names {
        assert!(reference.contains(&format!("\n| `{name}` ")), "{name}");
    }
}

#[test]
fn every_log_line_of_the_runbook_is_written_by_the_program() {
    let runbook = read("docs/runbook.md");
    let source = source_below(&repository().join("src"));
    let mut lines = 0;
    for sentence in runbook.split(['.', ';', '\n']).filter(|sentence| sentence.contains("log line")) {
        let after = sentence.split("log line").nth(1).unwrap_or_default();
        if let Some(line) = code_in(after).first() {
            assert!(source.contains(line), "{line}");
            lines += 1;
        }
    }
    assert!(lines > 3, "{lines}");
}

fn source_below(folder: &Path) -> String {
    let mut source = String::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            source += &source_below(&path);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            source += &fs::read_to_string(&path).unwrap();
        }
    }
    source
}

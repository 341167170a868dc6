//! Lengths of source files and of their functions.

use std::path::{Path, PathBuf};

const MAX_FILE_LINES: usize = 320;
const MAX_FUNCTION_LINES: usize = 60;

/// Names the Rust files below a folder, and the functions in them, that are too long.
pub(crate) fn violations(folder: &Path) -> Vec<String> {
    let mut violations = Vec::new();
    for path in rust_files(folder) {
        let source = std::fs::read_to_string(&path).unwrap();
        let long = long_parts(&source).into_iter();
        violations.extend(long.map(|long| format!("{}: {long}", path.display())));
    }
    violations
}

/// The Rust files below a folder.
pub(crate) fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files = Vec::new();
    for path in entries.map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}

fn long_parts(source: &str) -> Vec<String> {
    let lines = source.lines().count();
    let file = (lines > MAX_FILE_LINES).then(|| format!("{lines} lines"));
    let functions = functions(source).into_iter().filter(|(_, lines)| *lines > MAX_FUNCTION_LINES);
    file.into_iter().chain(functions.map(|(name, lines)| format!("fn {name}: {lines} lines"))).collect()
}

/// The functions of a formatted source, with their lengths: from `fn` to the closing brace at
/// the same indentation.
fn functions(source: &str) -> Vec<(&str, usize)> {
    let lines: Vec<&str> = source.lines().collect();
    let indentation = |line: &str| line.len() - line.trim_start().len();
    let mut functions = Vec::new();
    for (start, line) in lines.iter().enumerate() {
        let Some(name) = function_name(line) else { continue };
        let end = lines[start..]
            .iter()
            .position(|other| indentation(other) == indentation(line) && other.trim_start().starts_with('}'));
        let declared = line.trim_end().ends_with(';');
        functions.extend(end.filter(|_| !declared).map(|end| (name, end + 1)));
    }
    functions
}

fn function_name(line: &str) -> Option<&str> {
    let (before, after) = line.split_once("fn ")?;
    let modifiers = ["pub", "const", "async", "unsafe", "extern"];
    let is_declaration =
        before.split_whitespace().all(|word| modifiers.iter().any(|known| word.starts_with(known)));
    is_declaration.then(|| after.split(['(', '<']).next().unwrap_or(after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_function_is_named() {
        let body = "        work();\n".repeat(70);
        let source = format!(
            "impl Thing {{\n    pub async fn long(&self) {{\n{body}    }}\n\n    fn short() {{\n    }}\n}}\n"
        );
        assert_eq!(long_parts(&source), ["fn long: 72 lines"]);
    }
}

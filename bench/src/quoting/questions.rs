//! Questions about the documents, each asked once.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::Context as _;
use serde::Deserialize;

/// Words and marks around a question, which make it another text and change neither its terms nor, by more
/// than a token, its length.
const BEFORE: [&str; 6] = ["", "So: ", "Well, ", "Hello, ", "Please: ", "Oh, "];
const BEHIND: [&str; 10] = ["", "?", "??", " ?", "?!", "!", "!?", "...", " !", "?."];

/// Questions in an order that repeats none until all of them were asked.
#[derive(Debug)]
pub(super) struct Questions {
    texts: Vec<String>,
    asked: AtomicUsize,
}

#[derive(Deserialize)]
struct Line {
    question: String,
}

impl Questions {
    /// Reads questions from a file, or makes them from the headings of the Markdown files in a folder.
    pub(super) fn read(file: Option<&Path>, docs: &Path) -> anyhow::Result<Self> {
        let mut texts = match file {
            Some(file) => from_lines(&text_of(file)?)?,
            None => about_headings(docs)?,
        };
        texts.sort_unstable();
        texts.dedup();
        anyhow::ensure!(!texts.is_empty(), "there is no question about the documents");
        Ok(Self { texts, asked: AtomicUsize::new(0) })
    }

    /// The next question, with the escapes of JSON.
    pub(super) fn next(&self) -> String {
        let number = self.asked.fetch_add(1, Ordering::Relaxed);
        let (text, round) = (&self.texts[number % self.texts.len()], number / self.texts.len());
        let (before, behind) = (BEFORE[round / BEHIND.len() % BEFORE.len()], BEHIND[round % BEHIND.len()]);
        let text = format!("{before}{}{behind}", text.trim_end_matches('?'));
        let escaped = serde_json::Value::String(text).to_string();
        escaped[1..escaped.len() - 1].to_owned()
    }
}

fn from_lines(text: &str) -> anyhow::Result<Vec<String>> {
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    lines.map(|line| Ok(serde_json::from_str::<Line>(line)?.question)).collect()
}

fn about_headings(folder: &Path) -> anyhow::Result<Vec<String>> {
    let mut questions = Vec::new();
    for entry in std::fs::read_dir(folder).with_context(|| format!("failed to read {}", folder.display()))? {
        let path = entry?.path();
        if path.is_dir() {
            questions.extend(about_headings(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "md") {
            let text = text_of(&path)?;
            questions.extend(headings(&text).map(|heading| format!("What is known about {heading}?")));
        }
    }
    Ok(questions)
}

/// The headings of a Markdown text, outside of its code.
fn headings(text: &str) -> impl Iterator<Item = &str> {
    let mut is_code = false;
    text.lines().filter_map(move |line| {
        is_code ^= line.trim_start().starts_with("```");
        let heading = line.strip_prefix('#')?.trim_start_matches('#').trim();
        (!is_code && !heading.is_empty()).then_some(heading)
    })
}

fn text_of(path: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("failed to read {}", path.display()))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_question_is_asked_twice_before_all_variants_were() {
        let texts = vec!["What is a \"sheet\"?".to_owned(), "Who hoists?".to_owned()];
        let questions = Questions { texts, asked: AtomicUsize::new(0) };
        let all = BEFORE.len() * BEHIND.len() * 2;
        let asked: HashSet<String> = (0..all).map(|_| questions.next()).collect();
        assert_eq!(asked.len(), all);
        assert!(asked.contains("What is a \\\"sheet\\\"?"));
    }

    #[test]
    fn headings_are_read_outside_of_code() {
        let text = "# Sails\n\n```sh\n# no heading\n```\n## Main sail\n";
        assert_eq!(headings(text).collect::<Vec<_>>(), ["Sails", "Main sail"]);
    }
}

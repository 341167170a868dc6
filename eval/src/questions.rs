//! Reads the file of questions: one JSON object a line, or one JSON array of them. It is lenient about names, so that
//! files of the same meaning can be used as they are; a line that is no question is an error that names the line.

use std::path::Path;

use anyhow::{Context as _, bail};
use serde::{Deserialize, Deserializer};

use crate::documents::{Document, same_file};

/// One question with what is expected.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Question {
    /// Its name in the file; its line when it has none.
    #[serde(default, deserialize_with = "text_or_number")]
    pub(crate) id: String,
    /// What is asked.
    #[serde(rename = "question", alias = "text", alias = "query")]
    pub(crate) text: String,
    /// The documents that answer it, any of them.
    #[serde(
        default,
        alias = "source",
        alias = "documents",
        alias = "files",
        deserialize_with = "one_or_many"
    )]
    pub(crate) sources: Vec<String>,
    /// Texts of which a good answer contains one.
    #[serde(
        default,
        alias = "answers",
        alias = "expected",
        alias = "contains",
        deserialize_with = "one_or_many"
    )]
    pub(crate) answer_contains: Vec<String>,
    /// Marks a question without an answer, beside having no source.
    #[serde(default)]
    unanswerable: bool,
    /// The same, the other way round.
    #[serde(default)]
    answerable: Option<bool>,
}

impl Question {
    /// Whether the documents hold an answer.
    pub(crate) fn is_answerable(&self) -> bool {
        !self.unanswerable && self.answerable.unwrap_or(!self.sources.is_empty())
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

fn one_or_many<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    Ok(match Option::<OneOrMany>::deserialize(from)? {
        None => Vec::new(),
        Some(OneOrMany::One(one)) => vec![one],
        Some(OneOrMany::Many(many)) => many,
    })
}

#[derive(Deserialize)]
#[serde(untagged)]
enum TextOrNumber {
    Text(String),
    Number(serde_json::Number),
}

fn text_or_number<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    Ok(match Option::<TextOrNumber>::deserialize(from)? {
        None => String::new(),
        Some(TextOrNumber::Text(text)) => text,
        Some(TextOrNumber::Number(number)) => number.to_string(),
    })
}

/// The questions of a file, in its order.
pub(crate) fn read(path: &Path) -> anyhow::Result<Vec<Question>> {
    let text =
        std::fs::read_to_string(path).with_context(|| format!("read the questions {}", path.display()))?;
    parse(&text).with_context(|| format!("read the questions {}", path.display()))
}

fn parse(text: &str) -> anyhow::Result<Vec<Question>> {
    let text = text.trim_start_matches('\u{feff}');
    let mut questions = if text.trim_start().starts_with('[') {
        serde_json::from_str::<Vec<Question>>(text)?
    } else {
        let lines = text.lines().zip(1..).filter(|(line, _)| !line.trim().is_empty());
        lines
            .map(|(line, number)| serde_json::from_str(line).with_context(|| format!("line {number}")))
            .collect::<anyhow::Result<Vec<Question>>>()?
    };
    if questions.is_empty() {
        bail!("there is no question in it");
    }
    for (question, number) in questions.iter_mut().zip(1..) {
        if question.id.is_empty() {
            question.id = number.to_string();
        }
    }
    Ok(questions)
}

/// Fails when none of the sources named is among the documents: the folder and the file don't belong together.
pub(crate) fn check_sources(questions: &[Question], documents: &[Document]) -> anyhow::Result<()> {
    let missing: Vec<&str> = questions
        .iter()
        .flat_map(|question| &question.sources)
        .map(String::as_str)
        .filter(|source| !documents.iter().any(|document| same_file(&document.name, source)))
        .collect();
    let named: usize = questions.iter().map(|question| question.sources.len()).sum();
    if named > 0 && missing.len() == named {
        bail!("none of the documents named in the questions is in the folder, such as {}", missing[0]);
    }
    if !missing.is_empty() {
        eprintln!("eval: {} sources are not in the folder, such as {}", missing.len(), missing[0]);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_arrays_with_other_names_are_read() {
        let lines = "{\"id\": \"a\", \"question\": \"Why?\", \"sources\": [\"a.md\"], \"answer_contains\": [\"x\"]}\n\n{\"query\": \"How?\", \"source\": \"b.md\", \"expected\": \"y\", \"level\": 3}\n";
        let questions = parse(lines).unwrap();
        assert_eq!((questions[0].id.as_str(), questions[1].id.as_str()), ("a", "2"));
        assert_eq!(questions[1].answer_contains, ["y"]);
        assert!(questions.iter().all(Question::is_answerable));
        assert_eq!(parse("[{\"id\": 7, \"question\": \"Why?\"}]").unwrap()[0].id, "7");
    }

    #[test]
    fn what_has_no_source_or_says_so_has_no_answer() {
        for line in [
            r#"{"question": "Why?", "sources": []}"#,
            r#"{"question": "Why?", "sources": null}"#,
            r#"{"question": "Why?", "sources": ["a"], "unanswerable": true}"#,
            r#"{"question": "Why?", "sources": ["a"], "answerable": false}"#,
        ] {
            assert!(!parse(line).unwrap()[0].is_answerable(), "{line}");
        }
    }

    #[test]
    fn a_broken_line_is_named() {
        let error = parse("{\"question\": \"Why?\"}\nnonsense").unwrap_err();
        assert!(format!("{error:#}").starts_with("line 2"), "{error:#}");
        assert!(parse("\n").is_err());
    }
}

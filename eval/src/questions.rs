//! Reads the file of questions: one JSON object on each line, or a JSON array. Common alternative field names
//! are accepted. The error for an invalid line names the line.

use std::path::Path;

use anyhow::{Context as _, bail};
use serde::{Deserialize, Deserializer};

use crate::documents::{Document, is_same_file};

/// A question with its expected sources and answer.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Question {
    /// The id in the file, or the number of the question, from 1.
    #[serde(default, deserialize_with = "text_or_number")]
    pub(crate) id: String,
    /// The question itself.
    #[serde(rename = "question", alias = "text", alias = "query")]
    pub(crate) text: String,
    /// The documents that answer the question. Each of them suffices.
    #[serde(
        default,
        alias = "source",
        alias = "documents",
        alias = "files",
        deserialize_with = "one_or_many"
    )]
    pub(crate) sources: Vec<String>,
    /// The expected texts. A good answer contains one of them.
    #[serde(
        default,
        alias = "answers",
        alias = "expected",
        alias = "contains",
        deserialize_with = "one_or_many"
    )]
    pub(crate) answer_contains: Vec<String>,
    /// The picture or scanned document that answers the question once its text has been recognised.
    #[serde(default)]
    needs_ocr: Option<String>,
    /// Texts of the picture, one of which a good answer contains.
    #[serde(default, deserialize_with = "one_or_many")]
    ocr_answer: Vec<String>,
    /// Marks a question as unanswerable although it has sources.
    #[serde(default)]
    unanswerable: bool,
    /// Overrides the rule that a question with sources is answerable.
    #[serde(default)]
    answerable: Option<bool>,
}

impl Question {
    /// Whether the documents answer the question.
    pub(crate) fn is_answerable(&self) -> bool {
        !self.unanswerable && self.answerable.unwrap_or(!self.sources.is_empty())
    }

    /// A question about a text in a picture is answerable where the text is recognised.
    fn expect_recognised(&mut self) {
        if let Some(picture) = self.needs_ocr.take() {
            self.sources.push(picture);
            self.answer_contains.append(&mut self.ocr_answer);
        }
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

/// Reads all questions in the order of the file. `recognises` tells whether the text in pictures is recognised.
pub(crate) fn read(path: &Path, recognises: bool) -> anyhow::Result<Vec<Question>> {
    let text = std::fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
    let mut questions =
        parse(&text).with_context(|| format!("{} is not a file of questions", path.display()))?;
    if recognises {
        questions.iter_mut().for_each(Question::expect_recognised);
    }
    Ok(questions)
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
        bail!("it contains no question");
    }
    for (question, number) in questions.iter_mut().zip(1..) {
        if question.id.is_empty() {
            question.id = number.to_string();
        }
    }
    Ok(questions)
}

/// Checks that the questions belong to the documents: at least one of their sources must exist.
pub(crate) fn check_sources(questions: &[Question], documents: &[Document]) -> anyhow::Result<()> {
    let missing: Vec<&str> = questions
        .iter()
        .flat_map(|question| &question.sources)
        .map(String::as_str)
        .filter(|source| !documents.iter().any(|document| is_same_file(&document.name, source)))
        .collect();
    let named: usize = questions.iter().map(|question| question.sources.len()).sum();
    if named > 0 && missing.len() == named {
        bail!("none of the sources of the questions is in the folder, for example {}", missing[0]);
    }
    if !missing.is_empty() {
        eprintln!("eval: {} sources are not in the folder, for example {}", missing.len(), missing[0]);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_arrays_with_alternative_names_are_read() {
        let lines = "{\"id\": \"a\", \"question\": \"Why?\", \"sources\": [\"a.md\"], \"answer_contains\": [\"x\"]}\n\n{\"query\": \"How?\", \"source\": \"b.md\", \"expected\": \"y\", \"level\": 3}\n";
        let questions = parse(lines).unwrap();
        assert_eq!((questions[0].id.as_str(), questions[1].id.as_str()), ("a", "2"));
        assert_eq!(questions[1].answer_contains, ["y"]);
        assert!(questions.iter().all(Question::is_answerable));
        assert_eq!(parse("[{\"id\": 7, \"question\": \"Why?\"}]").unwrap()[0].id, "7");
    }

    #[test]
    fn a_question_without_sources_or_with_a_mark_is_unanswerable() {
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
    fn a_question_about_a_picture_is_answerable_where_its_text_is_recognised() {
        let line =
            r#"{"question": "Who?", "sources": [], "needs_ocr": "scan.pdf", "ocr_answer": "M. Quell"}"#;
        let mut question = parse(line).unwrap().remove(0);
        assert!(!question.is_answerable());
        question.expect_recognised();
        assert!(question.is_answerable() && question.answer_contains == ["M. Quell"]);
    }

    #[test]
    fn the_error_names_an_invalid_line() {
        let error = parse("{\"question\": \"Why?\"}\nnonsense").unwrap_err();
        assert!(format!("{error:#}").starts_with("line 2"), "{error:#}");
        assert!(parse("\n").is_err());
    }
}

//! Proposes the title of a conversation with the language model. Records nothing.

use std::time::Duration;

use crate::generate::ChatModel;
use crate::prompt;

/// The time limit of the model.
const TITLE_TIMEOUT: Duration = Duration::from_secs(20);
/// The longest title.
const MAX_TITLE_CHARS: usize = 80;
/// The length from which on no more text is read: the title is its first line.
const MAX_TEXT_BYTES: usize = 2_000;

/// Returns a title of at most 80 characters; `None` if the model is unavailable, too slow, or writes none.
pub async fn propose(model: &ChatModel, question: &str, answer: &str) -> Option<String> {
    let prompt = prompt::title(question, answer);
    let text = model.short_text(&prompt, MAX_TEXT_BYTES, TITLE_TIMEOUT).await?;
    title_in(&text)
}

/// The first line with a word, without marks, quotation marks, emphasis, and what introduces it.
fn title_in(text: &str) -> Option<String> {
    let line = text.lines().map(str::trim).find(|line| line.chars().any(char::is_alphanumeric))?;
    let line = line.trim_start_matches(['#', '-', '*', ' ']);
    let line = ["title:", "titel:"]
        .iter()
        .find_map(|label| line.get(..label.len()).filter(|start| start.eq_ignore_ascii_case(label)))
        .map_or(line, |label| &line[label.len()..]);
    let line = without_marks(line);
    let quotation = |c| {
        matches!(c, '"' | '“' | '”' | '„' | '«' | '»' | '*' | '`' | '_' | '.' | '。')
            || char::is_whitespace(c)
    };
    let line = line.trim_matches(quotation);
    let is_title = line.chars().any(char::is_alphanumeric) && line.chars().count() <= MAX_TITLE_CHARS;
    is_title.then(|| line.to_owned())
}

/// A line without numbers in square brackets.
fn without_marks(line: &str) -> String {
    let mut kept = String::with_capacity(line.len());
    let mut rest = line;
    while let Some((before, after)) = rest.split_once('[') {
        match after.split_once(']') {
            Some((mark, behind)) if mark.chars().all(|c| c.is_ascii_digit() || matches!(c, ',' | ' ')) => {
                kept.push_str(before.trim_end());
                rest = behind;
            }
            _ => {
                kept.push_str(before);
                kept.push('[');
                rest = after;
            }
        }
    }
    kept + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_one_short_line_without_ornaments() {
        for (text, title) in [
            ("\n\"Bars of the marimba\"\n", Some("Bars of the marimba")),
            ("**Title: Ferry times**", Some("Ferry times")),
            ("# Ferry times.", Some("Ferry times")),
            ("The ferry leaves at eight [1].", Some("The ferry leaves at eight")),
            ("Array [a] basics", Some("Array [a] basics")),
            ("渡轮时刻。", Some("渡轮时刻")),
            (" \n…\n", None),
        ] {
            assert_eq!(title_in(text).as_deref(), title, "{text}");
        }
        assert_eq!(title_in(&"word ".repeat(40)), None);
    }
}

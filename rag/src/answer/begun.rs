//! The beginning of an answer that an earlier attempt wrote, and the joint at which a language model continues.
//!
//! Servers differ in what they do with an unfinished message of the assistant. A model that begins its answer
//! again is noticed before anything of it is shown.

/// Letters and digits that a continuation and the beginning of the answer have in common before the
/// continuation counts as a repetition. A shorter beginning has to be repeated whole.
const REPEATED_CHARS: usize = 24;
/// The same for the last line of the beginning, which is not compared if it is shorter.
const MIN_LINE_CHARS: usize = 12;
/// The longest text that is held back for the comparison, in bytes.
const MAX_HELD_BYTES: usize = 512;

/// The part of an answer that an earlier attempt wrote: reasoning, and a text that is not empty.
#[derive(Clone, PartialEq, Eq)]
pub struct Begun {
    text: String,
    /// The white space behind the text. Servers refuse it at the end of a message or cut it off.
    tail: String,
    reasoning: String,
}

impl Begun {
    /// `None` without a text that can be continued.
    pub fn new(written: &str, reasoning: String) -> Option<Self> {
        let text = written.trim_end();
        let tail = written[text.len()..].to_owned();
        (!text.is_empty()).then(|| Self { text: text.to_owned(), tail, reasoning })
    }

    /// The text without the white space at its end. Deltas of a continuation follow it.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The reasoning before the text; empty where there is none.
    pub fn reasoning(&self) -> &str {
        &self.reasoning
    }

    /// All that was written as text, as reasoning.
    pub(super) fn as_reasoning(&self) -> String {
        format!("{}{}", self.text, self.tail)
    }
}

/// The effect of a piece of a continuation.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Joined {
    /// Text that follows the beginning.
    Text(String),
    /// The piece is held back.
    Held,
    /// The answer begins again.
    Repeated,
}

/// The place between the beginning of an answer and its continuation.
pub(super) struct Joint {
    /// The letters and digits with which a repetition begins; empty once the continuation is none.
    starts: Vec<Vec<char>>,
    tail: String,
    held: String,
    is_open: bool,
}

impl Joint {
    pub(super) fn behind(begun: &Begun) -> Self {
        let start = normalized(&begun.text, REPEATED_CHARS);
        let last_line = begun.text.lines().next_back().map(|line| normalized(line, REPEATED_CHARS));
        let starts = std::iter::once(start)
            .filter(|start| !start.is_empty())
            .chain(last_line.filter(|line| line.len() >= MIN_LINE_CHARS))
            .collect();
        Self { starts, tail: begun.tail.clone(), held: String::new(), is_open: true }
    }

    /// Takes the next piece of the continuation.
    pub(super) fn push(&mut self, piece: &str) -> Joined {
        if !self.is_open {
            return Joined::Text(piece.to_owned());
        }
        self.held.push_str(piece);
        let said = normalized(&self.held, REPEATED_CHARS);
        if self.starts.iter().any(|start| said.starts_with(start)) {
            return Joined::Repeated;
        }
        let may_repeat = self.starts.iter().any(|start| start.starts_with(&said));
        if self.held.trim().is_empty() || (may_repeat && self.held.len() < MAX_HELD_BYTES) {
            return Joined::Held;
        }
        Joined::Text(self.close())
    }

    /// Returns the text held back, behind the white space that was written before it.
    pub(super) fn close(&mut self) -> String {
        self.is_open = false;
        let held = std::mem::take(&mut self.held);
        let tail = std::mem::take(&mut self.tail);
        if held.is_empty() || held.starts_with(char::is_whitespace) { held } else { tail + &held }
    }
}

/// The first letters and digits of a text.
fn normalized(text: &str, max_chars: usize) -> Vec<char> {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).take(max_chars).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEGUN: &str = "The **great** marimba of Zanthor has sixty-one bars [1]. It was built ";

    /// The text that pieces add behind a beginning; `None` for a repetition.
    fn joined(begun: &str, pieces: &[&str]) -> Option<String> {
        let mut joint = Joint::behind(&Begun::new(begun, String::new())?);
        let mut text = String::new();
        for piece in pieces {
            match joint.push(piece) {
                Joined::Text(more) => text.push_str(&more),
                Joined::Held => {}
                Joined::Repeated => return None,
            }
        }
        text.push_str(&joint.close());
        Some(text)
    }

    #[test]
    fn a_continuation_follows_with_the_white_space_that_was_written() {
        for (begun, pieces, text) in [
            (BEGUN, &[" in", " 1887."][..], " in 1887."),
            (BEGUN, &["in", " 1887."], " in 1887."),
            (BEGUN, &["The", "re."], " There."),
            ("It has sixty", &["-one bars."], "-one bars."),
            ("Two:\n\n- one\n", &["- two"], "\n- two"),
            ("Yes", &["terday."], "terday."),
            ("銅鑼は", &["61本"], "61本"),
        ] {
            assert_eq!(joined(begun, pieces).as_deref(), Some(text), "{begun} {pieces:?}");
        }
    }

    #[test]
    fn an_answer_that_begins_again_is_a_repetition_however_it_is_cut_and_marked() {
        for (begun, said) in [
            (BEGUN, "The great marimba of Zanthor has 61 bars."),
            (BEGUN, "\n\nthe *great* Marimba of Zanthor has sixty-one bars."),
            ("It has ", "It has sixty-one bars."),
            ("銅鑼は", "銅鑼は61本です"),
            ("# Bars\n\nThere are sixty-one", "There are sixty-one of them."),
        ] {
            for size in [1, 3, 100] {
                let chars: Vec<char> = said.chars().collect();
                let pieces: Vec<String> = chars.chunks(size).map(|piece| piece.iter().collect()).collect();
                let pieces: Vec<&str> = pieces.iter().map(String::as_str).collect();
                assert_eq!(joined(begun, &pieces), None, "{said} by {size}");
            }
        }
    }

    #[test]
    fn only_a_text_can_be_continued() {
        assert!(Begun::new(" \n", "a thought".into()).is_none());
        let begun = Begun::new("Ja \n", "a thought".into()).unwrap();
        assert_eq!((begun.text(), begun.reasoning()), ("Ja", "a thought"));
    }
}

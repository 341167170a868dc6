//! Separates the reasoning that a model writes into its answer, between tags such as `<think>` and
//! `</think>`, from the answer. The opening tag may be missing, because some templates put it
//! into the prompt. Calls of tools in the text are left out.

mod calls;

/// Tags around reasoning.
const TAGS: [(&str, &str); 10] = [
    ("<think>", "</think>"),
    ("<thinking>", "</thinking>"),
    ("<thought>", "</thought>"),
    ("<thoughts>", "</thoughts>"),
    ("<reasoning>", "</reasoning>"),
    ("<seed:think>", "</seed:think>"),
    ("<|begin_of_thought|>", "<|end_of_thought|>"),
    ("[THINK]", "[/THINK]"),
    ("◁think▷", "◁/think▷"),
    ("<|channel|>analysis<|message|>", "<|channel|>final<|message|>"),
];
/// Ends of an answer that a server should have kept to itself. What a model writes behind one is a turn of its own
/// invention.
const ENDS: [&str; 7] = [
    "<|return|>",
    "<|eot_id|>",
    "<|im_end|>",
    "<|end_of_text|>",
    "<|endoftext|>",
    "<|end_of_turn|>",
    "<end_of_turn>",
];
/// Lines that begin with one of these are the border of a code block.
const FENCES: [&str; 2] = ["```", "~~~"];

/// A part of what the model wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Separated {
    Reasoning(String),
    Text(String),
    /// All text so far was reasoning.
    TextWasReasoning,
}

/// The text of one answer while it arrives.
#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(super) struct ThoughtFilter {
    /// The beginning of a possible tag.
    held: String,
    place: Place,
    /// The line before `held`.
    line: String,
    in_fence: bool,
    has_text: bool,
    /// Whether no more text follows.
    is_end: bool,
    /// Whether reasoning has ended. From then on a closing tag is text.
    has_thought: bool,
    /// Whether a call of a tool was left out.
    calls_tool: bool,
    /// Whether the text continues an earlier one.
    is_continued: bool,
    /// Whether nothing but white space has arrived since then.
    is_start: bool,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Place {
    #[default]
    Text,
    /// Behind the end of reasoning or of a call: white space is skipped.
    Behind,
    /// In reasoning, until this tag.
    Reasoning(&'static str),
    /// In a call of a tool, until this tag.
    Call(&'static str),
    /// Behind the end of the answer.
    Ended,
}

impl ThoughtFilter {
    /// A filter of text that continues this one. Reasoning may come before it again.
    pub(super) fn behind(text: &str) -> Self {
        let mut filter = Self::default();
        filter.emit(text, &mut Vec::new());
        Self { is_continued: true, is_start: true, ..filter }
    }

    /// Whether the text so far has a call of a tool.
    pub(super) const fn calls_tool(&self) -> bool {
        self.calls_tool
    }

    /// Separates the next text. The beginning of a possible tag is held back.
    pub(super) fn push(&mut self, text: &str) -> Vec<Separated> {
        self.held.push_str(text);
        let mut separated = Vec::new();
        while self.step(&mut separated) {}
        separated
    }

    /// Returns the text held back.
    pub(super) fn finish(&mut self) -> Vec<Separated> {
        let mut separated = Vec::new();
        self.is_end = true;
        while self.step(&mut separated) {}
        let held = std::mem::take(&mut self.held);
        self.emit(&held, &mut separated);
        separated
    }

    /// Handles the text up to the next tag. Returns whether there may be more to handle.
    fn step(&mut self, separated: &mut Vec<Separated>) -> bool {
        if self.place == Place::Ended {
            self.held.clear();
            return false;
        }
        if self.place == Place::Behind && !self.skip_blank() {
            return false;
        }
        let place = self.place;
        let found = self.held.char_indices().map(|(at, _)| at).find_map(|at| {
            let rest = &self.held[at..];
            candidates(place).find_map(|tag| match matches(rest, tag) {
                Match::No => None,
                Match::Whole => Some((at, Some(tag))),
                Match::Beginning => Some((at, None)),
            })
        });
        let Some((at, tag)) = found else {
            let held = std::mem::take(&mut self.held);
            self.emit(&held, separated);
            return false;
        };
        let before: String = self.held.drain(..at).collect();
        self.emit(&before, separated);
        let Some(tag) = tag else { return false };
        // What follows the tag decides whether it is quoted as code.
        let behind = &self.held[tag.len()..];
        let Some(next) = behind.chars().next().or((self.is_end || place != Place::Text).then_some(' '))
        else {
            return false;
        };
        if place == Place::Text
            && let Some(close) = calls::closing(tag)
            && !self.is_code(next)
        {
            match calls::is_call(tag, behind, self.is_end) {
                None => return false,
                Some(false) => {}
                Some(true) => {
                    self.held.drain(..tag.len());
                    (self.calls_tool, self.place) = (true, Place::Call(close));
                    return true;
                }
            }
        }
        let written: String = self.held.drain(..tag.len()).collect();
        self.tag(tag, &written, next, separated);
        true
    }

    /// Skips white space. Returns whether text stands behind it.
    fn skip_blank(&mut self) -> bool {
        let blank = self.held.len() - self.held.trim_start().len();
        let is_blank = blank == self.held.len();
        if !self.is_continued {
            self.held.drain(..blank);
        } else if !is_blank {
            // Blanks behind the last line break belong to the text.
            let lines = self.held[..blank].rfind('\n').map_or(0, |end| end + 1);
            self.held.drain(..lines);
        }
        if !is_blank {
            self.place = Place::Text;
        }
        !is_blank
    }

    /// Handles a whole tag.
    fn tag(&mut self, tag: &'static str, written: &str, next: char, separated: &mut Vec<Separated>) {
        if matches!(self.place, Place::Reasoning(_) | Place::Call(_)) {
            self.has_thought |= matches!(self.place, Place::Reasoning(_));
            self.place = Place::Behind;
            self.line.clear();
            return;
        }
        if ENDS.contains(&tag) && !self.is_code(next) {
            self.place = Place::Ended;
            return;
        }
        let opened = TAGS.iter().find(|(open, _)| *open == tag);
        match opened {
            Some((_, close)) if self.is_start || (self.line.trim().is_empty() && !self.in_fence) => {
                self.place = Place::Reasoning(close);
            }
            None if !self.has_thought
                && TAGS.iter().any(|(_, close)| *close == tag)
                && !self.is_code(next) =>
            {
                self.has_thought = true;
                if std::mem::take(&mut self.has_text) {
                    separated.push(Separated::TextWasReasoning);
                }
                self.place = Place::Behind;
                self.line.clear();
            }
            _ => self.emit(written, separated),
        }
    }

    /// Whether a tag before this character is part of code or of a quotation.
    fn is_code(&self, next: char) -> bool {
        let is_quote = |c| matches!(c, '`' | '"' | '\'');
        self.in_fence
            || is_quote(next)
            || self.line.ends_with(is_quote)
            || !self.line.matches('`').count().is_multiple_of(2)
    }

    fn emit(&mut self, text: &str, separated: &mut Vec<Separated>) {
        if text.is_empty() {
            return;
        }
        match self.place {
            Place::Reasoning(_) => {
                separated.push(Separated::Reasoning(text.to_owned()));
                return;
            }
            Place::Call(_) => return,
            Place::Text | Place::Behind | Place::Ended => {}
        }
        for c in text.chars() {
            if c != '\n' {
                self.line.push(c);
                continue;
            }
            let line = std::mem::take(&mut self.line);
            self.in_fence ^= FENCES.iter().any(|fence| line.trim_start().starts_with(fence));
        }
        self.has_text = true;
        self.is_start &= text.trim().is_empty();
        separated.push(Separated::Text(text.to_owned()));
    }
}

/// The tags that matter at a place.
fn candidates(place: Place) -> impl Iterator<Item = &'static str> {
    let closing = match place {
        Place::Reasoning(close) | Place::Call(close) => Some(close).filter(|close| !close.is_empty()),
        Place::Text | Place::Behind | Place::Ended => None,
    };
    let is_text = !matches!(place, Place::Reasoning(_) | Place::Call(_));
    let all = TAGS.iter().flat_map(|(open, close)| [*open, *close]).chain(ENDS).chain(calls::openings());
    let all = all.filter(move |_| is_text);
    closing.into_iter().chain(all)
}

enum Match {
    No,
    Beginning,
    Whole,
}

/// Compares the start of a text with a tag, without regard to case.
fn matches(text: &str, tag: &str) -> Match {
    let length = text.len().min(tag.len());
    let same = text.as_bytes()[..length].eq_ignore_ascii_case(&tag.as_bytes()[..length]);
    match same {
        true if length == tag.len() => Match::Whole,
        true => Match::Beginning,
        false => Match::No,
    }
}

#[cfg(test)]
mod tests;

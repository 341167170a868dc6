//! Removes invalid citation marks from an answer while it is streamed, and notes the valid ones. Reads the
//! answer as Markdown, so that brackets of code, formulas, links and footnotes stay as they are.
//!
//! Each decision looks at a bounded length of text. What is held back is at most that long, and the pieces in
//! which an answer arrives do not matter.

mod brackets;
mod line_start;

use super::lookahead::{Ahead, Look, Waiting};
use super::mark::{self, Numbers, Surroundings, Verdict};
use brackets::{is_anchor, is_label, kept_of};
use line_start::{is_list_item, opening_fence};

/// The end of the text before the current place that decisions look at, in bytes.
const BEFORE_BYTES: usize = 96;
/// The longest indentation that is read.
const MAX_INDENT: usize = 64;

/// A filter of one answer.
#[derive(Debug)]
pub(crate) struct CitationFilter {
    source_count: u32,
    cited: Vec<u32>,
    /// Text that is not decided yet.
    pending: String,
    /// The end of the text before it.
    before: String,
    is_after_mark: bool,
    line: Line,
    /// The character and length of the fence of the current code block.
    fence: Option<(char, usize)>,
    /// Whether the line before is empty or part of an indented code block.
    may_indent: bool,
    in_list: bool,
}

/// The current place in its line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Line {
    Start,
    /// Behind the indentation.
    First,
    Within,
    /// In a line of code.
    Code,
}

/// What becomes of the next text.
enum Step {
    /// This many bytes stay as they are.
    Keep(usize),
    /// These bytes are a mark of these sources.
    Mark(usize, Vec<u32>),
}

impl CitationFilter {
    /// Accepts the numbers from 1 to `source_count`.
    pub(crate) fn new(source_count: usize) -> Self {
        Self {
            source_count: u32::try_from(source_count).unwrap_or(u32::MAX),
            cited: Vec::new(),
            pending: String::new(),
            before: String::new(),
            is_after_mark: false,
            line: Line::Start,
            fence: None,
            may_indent: true,
            in_list: false,
        }
    }

    /// Moves behind a text that was filtered before.
    pub(crate) fn resume(&mut self, text: &str) {
        text.clone_into(&mut self.pending);
        self.filter(true);
    }

    /// Filters the next part of the answer. Text at its end that is not decided yet is held back.
    pub(crate) fn push(&mut self, delta: &str) -> String {
        self.pending.push_str(delta);
        self.filter(false)
    }

    /// Returns the text held back and the cited numbers, each once, in the order of the text.
    pub(crate) fn finish(mut self) -> (String, Vec<u32>) {
        let rest = self.filter(true);
        (rest, self.cited)
    }

    fn filter(&mut self, is_end: bool) -> String {
        let pending = std::mem::take(&mut self.pending);
        let mut kept = String::with_capacity(pending.len());
        let mut ahead = Ahead { text: &pending, is_end };
        while !ahead.text.is_empty() {
            let Ok(step) = self.step(ahead) else { break };
            let (Step::Keep(length) | Step::Mark(length, _)) = step;
            let text = &ahead.text[..length];
            match step {
                Step::Keep(_) => kept.push_str(text),
                Step::Mark(_, numbers) => self.mark(text, &numbers, &mut kept),
            }
            ahead = ahead.skip(length);
        }
        ahead.text.clone_into(&mut self.pending);
        kept
    }

    /// Decides the next text and moves behind it.
    fn step(&mut self, ahead: Ahead<'_>) -> Result<Step, Waiting> {
        let step = match self.line {
            Line::Start => return self.line_start(ahead).map(Step::Keep),
            Line::Code => Step::Keep(ahead.text.find('\n').map_or(ahead.text.len(), |end| end + 1)),
            Line::First | Line::Within => self.inline(ahead)?,
        };
        if let Step::Keep(length) = step {
            let text = &ahead.text[..length];
            self.moved_over(text);
            self.is_after_mark = false;
            if self.line != Line::Code || text.ends_with('\n') {
                self.line = if text.ends_with('\n') { Line::Start } else { Line::Within };
            }
        }
        Ok(step)
    }

    /// Decides at the start of a line whether it belongs to code. Keeps the indentation.
    fn line_start(&mut self, ahead: Ahead<'_>) -> Result<usize, Waiting> {
        let blanks = ahead.text.len() - ahead.text.trim_start_matches([' ', '\t']).len();
        let indent = blanks.min(MAX_INDENT);
        let here = ahead.skip(indent);
        let first = here.next()?.unwrap_or('\n');
        let is_blank = matches!(first, '\n' | '\r');
        if let Some((c, length)) = self.fence {
            if first == c {
                let run = here.run(c)?;
                let next = here.skip(run).next()?;
                if run >= length && next.is_none_or(char::is_whitespace) {
                    self.fence = None;
                }
            }
            self.line = Line::Code;
        } else if let Some(fence) = opening_fence(here, first)? {
            self.fence = Some(fence);
            self.line = Line::Code;
        } else {
            let is_deep = ahead.text[..indent].contains('\t') || indent >= 4;
            let is_item = is_list_item(here, first)?;
            let is_code = is_deep && self.may_indent && !self.in_list && !is_blank;
            self.in_list = is_item || (self.in_list && (is_blank || indent > 0 || !self.may_indent));
            self.may_indent = is_blank || is_code;
            self.line = if is_code { Line::Code } else { Line::First };
        }
        self.moved_over(&ahead.text[..indent]);
        Ok(indent)
    }

    /// Decides the next text of a line that is no code.
    fn inline(&self, ahead: Ahead<'_>) -> Result<Step, Waiting> {
        let Some(first) = ahead.text.chars().next() else { return Ok(Step::Keep(0)) };
        let is_word_start = !self.before.ends_with(char::is_alphanumeric);
        let look = match first {
            ' ' => {
                let step = match ahead.skip(1).next()? {
                    Some('[') => self.bracket(ahead.skip(1), true)?,
                    Some(open) => self.other_bracket(ahead.skip(1), open, true)?,
                    None => Step::Keep(0),
                };
                if let Step::Mark(length, numbers) = step
                    && numbers.is_empty()
                {
                    return Ok(Step::Mark(1 + length, numbers));
                }
                return Ok(Step::Keep(1));
            }
            '[' => return self.bracket(ahead, false),
            '【' | '［' | '(' | '（' => return self.other_bracket(ahead, first, false),
            '`' => ahead.code(),
            '$' => ahead.formula(),
            '\\' => ahead.escaped_formula(),
            '<' => ahead.tag(),
            'h' | 'w' if is_word_start => ahead.address(),
            _ => Look::None,
        };
        match look {
            Look::Found(length) => Ok(Step::Keep(length)),
            Look::Wait => Err(Waiting),
            Look::None => literal(ahead, first).map(Step::Keep),
        }
    }

    /// Decides brackets.
    fn bracket(&self, ahead: Ahead<'_>, is_after_space: bool) -> Result<Step, Waiting> {
        let length = match ahead.enclosed('[', ']') {
            Look::Found(length) => length,
            Look::Wait => return Err(Waiting),
            Look::None => return Ok(Step::Keep(1)),
        };
        let behind = ahead.skip(length);
        let next = behind.next()?;
        let content = &ahead.text[1..length - 1];
        let numbers = Numbers::read(content);
        match next {
            Some('(') => match behind.enclosed('(', ')') {
                Look::Wait => return Err(Waiting),
                Look::Found(target) => {
                    let anchored = numbers.filter(|n| is_anchor(&behind.text[1..target - 1], n));
                    let known = anchored.and_then(|numbers| numbers.all_of(self.source_count));
                    let whole = length + target;
                    return Ok(known.map_or(Step::Keep(whole), |known| Step::Mark(whole, known)));
                }
                Look::None => {}
            },
            Some('[') => match behind.enclosed('[', ']') {
                Look::Wait => return Err(Waiting),
                Look::Found(label) if is_label(&behind.text[1..label - 1]) => {
                    return Ok(Step::Keep(length + label));
                }
                Look::Found(_) | Look::None => {}
            },
            Some(':') if self.line == Line::First && !is_after_space => return Ok(Step::Keep(length + 1)),
            _ => {}
        }
        let Some(numbers) = numbers else { return Ok(Step::Keep(kept_of(content, length))) };
        Ok(self.judged(&numbers, length, next, is_after_space))
    }

    /// Decides brackets other than those that a model is asked for. Round ones are a mark only with a label.
    fn other_bracket(&self, ahead: Ahead<'_>, open: char, is_after_space: bool) -> Result<Step, Waiting> {
        let kept = Ok(Step::Keep(open.len_utf8()));
        let (close, needs_label) = match open {
            '【' => ('】', false),
            '［' => ('］', false),
            '(' => (')', true),
            '（' => ('）', true),
            _ => return kept,
        };
        let inner = ahead.skip(open.len_utf8());
        if needs_label && mark::label(inner.text).is_none() {
            let is_open = !inner.is_end && mark::may_be_label(inner.text);
            return if is_open { Err(Waiting) } else { kept };
        }
        let length = match ahead.enclosed(open, close) {
            Look::Found(length) => length,
            Look::Wait => return Err(Waiting),
            Look::None => return kept,
        };
        let next = ahead.skip(length).next()?;
        let content = &ahead.text[open.len_utf8()..length - close.len_utf8()];
        match Numbers::read(content) {
            Some(numbers) => Ok(self.judged(&numbers, length, next, is_after_space)),
            None => kept,
        }
    }

    fn judged(&self, numbers: &Numbers, length: usize, next: Option<char>, is_after_space: bool) -> Step {
        let spaced;
        let before = if is_after_space {
            spaced = format!("{} ", self.before);
            spaced.as_str()
        } else {
            self.before.as_str()
        };
        let around = Surroundings { before, is_after_mark: self.is_after_mark && !is_after_space, next };
        match numbers.judge(around, self.source_count) {
            Verdict::Keep => Step::Keep(length),
            Verdict::Cite(known) => Step::Mark(length, known),
        }
    }

    /// Writes a mark, and moves behind it.
    fn mark(&mut self, written: &str, numbers: &[u32], kept: &mut String) {
        self.line = Line::Within;
        if numbers.is_empty() {
            return;
        }
        for number in numbers {
            kept.extend(["[", &number.to_string(), "]"]);
            if !self.cited.contains(number) {
                self.cited.push(*number);
            }
        }
        self.moved_over(written);
        self.is_after_mark = true;
    }

    fn moved_over(&mut self, text: &str) {
        self.before.push_str(text);
        let excess = self.before.len().saturating_sub(BEFORE_BYTES);
        self.before.drain(..self.before.ceil_char_boundary(excess));
    }
}

/// The length of text that is certainly not the start of anything.
fn literal(ahead: Ahead<'_>, first: char) -> Result<usize, Waiting> {
    match first {
        '`' | '$' => ahead.run(first),
        '\\' => Ok(1 + ahead.skip(1).next()?.map_or(0, char::len_utf8)),
        c if c.is_alphanumeric() => {
            Ok(ahead.text.find(|c: char| !c.is_alphanumeric()).unwrap_or(ahead.text.len()))
        }
        c => Ok(c.len_utf8()),
    }
}

#[cfg(test)]
mod tests;

//! Finds the ends of spans in text that has arrived only in part: code, formulas, links and brackets.

/// The longest span in bytes. A span without an end within this length is none.
const MAX_SPAN_BYTES: usize = 400;

/// The outcome of looking for the end of a span at the start of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    /// The span has this length in bytes.
    Found(usize),
    /// There is no span.
    None,
    /// More text is needed.
    Wait,
}

/// Text from the current place on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ahead<'a> {
    pub(super) text: &'a str,
    /// Whether no more text follows.
    pub(super) is_end: bool,
}

impl Ahead<'_> {
    /// The same text from a later place on.
    pub(super) fn skip(self, bytes: usize) -> Self {
        Self { text: self.text.get(bytes..).unwrap_or_default(), ..self }
    }

    /// The first character; `Err` if it has not arrived, `Ok(None)` at the end.
    pub(super) fn next(self) -> Result<Option<char>, Waiting> {
        match self.text.chars().next() {
            None if !self.is_end => Err(Waiting),
            next => Ok(next),
        }
    }

    /// The length of the run of a character at the start; `Err` if the run may go on.
    pub(super) fn run(self, c: char) -> Result<usize, Waiting> {
        let length = self.text.len() - self.text.trim_start_matches(c).len();
        if length == self.text.len() && !self.is_end && length <= MAX_SPAN_BYTES {
            Err(Waiting)
        } else {
            Ok(length)
        }
    }

    /// Looks for the end of a span whose first bytes are known. `ends` gets the text from each place on and
    /// returns the length of the end that is there.
    pub(super) fn span(
        self,
        start: usize,
        mut ends: impl FnMut(Self) -> Result<Option<usize>, Waiting>,
    ) -> Look {
        let mut is_escaped = false;
        for (at, c) in self.text.char_indices().filter(|(at, _)| *at >= start) {
            if at > MAX_SPAN_BYTES {
                return Look::None;
            }
            match self.skip(at).is_blank_line() {
                Err(Waiting) => return Look::Wait,
                Ok(true) => return Look::None,
                Ok(false) => {}
            }
            if !std::mem::take(&mut is_escaped) {
                match ends(self.skip(at)) {
                    Err(Waiting) => return Look::Wait,
                    Ok(Some(length)) => return Look::Found(at + length),
                    Ok(None) => is_escaped = c == '\\',
                }
            }
        }
        if self.is_end { Look::None } else { Look::Wait }
    }

    /// Whether a paragraph ends here: a line end followed by an empty line.
    fn is_blank_line(self) -> Result<bool, Waiting> {
        let Some(rest) = self.text.strip_prefix('\n') else { return Ok(false) };
        let next = rest.trim_start_matches([' ', '\t', '\r']);
        match next.chars().next() {
            None if !self.is_end && rest.len() <= MAX_SPAN_BYTES => Err(Waiting),
            next => Ok(next.is_none_or(|c| c == '\n')),
        }
    }

    /// The span of inline code.
    pub(super) fn code(self) -> Look {
        let Ok(run) = self.run('`') else { return Look::Wait };
        let mut after_run = false;
        // A backslash does not escape in code, so the end is looked for without `span`'s escapes.
        let mut at = run;
        loop {
            let here = self.skip(at);
            if at > MAX_SPAN_BYTES {
                return Look::None;
            }
            match here.is_blank_line() {
                Err(Waiting) => return Look::Wait,
                Ok(true) => return Look::None,
                Ok(false) => {}
            }
            match here.next() {
                Err(Waiting) => return Look::Wait,
                Ok(None) => return Look::None,
                Ok(Some('`')) if !after_run => match here.run('`') {
                    Err(Waiting) => return Look::Wait,
                    Ok(length) if length == run => return Look::Found(at + length),
                    Ok(length) => {
                        at += length;
                        after_run = true;
                    }
                },
                Ok(Some(c)) => {
                    at += c.len_utf8();
                    after_run = false;
                }
            }
        }
    }

    /// The span of a formula that dollars surround. A dollar before a number with words behind it is a price.
    pub(super) fn formula(self) -> Look {
        let Ok(run) = self.run('$') else { return Look::Wait };
        match run {
            1 => {}
            2 => return self.span(2, |here| here.settled(here.text.starts_with("$$").then_some(2), 2)),
            _ => return Look::None,
        }
        let first = match self.skip(1).next() {
            Err(Waiting) => return Look::Wait,
            Ok(first) => first,
        };
        let Some(first) = first.filter(|c| !c.is_whitespace()) else { return Look::None };
        let mut before = first;
        let found = self.span(1 + first.len_utf8(), |here| {
            let c = here.text.chars().next().unwrap_or_default();
            let before = std::mem::replace(&mut before, c);
            if c != '$' || before.is_whitespace() {
                return Ok(None);
            }
            let is_price = here.skip(1).next()?.is_some_and(|next| next.is_ascii_digit());
            Ok((!is_price).then_some(1))
        });
        match found {
            Look::Found(length) if first.is_ascii_digit() && has_word(&self.text[..length]) => Look::None,
            found => found,
        }
    }

    /// Waits where too little of the text has arrived to see an end of this length.
    fn settled(self, end: Option<usize>, length: usize) -> Result<Option<usize>, Waiting> {
        if end.is_none() && self.text.len() < length && !self.is_end { Err(Waiting) } else { Ok(end) }
    }

    /// The span of a formula between `\(` and `\)`, or `\[` and `\]`.
    pub(super) fn escaped_formula(self) -> Look {
        let close = match self.skip(1).next() {
            Err(Waiting) => return Look::Wait,
            Ok(Some('(')) => "\\)",
            Ok(Some('[')) => "\\]",
            Ok(_) => return Look::None,
        };
        self.span(2, |here| here.settled(here.text.starts_with(close).then_some(2), 2))
    }

    /// The span of a tag or an address in angle brackets.
    pub(super) fn tag(self) -> Look {
        match self.skip(1).next() {
            Err(Waiting) => return Look::Wait,
            Ok(Some(c)) if c.is_ascii_alphabetic() || matches!(c, '/' | '!') => {}
            Ok(_) => return Look::None,
        }
        self.enclosed('<', '>')
    }

    /// The span from an opening character to the closing one of the same nesting.
    pub(super) fn enclosed(self, open: char, close: char) -> Look {
        let mut depth = 0_usize;
        self.span(0, |here| {
            match here.text.chars().next() {
                Some(c) if c == open => depth += 1,
                Some(c) if c == close => depth = depth.saturating_sub(1),
                _ => return Ok(None),
            }
            Ok((depth == 0).then_some(close.len_utf8()))
        })
    }

    /// The span of an address at the start of a word.
    pub(super) fn address(self) -> Look {
        const STARTS: [&str; 3] = ["http://", "https://", "www."];
        let is_cut = |start: &str| start.starts_with(self.text) && self.text.len() < start.len();
        if !STARTS.iter().any(|start| self.text.starts_with(start)) {
            return if !self.is_end && STARTS.iter().any(|start| is_cut(start)) {
                Look::Wait
            } else {
                Look::None
            };
        }
        let ends = |c: char| c.is_whitespace() || matches!(c, '<' | '>' | '"' | '|' | ')' | '`');
        match self.text.find(ends) {
            Some(length) => Look::Found(length.min(self.text.floor_char_boundary(MAX_SPAN_BYTES))),
            None if self.is_end || self.text.len() > MAX_SPAN_BYTES => {
                Look::Found(self.text.floor_char_boundary(MAX_SPAN_BYTES))
            }
            None => Look::Wait,
        }
    }
}

/// More text is needed for a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Waiting;

/// Whether a text has a word of at least three letters that is no command of TeX.
fn has_word(text: &str) -> bool {
    text.split_whitespace().any(|word| {
        !word.contains('\\') && word.split(|c: char| !c.is_alphabetic()).any(|part| part.chars().count() >= 3)
    })
}

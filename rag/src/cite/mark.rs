//! Decides whether numbers in brackets are a citation mark, by what is in the brackets and what
//! stands around them.

/// The largest number that is taken for that of a source. Larger ones are years, sizes and the like.
const LARGEST_NUMBER: u32 = 99;
/// The longest mark in bytes.
pub(super) const MAX_MARK_BYTES: usize = 48;
/// Words in front of brackets that hold an index.
const INDEXED_WORDS: [&str; 36] = [
    "arr", "array", "args", "argv", "buf", "buffer", "bytes", "cell", "cells", "col", "cols", "column",
    "data", "df", "dict", "elements", "index", "items", "line", "lines", "list", "map", "matrix", "nums",
    "numbers", "row", "rows", "str", "string", "table", "tensor", "tuple", "values", "vec", "vector",
    "words",
];
/// Characters behind which brackets hold a value.
const OPERATORS: [char; 8] = ['=', '∈', '∉', '⊂', '⊆', '∪', '∩', '×'];

/// The numbers of a mark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Numbers {
    numbers: Vec<u32>,
    /// Whether the brackets hold one number.
    is_single: bool,
}

/// What becomes of numbers in brackets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// They are no mark, and stay as they are.
    Keep,
    /// They are a mark of these sources. Without a source, the mark is removed.
    Cite(Vec<u32>),
}

/// What stands around brackets.
#[derive(Debug, Clone, Copy)]
pub(super) struct Surroundings<'a> {
    /// The text in front, or the end of it.
    pub(super) before: &'a str,
    /// Whether a mark ends that text.
    pub(super) is_after_mark: bool,
    pub(super) next: Option<char>,
}

impl Numbers {
    /// Reads the content of brackets: numbers from 1 to [`LARGEST_NUMBER`] and ranges of them, between commas
    /// or semicolons.
    pub(super) fn read(content: &str) -> Option<Self> {
        if content.len() > MAX_MARK_BYTES || !content.contains(|c: char| c.is_ascii_digit()) {
            return None;
        }
        let mut numbers = Vec::new();
        for part in content.split([',', ';', '，', '、', '；']) {
            let (first, last) = part.split_once(['-', '–', '—']).unwrap_or((part, part));
            let (first, last) = (number(first)?, number(last)?);
            if first > last {
                return None;
            }
            numbers.extend(first..=last);
        }
        let is_single = content.trim().bytes().all(|byte| byte.is_ascii_digit());
        Some(Self { numbers, is_single })
    }

    /// Whether a number is among them.
    pub(super) fn contains(&self, number: u32) -> bool {
        self.numbers.contains(&number)
    }

    /// Decides what becomes of the brackets, with this many sources.
    pub(super) fn judge(&self, around: Surroundings<'_>, source_count: u32) -> Verdict {
        let mut known: Vec<u32> = Vec::with_capacity(self.numbers.len());
        for number in self.numbers.iter().filter(|number| **number <= source_count) {
            if !known.contains(number) {
                known.push(*number);
            }
        }
        if around.is_literal() {
            return Verdict::Keep;
        }
        // Numbers without sources may be values. A single one behind a space is most likely an invented mark.
        let is_invented =
            self.is_single && !around.is_glued() && around.next.is_none_or(|c| !c.is_alphanumeric());
        if known.is_empty() && !is_invented {
            return Verdict::Keep;
        }
        if around.is_glued() && known.len() < self.numbers.len() {
            return Verdict::Keep;
        }
        Verdict::Cite(known)
    }
}

fn number(text: &str) -> Option<u32> {
    let text = text.trim();
    let is_number =
        !text.is_empty() && !text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|number| is_number && *number <= LARGEST_NUMBER)
}

impl Surroundings<'_> {
    /// Whether a word, a bracket or the like stands directly in front.
    fn is_glued(self) -> bool {
        !self.is_after_mark
            && self
                .before
                .chars()
                .next_back()
                .is_some_and(|c| c.is_alphanumeric() || matches!(c, '_' | ')' | '['))
    }

    /// Whether the brackets belong to code, a formula, an address or another bracket.
    fn is_literal(self) -> bool {
        let Some(last) = self.before.chars().next_back() else { return matches!(self.next, Some('+' | '{')) };
        if self.is_after_mark {
            return false;
        }
        let is_operand = self.before.trim_end().ends_with(OPERATORS);
        let is_argument = self.before.strip_suffix('(').is_some_and(ends_with_identifier);
        let is_index = match last {
            ']' | '}' | '/' | '\\' | '_' | '^' => true,
            ')' => is_call(self.before),
            c if c.is_alphanumeric() => is_indexed(self.before),
            _ => false,
        };
        is_operand || is_argument || is_index || matches!(self.next, Some('+' | '{'))
    }
}

fn ends_with_identifier(text: &str) -> bool {
    text.ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
}

/// Whether a text ends with a call such as `f(x)`, in contrast to a word and a remark in parentheses.
fn is_call(text: &str) -> bool {
    text.rfind('(').is_none_or(|open| ends_with_identifier(&text[..open]))
}

/// Whether a text ends with the name of something that has an index.
fn is_indexed(text: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '\\');
    let word = text.rsplit(|c| !is_part(c)).next().unwrap_or_default();
    let has_inner_capital =
        word.chars().zip(word.chars().skip(1)).any(|(a, b)| a.is_lowercase() && b.is_uppercase());
    let is_mixed = word.contains(|c: char| c.is_ascii_digit()) && word.contains(char::is_alphabetic);
    let is_letter = word.len() == 1 && word.contains(|c: char| c.is_ascii_alphabetic());
    has_inner_capital
        || is_mixed
        || is_letter
        || word.contains(['_', '.', '\\'])
        || INDEXED_WORDS.contains(&word.to_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_small_numbers_and_ranges_are_those_of_sources() {
        let read = |content| Numbers::read(content).map(|numbers| numbers.numbers);
        assert_eq!(read("1"), Some(vec![1]));
        assert_eq!(read("1, 2;4"), Some(vec![1, 2, 4]));
        assert_eq!(read("1-3"), Some(vec![1, 2, 3]));
        assert_eq!(read("1–2, 5"), Some(vec![1, 2, 5]));
        for content in ["0, 1", "2015", "-1", "3-1", "1.5", "01", "^1", "", " ", "1,", "a1", "1-1000", "1 2"]
        {
            assert_eq!(read(content), None, "{content}");
        }
    }
}

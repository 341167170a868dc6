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
/// Words in front of the number of a source.
const LABELS: [&str; 20] = [
    "sources",
    "source",
    "refs",
    "ref",
    "quellen",
    "quelle",
    "fuentes",
    "fuente",
    "fontes",
    "fonte",
    "fonti",
    "bronnen",
    "bron",
    "источники",
    "источник",
    "来源",
    "來源",
    "资料",
    "資料",
    "출처",
];
/// Words between two numbers.
const LINKS: [&str; 9] = ["and", "und", "et", "y", "e", "en", "&", "和", "と"];
/// The character behind the number in the marks of some models. The text up to the end of the brackets is ignored.
const DAGGER: char = '†';
/// Characters behind which brackets hold a value.
const OPERATORS: [char; 8] = ['=', '∈', '∉', '⊂', '⊆', '∪', '∩', '×'];

/// The numbers of a mark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Numbers {
    values: Vec<u32>,
    /// Whether the brackets hold one number.
    is_single: bool,
    /// Whether the numbers are written as other things are too, such as `#1` or `¹`.
    is_ambiguous: bool,
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
    /// Reads the content of brackets: numbers from 1 to [`LARGEST_NUMBER`] and ranges of them, between commas,
    /// semicolons or words such as `and`, perhaps behind a word such as `source`.
    pub(super) fn read(content: &str) -> Option<Self> {
        if content.len() > MAX_MARK_BYTES || !content.contains(char::is_numeric) {
            return None;
        }
        let is_ambiguous = content.contains(|c| c == '#' || raised(c).is_some());
        let content: String = content.chars().map(narrow).take_while(|c| *c != DAGGER).collect();
        let unlabelled = label(&content).map_or(content.as_str(), |label| &content[label..]);
        let mut listed = unlabelled.to_owned();
        for link in LINKS {
            let link = if link.is_ascii() { format!(" {link} ") } else { link.to_owned() };
            listed = listed.replace(&link, ",");
        }
        let content = listed.as_str();
        let mut numbers = Vec::new();
        for part in content.split([',', ';', '、']) {
            let (first, last) = part.split_once(['-', '–', '—']).unwrap_or((part, part));
            let (first, last) = (number(first)?, number(last)?);
            if first > last {
                return None;
            }
            numbers.extend(first..=last);
        }
        let is_single = content.trim().bytes().all(|byte| byte.is_ascii_digit());
        Some(Self { values: numbers, is_single, is_ambiguous })
    }

    /// Whether they are this number alone.
    pub(super) fn is(&self, number: u32) -> bool {
        self.values == [number]
    }

    /// The numbers if all of them are those of this many sources.
    pub(super) fn all_of(&self, source_count: u32) -> Option<Vec<u32>> {
        self.values.iter().all(|number| *number <= source_count).then(|| self.values.clone())
    }

    /// Whether a number is among them.
    pub(super) fn contains(&self, number: u32) -> bool {
        self.values.contains(&number)
    }

    /// Decides what becomes of the brackets, with this many sources.
    pub(super) fn judge(&self, around: Surroundings<'_>, source_count: u32) -> Verdict {
        let mut known: Vec<u32> = Vec::with_capacity(self.values.len());
        for number in self.values.iter().filter(|number| **number <= source_count) {
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
        if known.is_empty() && (!is_invented || self.is_ambiguous) {
            return Verdict::Keep;
        }
        if (around.is_glued() || self.is_ambiguous) && known.len() < self.values.len() {
            return Verdict::Keep;
        }
        Verdict::Cite(known)
    }
}

/// A wide character, as some languages write it, or a raised digit in its usual form.
fn narrow(c: char) -> char {
    match c {
        '０'..='９' | '，' | '；' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
        c => raised(c).unwrap_or(c),
    }
}

/// The value of a raised digit. Without brackets it is no mark: it may be an exponent, or the footnote of a
/// sentence that the answer quotes.
fn raised(c: char) -> Option<char> {
    let digit = "⁰¹²³⁴⁵⁶⁷⁸⁹".chars().position(|raised| raised == c)?;
    char::from_digit(u32::try_from(digit).ok()?, 10)
}

/// The length of a label at the start of a text, with the characters between the label and its number.
pub(super) fn label(text: &str) -> Option<usize> {
    let label = LABELS.iter().find(|label| starts_with(text, label))?;
    let rest = text.get(label.len()..)?.trim_start_matches([':', '.', '#', ' ', '\u{a0}']);
    rest.starts_with(|c: char| narrow(c).is_ascii_digit()).then(|| text.len() - rest.len())
}

/// Whether a text that goes on may yet begin with a label and a number.
pub(super) fn may_be_label(text: &str) -> bool {
    LABELS.iter().any(|label| {
        starts_with(label, text)
            || starts_with(text, label)
                && text
                    .get(label.len()..)
                    .is_some_and(|rest| rest.chars().all(|c| matches!(c, ':' | '.' | '#' | ' ')))
    })
}

/// Whether a text begins with another one, without regard to case.
fn starts_with(text: &str, start: &str) -> bool {
    text.get(..start.len()).is_some_and(|text| text.to_lowercase() == start.to_lowercase())
}

fn number(text: &str) -> Option<u32> {
    let text = text.trim();
    let text = text.strip_prefix('#').unwrap_or(text);
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
        let read = |content| Numbers::read(content).map(|numbers| numbers.values);
        assert_eq!(read("1"), Some(vec![1]));
        assert_eq!(read("1, 2;4"), Some(vec![1, 2, 4]));
        assert_eq!(read("1-3"), Some(vec![1, 2, 3]));
        assert_eq!(read("1–2, 5"), Some(vec![1, 2, 5]));
        assert_eq!((read("#1, #2"), read("¹²")), (Some(vec![1, 2]), Some(vec![12])));
        for content in
            ["Source 1, 2", "sources: 1 and 2", "Quellen 1 und 2", "来源1、２", "1†source, 2", "1 & 2"]
        {
            let numbers = if content.contains('†') { vec![1] } else { vec![1, 2] };
            assert_eq!(read(content), Some(numbers), "{content}");
        }
        for content in [
            "0, 1",
            "2015",
            "-1",
            "3-1",
            "1.5",
            "01",
            "^1",
            "",
            " ",
            "1,",
            "a1",
            "1-1000",
            "1 2",
            "##1",
            "# 1",
            "resource 1",
            "source one",
        ] {
            assert_eq!(read(content), None, "{content}");
        }
    }
}

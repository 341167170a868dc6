//! The numbers that Word puts in front of list items and headings: they are counted while the document is read,
//! because the file holds only their rules.

use std::collections::{HashMap, HashSet};

use quick_xml::events::BytesStart;

use crate::extract::ExtractError;
use crate::extract::package::{attribute, for_each_tag};

/// The levels of a list.
const LEVELS: usize = 9;
/// The longest id of a list that is read. Each paragraph of a list looks its id up.
const MAX_ID_BYTES: usize = 32;
/// The longest number in front of a paragraph, in characters.
const MAX_LABEL_CHARS: usize = 32;
/// The largest number that is written in letters or in Roman digits. Larger ones are long.
const MAX_LETTERS: u32 = 26 * 4;
const MAX_ROMAN: u32 = 400;

/// The rules of a document's lists.
#[derive(Debug, Default)]
pub(super) struct Numbering {
    /// The levels of abstract lists, by their ids.
    lists: HashMap<String, [Level; LEVELS]>,
    /// Lists by the ids that paragraphs name.
    numbered: HashMap<String, List>,
}

/// A list, which may change levels of an abstract list. Lists of the same abstract list go on counting.
#[derive(Debug, Default)]
struct List {
    of: String,
    levels: HashMap<usize, Level>,
    starts: HashMap<usize, u32>,
}

#[derive(Debug, Clone, Default)]
struct Level {
    start: u32,
    format: Format,
    /// The text with `%1` for the number of the first level, and so on.
    text: String,
    /// The style whose paragraphs are of this level.
    style: String,
    /// The number of levels whose paragraphs restart this one; all above it unless said.
    restarts_below: Option<usize>,
    /// Whether the numbers of all levels are written in digits.
    is_legal: bool,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Format {
    /// No number: a bullet or nothing.
    #[default]
    Unnumbered,
    Digits,
    TwoDigits,
    Letters,
    Capitals,
    Roman,
    RomanCapitals,
}

impl Numbering {
    /// Reads the part that holds the rules.
    pub(super) fn read(xml: &str) -> Result<Self, ExtractError> {
        let mut reading = Reading::default();
        for_each_tag(xml, |tag| reading.tag(tag))?;
        Ok(reading.numbering)
    }

    fn level(&self, list: &str, level: usize) -> Option<&Level> {
        let list = self.numbered.get(list)?;
        list.levels.get(&level).or_else(|| self.lists.get(&list.of)?.get(level))
    }

    /// The level of a list for paragraphs of a style.
    pub(super) fn level_of_style(&self, list: &str, style: &str) -> Option<usize> {
        (0..LEVELS).find(|level| self.level(list, *level).is_some_and(|level| level.style == style))
    }
}

/// The id of a list as a file says it, shortened.
pub(super) fn list_id(mut id: String) -> String {
    id.truncate(id.floor_char_boundary(MAX_ID_BYTES));
    id
}

/// The place in the part that holds the rules.
#[derive(Default)]
struct Reading {
    numbering: Numbering,
    /// The open abstract list or list.
    list: Option<String>,
    is_abstract: bool,
    level: usize,
}

impl Reading {
    fn tag(&mut self, tag: &BytesStart<'_>) {
        let said = |name: &[u8]| attribute(tag, name).unwrap_or_default();
        match tag.local_name().as_ref() {
            b"abstractNum" => {
                let id = list_id(said(b"abstractNumId"));
                self.numbering.lists.insert(id.clone(), Default::default());
                (self.list, self.is_abstract) = (Some(id), true);
            }
            b"num" => {
                let id = list_id(said(b"numId"));
                self.numbering.numbered.insert(id.clone(), List::default());
                (self.list, self.is_abstract) = (Some(id), false);
            }
            b"lvl" | b"lvlOverride" => {
                self.level = said(b"ilvl").parse().unwrap_or(LEVELS);
                if tag.local_name().as_ref() == b"lvl"
                    && let Some(list) = self.open_list()
                {
                    let level = self.level;
                    let list = self.numbering.numbered.get_mut(&list);
                    if let Some(list) = list.filter(|_| level < LEVELS) {
                        list.levels.insert(level, Level::default());
                    }
                }
            }
            b"abstractNumId" => {
                let id = list_id(said(b"val"));
                if let Some(list) = self.open_list().and_then(|list| self.numbering.numbered.get_mut(&list)) {
                    list.of = id;
                }
            }
            b"startOverride" => {
                let (level, start) = (self.level, said(b"val").parse().unwrap_or(1));
                let list = self.open_list().and_then(|list| self.numbering.numbered.get_mut(&list));
                if let Some(list) = list.filter(|_| level < LEVELS) {
                    list.starts.insert(level, start);
                }
            }
            name => {
                if let Some(level) = self.open_level() {
                    level.mark(name, &said(b"val"));
                }
            }
        }
    }

    /// The open list that is not abstract.
    fn open_list(&self) -> Option<String> {
        self.list.clone().filter(|_| !self.is_abstract)
    }

    fn open_level(&mut self) -> Option<&mut Level> {
        let list = self.list.as_ref()?;
        if self.is_abstract {
            self.numbering.lists.get_mut(list)?.get_mut(self.level)
        } else {
            self.numbering.numbered.get_mut(list)?.levels.get_mut(&self.level)
        }
    }
}

impl Level {
    fn mark(&mut self, name: &[u8], value: &str) {
        match name {
            b"start" => self.start = value.parse().unwrap_or(1),
            b"numFmt" => {
                self.format = match value {
                    "bullet" | "none" => Format::Unnumbered,
                    "decimalZero" => Format::TwoDigits,
                    "lowerLetter" => Format::Letters,
                    "upperLetter" => Format::Capitals,
                    "lowerRoman" => Format::Roman,
                    "upperRoman" => Format::RomanCapitals,
                    _ => Format::Digits,
                }
            }
            b"lvlText" => self.text = value.chars().take(MAX_LABEL_CHARS).collect(),
            b"pStyle" => value.clone_into(&mut self.style),
            b"lvlRestart" => self.restarts_below = value.parse().ok(),
            b"isLgl" => self.is_legal = !matches!(value, "0" | "false" | "off"),
            _ => {}
        }
    }
}

impl Format {
    fn number(self, number: u32) -> String {
        match self {
            Self::Letters | Self::Capitals if (1..=MAX_LETTERS).contains(&number) => {
                // After `z` come `aa`, `bb` and so on.
                let first = if self == Self::Letters { 'a' } else { 'A' };
                let letter = char::from_u32(u32::from(first) + (number - 1) % 26).unwrap_or(first);
                std::iter::repeat_n(letter, 1 + (number as usize - 1) / 26).collect()
            }
            Self::Roman if (1..=MAX_ROMAN).contains(&number) => roman(number).to_lowercase(),
            Self::RomanCapitals if (1..=MAX_ROMAN).contains(&number) => roman(number),
            Self::TwoDigits => format!("{number:02}"),
            _ => number.to_string(),
        }
    }
}

fn roman(mut number: u32) -> String {
    let mut digits = String::new();
    for (value, digit) in
        [(100, "C"), (90, "XC"), (50, "L"), (40, "XL"), (10, "X"), (9, "IX"), (5, "V"), (4, "IV"), (1, "I")]
    {
        while number >= value {
            digits.push_str(digit);
            number -= value;
        }
    }
    digits
}

/// The numbers that the paragraphs so far have reached.
#[derive(Default)]
pub(super) struct Counters {
    /// The numbers of the levels of abstract lists.
    reached: HashMap<String, [Option<u32>; LEVELS]>,
    /// Lists with paragraphs.
    begun: HashSet<String>,
}

impl Counters {
    /// Counts a paragraph of a list. Returns the number in front of it; `None` for a bullet.
    pub(super) fn next(&mut self, numbering: &Numbering, list_id: &str, level: usize) -> Option<String> {
        let list = numbering.numbered.get(list_id)?;
        let rule = numbering.level(list_id, level)?;
        let reached = self.reached.entry(list.of.clone()).or_default();
        if self.begun.insert(list_id.to_owned()) {
            for (level, start) in &list.starts {
                reached[*level] = start.checked_sub(1);
            }
        }
        reached[level] = Some(reached[level].map_or(rule.start, |number| number.saturating_add(1)));
        for (deeper, reached) in reached.iter_mut().enumerate().skip(level + 1) {
            let restarts_below = numbering.level(list_id, deeper).and_then(|deeper| deeper.restarts_below);
            if restarts_below.is_none_or(|levels| level < levels) {
                *reached = list.starts.get(&deeper).and_then(|start| start.checked_sub(1));
            }
        }
        if rule.format == Format::Unnumbered {
            return None;
        }
        let number = |at: usize| {
            let of = numbering.level(list_id, at)?;
            let number = reached[at].unwrap_or(of.start);
            Some(if rule.is_legal { number.to_string() } else { of.format.number(number) })
        };
        Some(label(&rule.text, number)).filter(|label| !label.is_empty())
    }
}

/// The text of a level with the numbers of the levels that it names.
fn label(text: &str, number: impl Fn(usize) -> Option<String>) -> String {
    let mut label = String::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let level = chars.peek().and_then(|c| c.to_digit(10)).filter(|level| c == '%' && *level > 0);
        match level {
            Some(level) => {
                chars.next();
                label.push_str(&number(level as usize - 1).unwrap_or_default());
            }
            None => label.push(c),
        }
    }
    label.trim().chars().take(MAX_LABEL_CHARS).collect()
}

#[cfg(test)]
mod tests;

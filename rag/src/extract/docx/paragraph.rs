//! A paragraph whose end is not reached.

use super::numbering::{Counters, list_id};
use super::{Beside, Style, style_named};
use crate::extract::raised::raise_end;

/// The text of a paragraph and what its properties say.
#[derive(Default)]
pub(super) struct Paragraph {
    pub(super) is_title: bool,
    pub(super) level: usize,
    /// The depth of a list item, from 0.
    pub(super) item: Option<usize>,
    pub(super) text: String,
    /// Text boxes and notes, which stand behind the paragraph.
    pub(super) after: Vec<String>,
    pub(super) is_in_properties: bool,
    /// The place at which the open run begins, if its text is raised.
    raised: Option<usize>,
    style: String,
    /// The list and the level in it, as the paragraph itself says them.
    list: Option<String>,
    list_level: Option<usize>,
}

impl Paragraph {
    /// A paragraph that begins with this text.
    pub(super) fn of(text: &str) -> Self {
        Self { text: text.to_owned(), ..Self::default() }
    }

    /// Reads a tag inside the paragraph with this value.
    pub(super) fn mark(&mut self, name: &[u8], value: &str, beside: &Beside) {
        match name {
            b"tab" if !self.is_in_properties => self.text.push(' '),
            b"br" | b"cr" => self.text.push('\n'),
            b"vertAlign" if value == "superscript" => {
                self.raised = Some(self.text.len()).filter(|_| !self.is_in_properties);
            }
            b"noBreakHyphen" => self.text.push('-'),
            b"pStyle" => {
                let known = beside.styles.get(value).copied();
                match known.unwrap_or_else(|| style_named(value)) {
                    Style::Text => {}
                    Style::Title => (self.is_title, self.level) = (true, 1),
                    Style::Heading(level) => self.level = level,
                    Style::Item => self.item = Some(0),
                }
                value.clone_into(&mut self.style);
            }
            b"outlineLvl" => {
                let level = value.parse::<usize>().ok().filter(|level| *level < 6);
                self.level = level.map_or(self.level, |level| level + 1);
            }
            b"ilvl" => {
                self.list_level = value.parse().ok();
                self.item = Some(self.list_level.unwrap_or(0));
            }
            b"numId" => {
                self.item = if value == "0" { None } else { self.item.or(Some(0)) };
                self.list = Some(list_id(value.to_owned()));
            }
            _ => {}
        }
    }

    /// Raises the text of a run that ends, if it is said to be raised.
    pub(super) fn end_run(&mut self) {
        if let Some(start) = self.raised.take() {
            raise_end(&mut self.text, start);
        }
    }

    /// Puts the number of a list in front of the text. Counts paragraphs without text too, as Word does.
    pub(super) fn number(&mut self, beside: &Beside, counters: &mut Counters) {
        let of_style = beside.lists_of_styles.get(&self.style);
        let Some(list) = self.list.as_ref().or(of_style.map(|(list, _)| list)) else { return };
        let of_style = of_style.filter(|(of_style, _)| of_style == list).and_then(|(_, level)| *level);
        let named = || beside.numbering.level_of_style(list, &self.style);
        let level = self.list_level.or(of_style).or_else(named).unwrap_or(0);
        let Some(number) = counters.next(&beside.numbering, list, level) else { return };
        self.item = self.item.or(Some(level));
        if !self.text.trim().is_empty() {
            self.text = format!("{number} {}", self.text.trim_start());
        }
    }
}

/// Whether a text begins with the number of an item of a list in Markdown: up to nine digits, and a full stop or a
/// parenthesis.
pub(super) fn starts_item(text: &str) -> bool {
    let rest = text.trim_start_matches(|c: char| c.is_ascii_digit());
    (1..=9).contains(&(text.len() - rest.len())) && (rest.starts_with(". ") || rest.starts_with(") "))
}

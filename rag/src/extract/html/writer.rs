//! Writes the blocks of a page from its tags and its text.

use super::blocks::{Block, Blocks, Kind, is_block};
use super::table::{OpenCell, OpenTable};
use crate::extract::merged::{Merged, Span};
use crate::extract::raised::raise_end;

/// The longest description of a picture.
const MAX_DESCRIPTION_CHARS: usize = 300;
/// The deepest list that is indented.
const MAX_INDENT: usize = 8;

/// Collects text into blocks. Lists and tables may be nested to any depth.
#[derive(Default)]
pub(super) struct Writer {
    blocks: Vec<Block>,
    text: String,
    link_chars: usize,
    heading: usize,
    navigation_depth: usize,
    link_depth: usize,
    pre_depth: usize,
    /// The place in the text where raised text begins.
    raised: Option<usize>,
    code_depth: usize,
    /// The open lists: the number of the last item, or none for a list of points.
    lists: Vec<Option<u32>>,
    /// The mark of an item whose first block is not written yet.
    mark: Option<String>,
    tables: Vec<OpenTable>,
}

impl Writer {
    /// Whether nothing was written.
    pub(super) const fn is_at_start(&self) -> bool {
        self.blocks.is_empty() && self.text.is_empty() && self.tables.is_empty()
    }

    /// Ends everything that is open.
    pub(super) fn finish(mut self) -> Blocks {
        self.flush();
        while !self.tables.is_empty() {
            self.end_table();
        }
        Blocks(self.blocks)
    }

    /// The description of a picture.
    pub(super) fn description(&mut self, text: &str) {
        if text.chars().count() <= MAX_DESCRIPTION_CHARS {
            self.text(text);
        }
    }

    /// Adds text to the current block.
    pub(super) fn text(&mut self, text: &str) {
        if self.pre_depth > 0 {
            self.text.push_str(text);
            return;
        }
        let before = self.text.len();
        for c in text.chars() {
            if c.is_whitespace() && c != '\u{a0}' {
                if !self.text.is_empty() && !self.text.ends_with([' ', '\n']) {
                    self.text.push(' ');
                }
                continue;
            }
            // The bracket and what follows it may come apart.
            let is_tag = self.text.ends_with('<') && (c.is_ascii_alphabetic() || matches!(c, '/' | '!'));
            if is_tag && self.code_depth == 0 {
                self.text.insert(self.text.len() - 1, '\\');
            }
            if c != '\u{ad}' {
                self.text.push(if c == '\u{a0}' { ' ' } else { c });
            }
        }
        if self.link_depth > 0 {
            self.link_chars += self.text.len() - before;
        }
    }

    pub(super) fn start(&mut self, name: &str) {
        match name {
            "br" if self.pre_depth > 0 || !self.text.trim().is_empty() => self.text.push('\n'),
            "a" => self.link_depth += 1,
            "sup" => self.raised = Some(self.text.len()),
            "code" | "kbd" | "samp" | "tt" if self.pre_depth == 0 => {
                self.code_depth += 1;
                self.text.push('`');
            }
            "dd" if self.text.ends_with(": ") => {}
            "nav" | "menu" => {
                self.flush();
                self.navigation_depth += 1;
            }
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => {
                self.flush();
                self.heading = name.as_bytes().get(1).map_or(0, |digit| usize::from(digit - b'0'));
            }
            "pre" | "xmp" | "listing" => {
                self.flush();
                self.pre_depth += 1;
            }
            "ul" | "dir" => self.start_list(None),
            "ol" => self.start_list(Some(0)),
            "li" => self.start_item(),
            "table" => self.start_table(),
            "tr" => self.start_row(),
            name if is_block(name) => self.flush(),
            _ => {}
        }
    }

    pub(super) fn end(&mut self, name: &str) {
        match name {
            "a" => self.link_depth = self.link_depth.saturating_sub(1),
            "sup" => {
                if let Some(start) = self.raised.take() {
                    raise_end(&mut self.text, start);
                }
            }
            "code" | "kbd" | "samp" | "tt" if self.pre_depth == 0 && self.code_depth > 0 => {
                self.code_depth -= 1;
                self.text.push('`');
            }
            "dt" if !self.text.trim().is_empty() => {
                self.text.truncate(self.text.trim_end().trim_end_matches(':').len());
                self.text.push_str(": ");
            }
            "nav" | "menu" => {
                self.flush();
                self.navigation_depth = self.navigation_depth.saturating_sub(1);
            }
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => {
                self.flush();
                self.heading = 0;
            }
            "pre" | "xmp" | "listing" => {
                self.flush();
                self.pre_depth = self.pre_depth.saturating_sub(1);
            }
            "ul" | "ol" | "dir" => {
                self.flush();
                self.lists.pop();
            }
            "li" => {
                self.flush();
                self.mark = None;
            }
            "table" => {
                self.flush();
                self.end_table();
            }
            "td" | "th" => self.end_cell(),
            "tr" => {
                self.end_cell();
                if let Some(table) = self.tables.last_mut() {
                    table.is_in_row = false;
                }
            }
            name if is_block(name) => self.flush(),
            _ => {}
        }
    }

    /// Ends the current block.
    fn flush(&mut self) {
        let text = std::mem::take(&mut self.text);
        let link_chars = std::mem::take(&mut self.link_chars);
        self.code_depth = 0;
        self.raised = None;
        if text.trim().is_empty() {
            return;
        }
        let (text, kind) = if self.pre_depth > 0 {
            let fence = if text.contains("```") { "~~~~" } else { "```" };
            (format!("{fence}\n{}\n{fence}", text.trim_matches('\n')), Kind::Code)
        } else if self.heading > 0 {
            let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
            (format!("{} {line}", "#".repeat(self.heading)), Kind::Heading)
        } else if self.lists.is_empty() {
            (super::super::escaped(text.trim()), Kind::Paragraph)
        } else {
            let indent = "  ".repeat((self.lists.len() - 1).min(MAX_INDENT));
            let mark = self.mark.take().unwrap_or_else(|| "  ".to_owned());
            let text = text.trim().replace('\n', &format!("\n{indent}  "));
            (format!("{indent}{mark}{text}"), Kind::Item)
        };
        self.blocks.push(Block { text, kind, is_navigation: self.navigation_depth > 0, link_chars });
    }

    fn start_list(&mut self, number: Option<u32>) {
        self.flush();
        self.lists.push(number);
    }

    fn start_item(&mut self) {
        self.flush();
        if self.lists.is_empty() {
            self.lists.push(None);
        }
        self.mark = Some(match self.lists.last_mut() {
            Some(Some(number)) => {
                *number = number.saturating_add(1);
                format!("{number}. ")
            }
            _ => "- ".to_owned(),
        });
    }

    fn start_table(&mut self) {
        self.flush();
        if let Some(outer) = self.tables.last_mut() {
            outer.has_table_inside = true;
        }
        let before = std::mem::take(&mut self.blocks);
        let lists = std::mem::take(&mut self.lists);
        self.tables.push(OpenTable { before, lists, ..OpenTable::default() });
    }

    fn start_row(&mut self) {
        self.end_cell();
        if let Some(table) = self.tables.last_mut() {
            table.rows.push(Vec::new());
            table.is_in_row = true;
        }
    }

    /// Begins a cell of a table.
    pub(super) fn start_cell(&mut self, span: Span) {
        self.end_cell();
        let Some(table) = self.tables.last_mut() else { return };
        if !table.is_in_row {
            table.rows.push(Vec::new());
            table.is_in_row = true;
        }
        table.is_in_cell = true;
        if let Some(row) = table.rows.last_mut() {
            row.push(OpenCell { blocks: Vec::new(), span });
        }
        // A caption or misplaced text stands before the table.
        table.before.append(&mut self.blocks);
    }

    fn end_cell(&mut self) {
        self.flush();
        let Some(table) = self.tables.last_mut().filter(|table| table.is_in_cell) else { return };
        table.is_in_cell = false;
        let cell = std::mem::take(&mut self.blocks);
        self.lists.clear();
        if let Some(open) = table.rows.last_mut().and_then(|row| row.last_mut()) {
            open.blocks = cell;
        }
    }

    fn end_table(&mut self) {
        self.end_cell();
        let Some(mut table) = self.tables.pop() else { return };
        let after = std::mem::take(&mut self.blocks);
        self.lists = std::mem::take(&mut table.lists);
        let mut blocks = std::mem::take(&mut table.before);
        if table.is_data() {
            let Merged { captions, table } = table.merged();
            let is_navigation = self.navigation_depth > 0;
            let block = |text: String, kind| Block { text, kind, is_navigation, link_chars: 0 };
            blocks.extend(captions.iter().map(|text| block(super::super::escaped(text), Kind::Paragraph)));
            let markdown = table.to_markdown();
            if markdown.chars().any(char::is_alphanumeric) {
                blocks.push(block(markdown, Kind::Table));
            }
        } else {
            for OpenCell { blocks: cell, .. } in table.rows.into_iter().flatten() {
                if blocks.is_empty() {
                    blocks = cell;
                } else {
                    blocks.extend(cell);
                }
            }
        }
        blocks.extend(after);
        self.blocks = blocks;
    }
}

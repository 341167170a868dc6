//! Reads the text of a document tag by tag. Text boxes, tables and cells may be nested to any depth.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::Beside;
use super::numbering::Counters;
use super::paragraph::{Paragraph, starts_item};
use super::table::OpenTable;
use crate::extract::merged::{self, Merged, Slot};
use crate::extract::package::{attribute, push_reference};
use crate::extract::{ExtractError, escaped};

/// The deepest list that is indented.
const MAX_INDENT: usize = 8;

/// Text read from a document so far.
pub(super) struct Body<'a> {
    beside: &'a Beside,
    markdown: String,
    /// The open paragraphs: a text box is a paragraph inside another.
    paragraphs: Vec<Paragraph>,
    tables: Vec<OpenTable>,
    /// Elements whose text is not text of the document.
    skipped: usize,
    /// For each open choice between two forms of the same content, whether the first one had text.
    choices: Vec<bool>,
    in_text: bool,
    was_item: bool,
    counters: Counters,
    /// Headings stand below the title.
    has_title: bool,
}

impl<'a> Body<'a> {
    pub(super) fn new(beside: &'a Beside) -> Self {
        Self {
            beside,
            markdown: String::new(),
            paragraphs: Vec::new(),
            tables: Vec::new(),
            skipped: 0,
            choices: Vec::new(),
            in_text: false,
            was_item: false,
            counters: Counters::default(),
            has_title: false,
        }
    }

    pub(super) fn read(mut self, xml: &str) -> Result<String, ExtractError> {
        let mut reader = Reader::from_str(xml);
        reader.config_mut().check_end_names = false;
        loop {
            match reader.read_event().map_err(|_| ExtractError::Damaged)? {
                Event::Start(tag) => self.start(&tag),
                Event::Empty(tag) => self.mark(&tag),
                Event::Text(text) if self.in_text && self.skipped == 0 => {
                    let text = text.decode().map_err(|_| ExtractError::Damaged)?;
                    self.push(&text);
                }
                Event::GeneralRef(reference) if self.in_text && self.skipped == 0 => {
                    let mut text = String::new();
                    push_reference(&mut text, &reference);
                    self.push(&text);
                }
                Event::End(tag) => self.end(tag.local_name().as_ref()),
                Event::Eof => break,
                _ => {}
            }
        }
        while let Some(paragraph) = self.paragraphs.pop() {
            self.end_paragraph(paragraph);
        }
        while !self.tables.is_empty() {
            self.end_cell();
            self.end_table();
        }
        if self.was_item {
            self.markdown.push('\n');
        }
        Ok(self.markdown)
    }

    fn push(&mut self, text: &str) {
        if let Some(had_text) = self.choices.last_mut() {
            *had_text |= !text.trim().is_empty();
        }
        match self.paragraphs.last_mut() {
            Some(paragraph) => paragraph.text.push_str(text),
            None => self.paragraphs.push(Paragraph::of(text)),
        }
    }

    fn start(&mut self, tag: &BytesStart<'_>) {
        match tag.local_name().as_ref() {
            b"Fallback" if self.skipped > 0 || self.choices.last() == Some(&true) => self.skipped += 1,
            // Text that was moved away stands at its new place.
            // Glosses stand between the characters of a word.
            // Properties before a change are those of no text.
            b"moveFrom" | b"instrText" | b"delText" | b"rt" | b"pPrChange" | b"rPrChange" => {
                self.skipped += 1;
            }
            _ if self.skipped > 0 => {}
            b"AlternateContent" => self.choices.push(false),
            b"t" => self.in_text = true,
            b"p" => self.paragraphs.push(Paragraph::default()),
            b"pPr" => self.in_properties(true),
            b"tbl" => self.tables.push(OpenTable::default()),
            b"tr" => self.tables.last_mut().into_iter().for_each(OpenTable::start_row),
            b"tc" => self.tables.last_mut().into_iter().for_each(OpenTable::start_cell),
            _ => self.mark(tag),
        }
    }

    fn in_properties(&mut self, inside: bool) {
        if let Some(paragraph) = self.paragraphs.last_mut() {
            paragraph.is_in_properties = inside;
        }
    }

    /// Reads a tag that says something by itself.
    fn mark(&mut self, tag: &BytesStart<'_>) {
        if self.skipped > 0 {
            return;
        }
        let value = |name: &[u8]| attribute(tag, name).unwrap_or_default();
        match tag.local_name().as_ref() {
            b"gridSpan" | b"vMerge" | b"tblHeader" => {
                self.tables.last_mut().into_iter().for_each(|table| table.mark(tag));
            }
            name => {
                match name {
                    b"footnoteReference" => self.note("footnote", &value(b"id")),
                    b"endnoteReference" => self.note("endnote", &value(b"id")),
                    b"commentReference" => self.note("comment", &value(b"id")),
                    _ => {}
                }
                if let Some(paragraph) = self.paragraphs.last_mut() {
                    paragraph.mark(name, &value(b"val"), self.beside);
                }
            }
        }
    }

    fn note(&mut self, kind: &'static str, id: &str) {
        let note = self.beside.notes.get(&(kind, id.to_owned()));
        if let (Some(note), Some(paragraph)) = (note, self.paragraphs.last_mut()) {
            paragraph.after.push(note.clone());
        }
    }

    fn end(&mut self, name: &[u8]) {
        match name {
            b"Fallback" | b"moveFrom" | b"instrText" | b"delText" | b"rt" | b"pPrChange" | b"rPrChange" => {
                self.skipped = self.skipped.saturating_sub(1);
            }
            _ if self.skipped > 0 => {}
            b"AlternateContent" => {
                if self.choices.pop() == Some(true)
                    && let Some(outer) = self.choices.last_mut()
                {
                    *outer = true;
                }
            }
            b"t" => self.in_text = false,
            b"pPr" => self.in_properties(false),
            b"r" => {
                self.paragraphs.last_mut().into_iter().for_each(Paragraph::end_run);
            }
            b"p" => {
                if let Some(mut paragraph) = self.paragraphs.pop() {
                    paragraph.number(self.beside, &mut self.counters);
                    self.end_paragraph(paragraph);
                }
            }
            b"tc" => self.end_cell(),
            b"tbl" => self.end_table(),
            _ => {}
        }
    }

    fn end_paragraph(&mut self, paragraph: Paragraph) {
        let text = paragraph.text.trim();
        if let Some(outer) = self.paragraphs.last_mut() {
            if !text.is_empty() {
                outer.after.push(text.to_owned());
            }
            outer.after.extend(paragraph.after);
            return;
        }
        if let Some(cell) = self.tables.last_mut().and_then(|table| table.cell.as_mut()) {
            for text in std::iter::once(text).chain(paragraph.after.iter().map(String::as_str)) {
                if !cell.is_empty() && !text.is_empty() {
                    cell.push('\n');
                }
                cell.push_str(text);
            }
            return;
        }
        if !text.is_empty() {
            let below_title = usize::from(self.has_title && !paragraph.is_title && paragraph.level > 0);
            self.has_title |= paragraph.is_title;
            self.block((paragraph.level + below_title).min(6), paragraph.item, text);
        }
        for text in paragraph.after {
            self.block(0, None, &text);
        }
    }

    fn block(&mut self, level: usize, item: Option<usize>, text: &str) {
        let is_item = level == 0 && item.is_some();
        if self.was_item && !is_item {
            self.markdown.push('\n');
        }
        self.was_item = is_item;
        if level > 0 {
            let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
            self.markdown.extend([&"#".repeat(level), " ", &line, "\n\n"]);
        } else if is_item {
            let indent = "  ".repeat(item.unwrap_or(0).min(MAX_INDENT));
            let bullet = if starts_item(text) { "" } else { "- " };
            self.markdown.extend([&indent, bullet, &text.replace('\n', " "), "\n"]);
        } else {
            self.markdown.extend([&escaped(text), "\n\n"]);
        }
    }

    fn end_cell(&mut self) {
        self.tables.last_mut().into_iter().for_each(OpenTable::end_cell);
    }

    fn end_table(&mut self) {
        let Some(table) = self.tables.pop() else { return };
        let has_text = |row: &Vec<Slot>| row.iter().any(|slot| !slot.text.is_empty());
        let rows: Vec<_> = table.rows.into_iter().filter(has_text).collect();
        let own = |row: Vec<Slot>| row.into_iter().filter(|slot| !slot.is_rest).map(|slot| slot.text);
        if let Some(cell) = self.tables.last_mut().and_then(|outer| outer.cell.as_mut()) {
            for row in rows {
                cell.push('\n');
                cell.push_str(&own(row).collect::<Vec<_>>().join(", "));
            }
            return;
        }
        if rows.len() > 1 && rows.iter().any(|row| row.len() > 1) {
            let Merged { captions, table } = merged::of_slots(rows);
            for caption in captions {
                self.block(0, None, caption.trim());
            }
            if self.was_item {
                self.markdown.push('\n');
                self.was_item = false;
            }
            self.markdown.extend([&table.to_markdown(), "\n"]);
            return;
        }
        // A table of one row arranges paragraphs.
        for cell in rows.into_iter().flat_map(own) {
            for text in cell.split('\n').filter(|text| !text.trim().is_empty()) {
                self.block(0, None, text.trim());
            }
        }
    }
}

#[cfg(test)]
mod tests;

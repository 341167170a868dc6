//! Reads the text of a Word document before 2007 by its table of pieces.

use std::collections::VecDeque;
use std::ops::Range;

use super::{Compound, size_at, stream, u16_at, u32_at, utf16, windows_1252};
use crate::extract::{ExtractError, encoding, escaped};
use crate::vocabulary::{Markup, Part, Table};

/// The first bytes of a document of Word 97 and later.
const WORD_97: u16 = 0xa5ec;
/// The places of the header's fields.
const FLAGS: usize = 0x0a;
const FIRST_TEXT: usize = 0x18;
const LAST_TEXT: usize = 0x1c;
const COUNTS: usize = 0x4c;
const PIECES: usize = 0x1a2;
const ENCRYPTED: u16 = 0x0100;
const SECOND_TABLE: u16 = 0x0200;

pub(super) fn parts(file: &mut Compound<'_>) -> Result<Vec<Part>, ExtractError> {
    let document = stream(file, "/WordDocument")?.ok_or(ExtractError::Damaged)?;
    let flags = u16_at(&document, FLAGS).ok_or(ExtractError::Damaged)?;
    if flags & ENCRYPTED != 0 {
        return Err(ExtractError::Encrypted);
    }
    let name = if flags & SECOND_TABLE == 0 { "/0Table" } else { "/1Table" };
    let table = stream(file, name)?.unwrap_or_default();
    let is_new = u16_at(&document, 0) == Some(WORD_97);
    let pieces = if is_new { pieces(&document, &table) } else { None };
    let text = if let Some(text) = pieces {
        text
    } else {
        let range = size_at(&document, FIRST_TEXT).zip(size_at(&document, LAST_TEXT));
        let bytes = range.and_then(|(first, last)| document.get(first..last)).ok_or(ExtractError::Damaged)?;
        encoding::decode(bytes)
    };
    let text: Vec<char> = text.chars().collect();
    Ok(vec![Part::text(Markup::Markdown, markdown(&text, is_new.then_some(&document[..])))])
}

/// The whole text: the body, and the notes and boxes behind it.
fn pieces(document: &[u8], table: &[u8]) -> Option<String> {
    let (start, length) = (size_at(document, PIECES)?, size_at(document, PIECES + 4)?);
    let clx = table.get(start..start.checked_add(length)?)?;
    let mut at = 0;
    // Properties of paragraphs stand before the table of pieces.
    while clx.get(at) == Some(&1) {
        at += 3 + usize::from(u16_at(clx, at + 1)?);
    }
    let length = (clx.get(at) == Some(&2)).then(|| size_at(clx, at + 1))??;
    let plc = clx.get(at + 5..(at + 5).checked_add(length)?)?;
    let count = length.checked_sub(4)? / 12;
    let mut text = String::new();
    for index in 0..count {
        let characters = size_at(plc, (index + 1) * 4)?.checked_sub(size_at(plc, index * 4)?)?;
        let place = u32_at(plc, (count + 1) * 4 + index * 8 + 2)?;
        let offset = usize::try_from(place & 0x3fff_ffff).ok()?;
        if place & 0x4000_0000 == 0 {
            let bytes = document.get(offset..offset.checked_add(characters.checked_mul(2)?)?)?;
            text.push_str(&utf16(bytes));
        } else {
            text.push_str(&windows_1252(document.get(offset / 2..(offset / 2).checked_add(characters)?)?));
        }
    }
    Some(encoding::nfc(&text))
}

/// The body as Markdown, with the notes behind their paragraphs and the other texts at the end.
fn markdown(text: &[char], header: Option<&[u8]>) -> String {
    let stories = header.and_then(stories).unwrap_or_else(|| std::iter::once(0..text.len()).collect());
    let story = |index: usize| -> &[char] {
        stories.get(index).and_then(|range| text.get(range.clone())).unwrap_or_default()
    };
    let split = |notes: &[char]| -> Vec<String> {
        let notes = notes.split(|c| *c == '\u{2}').skip(1).map(plain);
        notes.map(|note| note.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
    };
    let (footnotes, endnotes) = (split(story(1)), split(story(5)));
    let mut notes: VecDeque<String> = footnotes.into();
    // Both kinds of notes have the same mark.
    let behind = if endnotes.is_empty() { std::mem::take(&mut notes) } else { VecDeque::new() };
    let mut writer = Writer { markdown: String::new(), cells: Vec::new(), notes: behind };
    writer.body(story(0));
    for rest in notes.into_iter().chain(endnotes) {
        writer.paragraph(&rest);
    }
    for index in [4, 6] {
        for paragraph in plain(story(index)).split('\n') {
            writer.paragraph(paragraph);
        }
    }
    writer.markdown
}

/// The ranges of body, footnotes, headers, macros, comments, endnotes and text boxes, in characters.
fn stories(header: &[u8]) -> Option<Vec<Range<usize>>> {
    let mut start = 0_usize;
    (0..7)
        .map(|index| {
            let length = size_at(header, COUNTS + index * 4)?;
            let range = start..start.checked_add(length)?;
            start = range.end;
            Some(range)
        })
        .collect()
}

/// Text without fields and marks.
fn plain(text: &[char]) -> String {
    let mut plain = String::new();
    let mut fields = 0_usize;
    for c in text {
        match c {
            '\u{13}' => fields += 1,
            '\u{14}' | '\u{15}' => fields = fields.saturating_sub(1),
            _ if fields > 0 => {}
            '\r' | '\u{b}' | '\u{c}' => plain.push('\n'),
            '\u{1e}' => plain.push('-'),
            '\t' | '\u{a0}' => plain.push(' '),
            c if c.is_control() || *c == '\u{1f}' => {}
            c => plain.push(*c),
        }
    }
    plain
}

struct Writer {
    markdown: String,
    /// The cells of the table that is being read.
    cells: Vec<String>,
    notes: VecDeque<String>,
}

impl Writer {
    fn body(&mut self, text: &[char]) {
        let mut cell = String::new();
        for paragraph in text.split_inclusive(|c| matches!(c, '\r' | '\u{7}' | '\u{c}')) {
            let (end, paragraph_text) =
                paragraph.split_last().map_or((None, paragraph), |(end, text)| (Some(*end), text));
            let is_end = end.is_some_and(|end| matches!(end, '\r' | '\u{7}' | '\u{c}'));
            let content = plain(if is_end { paragraph_text } else { paragraph });
            let notes = paragraph.iter().filter(|c| **c == '\u{2}').count();
            if end == Some('\u{7}') {
                cell.push_str(&content);
                self.cells.push(std::mem::take(&mut cell));
                continue;
            }
            if !self.cells.is_empty() && self.is_inside_row() {
                // A paragraph inside a cell.
                cell.push_str(&content);
                cell.push(' ');
                continue;
            }
            self.end_table();
            self.paragraph(&std::mem::take(&mut cell));
            self.paragraph(&content);
            for _ in 0..notes {
                if let Some(note) = self.notes.pop_front() {
                    self.paragraph(&note);
                }
            }
        }
        self.end_table();
        self.paragraph(&cell);
    }

    /// Whether the last row of the table has no end yet: rows end with an empty cell.
    fn is_inside_row(&self) -> bool {
        self.cells.last().is_some_and(|cell| !cell.is_empty())
    }

    fn end_table(&mut self) {
        let cells = std::mem::take(&mut self.cells);
        if cells.is_empty() {
            return;
        }
        let width = (2..=cells.len()).find(|width| {
            cells.len().is_multiple_of(*width)
                && cells.chunks(*width).all(|row| row.last().is_some_and(String::is_empty))
        });
        let mut rows: Vec<Vec<String>> = match width {
            Some(width) => cells.chunks(width).map(|row| row[..width - 1].to_vec()).collect(),
            None => {
                cells.split(String::is_empty).filter(|row| !row.is_empty()).map(<[String]>::to_vec).collect()
            }
        };
        if rows.len() < 2 {
            for cell in rows.into_iter().flatten() {
                self.paragraph(&cell);
            }
            return;
        }
        let header = rows.remove(0);
        let table = Table { header, rows: (1..).zip(rows).collect() };
        self.markdown.push_str(&table.to_markdown());
        self.markdown.push('\n');
    }

    fn paragraph(&mut self, text: &str) {
        let text = text.trim();
        if text.chars().any(char::is_alphanumeric) {
            self.markdown.push_str(&escaped(text));
            self.markdown.push_str("\n\n");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_tables_and_paragraphs_are_read() {
        let text: Vec<char> =
            "See \u{13} LINK x \u{14}the book\u{15}.\rkind\u{7}min\u{7}\u{7}green\u{7}2\u{7}\u{7}Last.\r"
                .chars()
                .collect();
        assert_eq!(
            markdown(&text, None),
            "See the book.\n\n| kind | min |\n|---|---|\n| green | 2 |\n\nLast.\n\n"
        );
    }
}

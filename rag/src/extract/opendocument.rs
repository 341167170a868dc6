//! Reads the text of an `OpenDocument` text or presentation: headings, lists, tables, and the notes, comments
//! and text boxes behind the paragraph that they belong to.

use std::collections::HashSet;

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::merged::{self, Cell, Merged, Span};
use super::package::{Package, attribute, push_reference};
use super::raised::raise_end;
use super::{ExtractError, escaped};
use crate::vocabulary::{Content, Markup, Part, Place};

/// The largest number of spaces, and of equal cells, that one tag stands for.
const MAX_REPEATED: usize = 64;

/// Reads the pages of a presentation, or a text as one part.
pub(super) fn parts(package: &mut Package<'_>) -> Result<Vec<Part>, ExtractError> {
    if package.xml("META-INF/manifest.xml")?.is_some_and(|manifest| manifest.contains("encryption-data")) {
        return Err(ExtractError::Encrypted);
    }
    let xml = package.xml("content.xml")?.ok_or(ExtractError::Damaged)?;
    let (pages, text) = Reading::default().read(&xml)?;
    let part =
        |text, place| Part { heading: Vec::new(), content: Content::Text(Markup::Markdown, text), place };
    let slides = (1..).zip(pages).map(|(number, text)| part(text, Some(Place::Slide { number })));
    Ok(slides.chain([part(text, None)]).filter(Part::has_text).collect())
}

#[derive(Default)]
struct Reading {
    /// The finished pages of a presentation.
    pages: Vec<String>,
    markdown: String,
    /// The open paragraphs: those of a note are inside another one.
    paragraphs: Vec<Paragraph>,
    tables: Vec<OpenTable>,
    lists: usize,
    /// Open elements of what is left out.
    skipped: usize,
    is_title: bool,
    /// Styles of raised text, and the one being read.
    raised_styles: HashSet<String>,
    style: String,
}

#[derive(Default)]
struct Paragraph {
    level: usize,
    text: String,
    /// The places at which the open spans begin, where their text is raised.
    spans: Vec<Option<usize>>,
    /// Notes, comments and text boxes.
    after: Vec<String>,
}

#[derive(Default)]
struct OpenTable {
    rows: Vec<Vec<Cell>>,
    cell: Option<(Cell, usize)>,
    is_header: bool,
}

impl Reading {
    /// The pages of a presentation, and the text that stands on none.
    fn read(mut self, xml: &str) -> Result<(Vec<String>, String), ExtractError> {
        let mut reader = Reader::from_str(xml);
        reader.config_mut().check_end_names = false;
        loop {
            match reader.read_event().map_err(|_| ExtractError::Damaged)? {
                Event::Start(_) if self.skipped > 0 => self.skipped += 1,
                Event::End(_) if self.skipped > 0 => self.skipped -= 1,
                Event::Start(tag) => self.start(&tag),
                Event::Empty(tag) if self.skipped == 0 => self.mark(&tag),
                Event::Text(text) if self.skipped == 0 => {
                    let text = text.decode().map_err(|_| ExtractError::Damaged)?;
                    self.push(&text);
                }
                Event::GeneralRef(reference) if self.skipped == 0 => {
                    let mut text = String::new();
                    push_reference(&mut text, &reference);
                    self.push(&text);
                }
                Event::End(tag) => self.end(tag.local_name().as_ref()),
                Event::Eof => break,
                _ => {}
            }
        }
        while !self.paragraphs.is_empty() {
            self.end_paragraph();
        }
        while !self.tables.is_empty() {
            self.end_table();
        }
        Ok((self.pages, self.markdown))
    }

    fn push(&mut self, text: &str) {
        if let Some(paragraph) = self.paragraphs.last_mut() {
            paragraph.text.push_str(text);
        }
    }

    fn start(&mut self, tag: &BytesStart<'_>) {
        // Who commented when.
        if matches!(tag.name().as_ref(), b"dc:creator" | b"dc:date" | b"meta:creator-initials") {
            self.skipped = 1;
            return;
        }
        match tag.local_name().as_ref() {
            b"page" => {}
            b"tracked-changes" | b"ruby-text" | b"note-citation" | b"covered-table-cell" => self.skipped = 1,
            b"h" => {
                let level = attribute(tag, b"outline-level").and_then(|level| level.parse().ok());
                let level = level.unwrap_or(1_usize).clamp(1, 6);
                self.paragraphs.push(Paragraph { level, ..Paragraph::default() });
            }
            b"p" => {
                let level = usize::from(self.is_title);
                self.paragraphs.push(Paragraph { level, ..Paragraph::default() });
            }
            b"span" => {
                let style = attribute(tag, b"style-name").unwrap_or_default();
                let is_raised = self.raised_styles.contains(&style) || style.contains("uperscript");
                if let Some(paragraph) = self.paragraphs.last_mut() {
                    paragraph.spans.push(is_raised.then_some(paragraph.text.len()));
                }
            }
            b"frame" => self.is_title = attribute(tag, b"class").is_some_and(|class| class == "title"),
            b"list" => self.lists += 1,
            b"table" => self.tables.push(OpenTable::default()),
            b"table-header-rows" => {
                if let Some(table) = self.tables.last_mut() {
                    table.is_header = true;
                }
            }
            b"table-row" => {
                if let Some(table) = self.tables.last_mut() {
                    table.rows.push(Vec::new());
                }
            }
            b"table-cell" => self.start_cell(tag),
            _ => self.mark(tag),
        }
    }

    /// Reads a tag that says something by itself.
    fn mark(&mut self, tag: &BytesStart<'_>) {
        match tag.local_name().as_ref() {
            b"s" => {
                let count = attribute(tag, b"c").and_then(|count| count.parse().ok()).unwrap_or(1_usize);
                self.push(&" ".repeat(count.clamp(1, MAX_REPEATED)));
            }
            b"tab" => self.push(" "),
            b"line-break" => self.push("\n"),
            b"table-cell" => {
                self.start_cell(tag);
                self.end_cell();
            }
            b"page" => self.end_page(),
            b"style" => self.style = attribute(tag, b"name").unwrap_or_default(),
            b"text-properties"
                if attribute(tag, b"text-position").is_some_and(|at| at.starts_with("super")) =>
            {
                self.raised_styles.insert(self.style.clone());
            }
            _ => {}
        }
    }

    fn start_cell(&mut self, tag: &BytesStart<'_>) {
        let Some(table) = self.tables.last_mut() else { return };
        let number = |name: &[u8]| attribute(tag, name);
        let span =
            Span::of(number(b"number-columns-spanned").as_deref(), number(b"number-rows-spanned").as_deref());
        let repeated = number(b"number-columns-repeated").and_then(|count| count.parse().ok()).unwrap_or(1);
        let span = Span { is_name: table.is_header, ..span };
        table.cell = Some((Cell { text: String::new(), span }, repeated.clamp(1, MAX_REPEATED)));
    }

    fn end_cell(&mut self) {
        let Some(table) = self.tables.last_mut() else { return };
        if let (Some((cell, repeated)), Some(row)) = (table.cell.take(), table.rows.last_mut()) {
            row.extend(std::iter::repeat_n(cell, repeated));
        }
    }

    fn end(&mut self, name: &[u8]) {
        match name {
            b"h" | b"p" => self.end_paragraph(),
            b"span" => {
                if let Some(paragraph) = self.paragraphs.last_mut()
                    && let Some(start) = paragraph.spans.pop().flatten()
                {
                    raise_end(&mut paragraph.text, start);
                }
            }
            b"frame" => self.is_title = false,
            b"list" => self.lists = self.lists.saturating_sub(1),
            b"table-header-rows" => {
                if let Some(table) = self.tables.last_mut() {
                    table.is_header = false;
                }
            }
            b"table-cell" => self.end_cell(),
            b"table" => self.end_table(),
            // A page of a presentation: `draw:page`.
            b"page" => self.end_page(),
            _ => {}
        }
    }

    fn end_page(&mut self) {
        self.pages.push(std::mem::take(&mut self.markdown));
    }

    fn end_paragraph(&mut self) {
        let Some(paragraph) = self.paragraphs.pop() else { return };
        let texts = std::iter::once(paragraph.text.trim().to_owned()).chain(paragraph.after);
        let texts = texts.filter(|text| !text.is_empty());
        let outer = self.paragraphs.last_mut();
        if let Some(outer) = outer {
            outer.after.extend(texts);
            return;
        }
        let cell = self.tables.last_mut().and_then(|table| table.cell.as_mut());
        if let Some((cell, _)) = cell {
            for text in texts {
                if !cell.text.is_empty() {
                    cell.text.push(' ');
                }
                cell.text.push_str(&text);
            }
            return;
        }
        for (number, text) in texts.enumerate() {
            if paragraph.level > 0 && number == 0 {
                let line = text.replace('\n', " ");
                self.markdown.extend([&"#".repeat(paragraph.level), " ", &line, "\n\n"]);
            } else if self.lists > 0 {
                self.markdown.extend([&"  ".repeat(self.lists.min(8) - 1), "- ", &text, "\n\n"]);
            } else {
                self.markdown.extend([&escaped(&text), "\n\n"]);
            }
        }
    }

    fn end_table(&mut self) {
        self.end_cell();
        let Some(table) = self.tables.pop() else { return };
        let outer = self.tables.last_mut().and_then(|outer| outer.cell.as_mut());
        if let Some((cell, _)) = outer {
            for row in table.rows {
                let texts: Vec<_> = row.into_iter().map(|cell| cell.text).collect();
                if !cell.text.is_empty() {
                    cell.text.push(' ');
                }
                cell.text.push_str(texts.join(", ").trim());
            }
            return;
        }
        let Merged { captions, table } = merged::table(table.rows);
        for caption in captions {
            self.markdown.extend([&escaped(&caption), "\n\n"]);
        }
        self.markdown.extend([&table.to_markdown(), "\n"]);
    }
}

#[cfg(test)]
mod tests;

//! Reads the text of an `OpenDocument` text or presentation.

use quick_xml::Reader;
use quick_xml::events::Event;

use super::package::{Package, attribute, push_reference};
use super::{ExtractError, escaped};
use crate::vocabulary::{Content, Markup, Part, Place, Table};

/// Reads the pages of a presentation, or a text as one part.
pub(super) fn parts(package: &mut Package<'_>) -> Result<Vec<Part>, ExtractError> {
    if package.xml("META-INF/manifest.xml")?.is_some_and(|manifest| manifest.contains("encryption-data")) {
        return Err(ExtractError::Encrypted);
    }
    let xml = package.xml("content.xml")?.ok_or(ExtractError::Damaged)?;
    let pages = Reading::default().read(&xml)?;
    let is_text = pages.len() == 1;
    let parts = (1..).zip(pages).map(|(number, text)| Part {
        heading: Vec::new(),
        content: Content::Text(Markup::Markdown, text),
        place: (!is_text).then_some(Place::Slide { number }),
    });
    Ok(parts.collect())
}

#[derive(Default)]
struct Reading {
    pages: Vec<String>,
    markdown: String,
    text: String,
    level: usize,
    lists: usize,
    /// Whether text is inside a paragraph.
    depth: usize,
    rows: Vec<Vec<String>>,
    cell: Option<String>,
}

impl Reading {
    fn read(mut self, xml: &str) -> Result<Vec<String>, ExtractError> {
        let mut reader = Reader::from_str(xml);
        reader.config_mut().check_end_names = false;
        loop {
            match reader.read_event().map_err(|_| ExtractError::Damaged)? {
                Event::Start(tag) => match tag.local_name().as_ref() {
                    b"h" => {
                        self.depth += 1;
                        let level = attribute(&tag, b"outline-level").and_then(|level| level.parse().ok());
                        self.level = level.unwrap_or(1_usize).clamp(1, 6);
                    }
                    b"p" => self.depth += 1,
                    b"list" => self.lists += 1,
                    b"table-row" => self.rows.push(Vec::new()),
                    b"table-cell" => self.cell = Some(String::new()),
                    _ => {}
                },
                Event::Empty(tag) => match tag.local_name().as_ref() {
                    b"s" | b"tab" => self.text.push(' '),
                    b"line-break" => self.text.push('\n'),
                    b"table-cell" => {
                        if let Some(row) = self.rows.last_mut() {
                            row.push(String::new());
                        }
                    }
                    _ => {}
                },
                Event::Text(text) if self.depth > 0 => {
                    self.text.push_str(&text.decode().map_err(|_| ExtractError::Damaged)?);
                }
                Event::GeneralRef(reference) if self.depth > 0 => push_reference(&mut self.text, &reference),
                Event::End(tag) => self.end(tag.local_name().as_ref()),
                Event::Eof => break,
                _ => {}
            }
        }
        self.pages.push(self.markdown);
        self.pages.retain(|page| !page.trim().is_empty());
        Ok(self.pages)
    }

    fn end(&mut self, name: &[u8]) {
        match name {
            b"h" | b"p" => {
                self.depth = self.depth.saturating_sub(1);
                self.end_paragraph();
            }
            b"list" => self.lists = self.lists.saturating_sub(1),
            b"table-cell" => {
                if let (Some(cell), Some(row)) = (self.cell.take(), self.rows.last_mut()) {
                    row.push(cell);
                }
            }
            b"table" => {
                let mut rows = std::mem::take(&mut self.rows).into_iter();
                let header = rows.next().unwrap_or_default();
                let table = Table { header, rows: (1..).zip(rows).collect() };
                self.markdown.extend([&table.to_markdown(), "\n"]);
            }
            // A page of a presentation: `draw:page`.
            b"page" => self.pages.push(std::mem::take(&mut self.markdown)),
            _ => {}
        }
    }

    fn end_paragraph(&mut self) {
        let text = std::mem::take(&mut self.text);
        let level = std::mem::take(&mut self.level);
        let text = text.trim();
        if text.is_empty() {
            return;
        }
        if let Some(cell) = &mut self.cell {
            if !cell.is_empty() {
                cell.push(' ');
            }
            cell.push_str(text);
        } else if level > 0 {
            self.markdown.extend([&"#".repeat(level), " ", &text.replace('\n', " "), "\n\n"]);
        } else if self.lists > 0 {
            self.markdown.extend([&"  ".repeat(self.lists.min(8) - 1), "- ", text, "\n\n"]);
        } else {
            self.markdown.extend([&escaped(text), "\n\n"]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_lists_and_tables_are_markdown() {
        let xml = "<office:text><text:h text:outline-level='2'>Tea</text:h><text:p>Steep<text:s/>well.</text:p>\
            <text:list><text:list-item><text:p>green</text:p></text:list-item></text:list><table:table>\
            <table:table-row><table:table-cell><text:p>a</text:p></table:table-cell></table:table-row>\
            <table:table-row><table:table-cell><text:p>b</text:p></table:table-cell></table:table-row></table:table>\
            </office:text>";
        assert_eq!(
            Reading::default().read(xml).unwrap(),
            ["## Tea\n\nSteep well.\n\n- green\n\n| a |\n|---|\n| b |\n\n"]
        );
    }
}

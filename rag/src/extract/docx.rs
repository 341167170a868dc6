//! A Word document as Markdown: paragraphs, and headings by their styles. Pictures, tables' borders and fonts are left out.

use std::io::{Cursor, Read as _};

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::Unreadable;

/// The most a document may unpack to.
const MOST_XML: u64 = 64 << 20;

/// The document's text.
pub(super) fn markdown(bytes: &[u8]) -> Result<String, Unreadable> {
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).map_err(|_| Unreadable::Broken)?;
    let part = archive.by_name("word/document.xml").map_err(|_| Unreadable::Broken)?;
    if part.encrypted() {
        return Err(Unreadable::Encrypted);
    }
    let mut xml = Vec::new();
    part.take(MOST_XML + 1).read_to_end(&mut xml).map_err(|_| Unreadable::Broken)?;
    if xml.len() as u64 > MOST_XML {
        return Err(Unreadable::TooLarge);
    }
    paragraphs(&xml)
}

#[derive(Default)]
struct Paragraph {
    level: usize,
    text: String,
    in_text: bool,
}

fn paragraphs(xml: &[u8]) -> Result<String, Unreadable> {
    let mut reader = Reader::from_reader(xml);
    let mut markdown = String::new();
    let mut paragraph = Paragraph::default();
    let mut buffer = Vec::new();
    loop {
        match reader.read_event_into(&mut buffer).map_err(|_| Unreadable::Broken)? {
            Event::Start(tag) => paragraph.begin(&tag),
            Event::Empty(tag) => paragraph.empty(&tag),
            Event::Text(text) if paragraph.in_text => {
                paragraph.text.push_str(&text.decode().map_err(|_| Unreadable::Broken)?);
            }
            Event::GeneralRef(reference) if paragraph.in_text => {
                if let Some(c) = reference.resolve_char_ref().ok().flatten() {
                    paragraph.text.push(c);
                } else if let Ok(name) = reference.decode() {
                    paragraph
                        .text
                        .push_str(quick_xml::escape::resolve_predefined_entity(&name).unwrap_or_default());
                }
            }
            Event::End(tag) => match tag.local_name().as_ref() {
                b"t" => paragraph.in_text = false,
                b"p" => std::mem::take(&mut paragraph).end(&mut markdown),
                _ => {}
            },
            Event::Eof => return Ok(markdown),
            _ => {}
        }
        buffer.clear();
    }
}

impl Paragraph {
    fn begin(&mut self, tag: &BytesStart<'_>) {
        match tag.local_name().as_ref() {
            b"t" => self.in_text = true,
            _ => self.empty(tag),
        }
    }

    fn empty(&mut self, tag: &BytesStart<'_>) {
        match tag.local_name().as_ref() {
            b"tab" => self.text.push(' '),
            b"br" | b"cr" => self.text.push('\n'),
            b"pStyle" => self.level = level(tag),
            _ => {}
        }
    }

    fn end(self, markdown: &mut String) {
        let text = self.text.trim();
        if text.is_empty() {
            return;
        }
        if self.level > 0 {
            markdown.push_str(&"#".repeat(self.level));
            markdown.push(' ');
        }
        markdown.push_str(text);
        markdown.push_str("\n\n");
    }
}

/// The level a style stands for; 0 where it is no heading. Styles are called `Heading2`, in German `berschrift2`.
fn level(tag: &BytesStart<'_>) -> usize {
    let style = tag.attributes().flatten().find(|attribute| attribute.key.local_name().as_ref() == b"val");
    let style = style.map(|style| String::from_utf8_lossy(&style.value).to_lowercase()).unwrap_or_default();
    if style == "title" || style == "titel" {
        return 1;
    }
    let digits = style.trim_start_matches(|c: char| !c.is_ascii_digit());
    let heading = style.starts_with("heading") || style.contains("berschrift") || style.starts_with("titre");
    if heading { digits.parse().unwrap_or(1).clamp(1, 6) } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_come_from_styles_and_text_from_runs() {
        let xml = br#"<w:document xmlns:w="w"><w:body>
            <w:p><w:pPr><w:pStyle w:val="Heading2"/></w:pPr><w:r><w:t>Tea &amp; milk</w:t></w:r></w:p>
            <w:p><w:r><w:t>Steep </w:t></w:r><w:r><w:t>well.</w:t></w:r></w:p></w:body></w:document>"#;
        assert_eq!(paragraphs(xml).unwrap(), "## Tea & milk\n\nSteep well.\n\n");
    }
}

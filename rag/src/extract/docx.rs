//! Converts a Word document to Markdown: paragraphs, and headings by their styles. Images, table borders and
//! fonts are ignored.

use std::io::{Cursor, Read as _};

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::ExtractError;

/// The largest accepted `word/document.xml`.
const MAX_XML_BYTES: u64 = 64 << 20;
/// The largest number of parts. Archives with more than 65,534 claim 65,535 here and tell the number
/// elsewhere.
const MAX_ENTRIES: u16 = 20_000;
/// The first bytes of the end of an archive's directory, and its longest length, with a comment.
const DIRECTORY_END: &[u8] = b"PK\x05\x06";
const MAX_DIRECTORY_END_BYTES: usize = 22 + 0xffff;

/// Returns the text of the document as Markdown.
pub(super) fn markdown(bytes: &[u8]) -> Result<String, ExtractError> {
    if entries(bytes).is_none_or(|entries| entries > MAX_ENTRIES) {
        return Err(ExtractError::Damaged);
    }
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).map_err(|_| ExtractError::Damaged)?;
    let part = archive.by_name("word/document.xml").map_err(|_| ExtractError::Damaged)?;
    if part.encrypted() {
        return Err(ExtractError::Encrypted);
    }
    let mut xml = Vec::new();
    part.take(MAX_XML_BYTES + 1).read_to_end(&mut xml).map_err(|_| ExtractError::Damaged)?;
    if xml.len() as u64 > MAX_XML_BYTES {
        return Err(ExtractError::TooLarge);
    }
    paragraphs(&xml)
}

/// The number of entries that an archive claims to have; `None` if it has no end of its directory. The reader
/// of archives keeps all entries in memory.
fn entries(archive: &[u8]) -> Option<u16> {
    let first = archive.len().saturating_sub(MAX_DIRECTORY_END_BYTES);
    let end = archive.get(first..)?;
    let start = end.windows(DIRECTORY_END.len()).rposition(|window| window == DIRECTORY_END)?;
    let count = end.get(start + 10..start + 12)?;
    Some(u16::from_le_bytes(count.try_into().ok()?))
}

#[derive(Default)]
struct Paragraph {
    level: usize,
    text: String,
    in_text: bool,
}

fn paragraphs(xml: &[u8]) -> Result<String, ExtractError> {
    let mut reader = Reader::from_reader(xml);
    let mut markdown = String::new();
    let mut paragraph = Paragraph::default();
    let mut buffer = Vec::new();
    loop {
        match reader.read_event_into(&mut buffer).map_err(|_| ExtractError::Damaged)? {
            Event::Start(tag) => paragraph.begin(&tag),
            Event::Empty(tag) => paragraph.empty(&tag),
            Event::Text(text) if paragraph.in_text => {
                paragraph.text.push_str(&text.decode().map_err(|_| ExtractError::Damaged)?);
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

/// Returns the heading level of a paragraph style, or 0. The names depend on the language of Word:
/// `Heading2`, in German `berschrift2`, in French `Titre2`.
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
    fn styles_become_headings_and_runs_become_text() {
        let xml = br#"<w:document xmlns:w="w"><w:body>
            <w:p><w:pPr><w:pStyle w:val="Heading2"/></w:pPr><w:r><w:t>Tea &amp; milk</w:t></w:r></w:p>
            <w:p><w:r><w:t>Steep </w:t></w:r><w:r><w:t>well.</w:t></w:r></w:p></w:body></w:document>"#;
        assert_eq!(paragraphs(xml).unwrap(), "## Tea & milk\n\nSteep well.\n\n");
    }
}

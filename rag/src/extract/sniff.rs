//! Tells by its bytes what a file is, as they come.

use std::path::Path;

/// What can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MediaType {
    /// Markdown.
    Markdown,
    /// Plain text.
    Plain,
    /// A web page.
    Html,
    /// A PDF.
    Pdf,
    /// A Word document.
    Docx,
}

impl MediaType {
    const ALL: [Self; 5] = [Self::Markdown, Self::Plain, Self::Html, Self::Pdf, Self::Docx];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Markdown => "text/markdown",
            Self::Plain => "text/plain",
            Self::Html => "text/html",
            Self::Pdf => "application/pdf",
            Self::Docx => "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        }
    }

    /// The one of a name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|media_type| media_type.name() == name)
    }
}

/// How much of the beginning is looked at.
const HEAD: usize = 2_048;
/// What only a Word document has inside. Names stand in a ZIP as they are.
const WORD: &[u8] = b"word/document.xml";

/// Looks at a file as it passes.
#[derive(Debug, Default)]
pub struct Sniffer {
    head: Vec<u8>,
    tail: Vec<u8>,
    word: bool,
    binary: bool,
}

impl Sniffer {
    /// Looks at the next bytes.
    pub fn look(&mut self, bytes: &[u8]) {
        let wanted = HEAD.saturating_sub(self.head.len()).min(bytes.len());
        self.head.extend_from_slice(bytes.get(..wanted).unwrap_or_default());
        self.binary |= bytes.iter().any(|byte| matches!(byte, 0..=8 | 14..=26 | 28..=31));
        if !self.word && self.head.starts_with(b"PK\x03\x04") {
            self.tail.extend_from_slice(bytes);
            self.word = self.tail.windows(WORD.len()).any(|window| window == WORD);
            let kept = self.tail.len().saturating_sub(WORD.len());
            self.tail.drain(..kept);
        }
    }

    /// What it is, once all has been looked at; its name may say how text is written.
    pub fn told(&self, name: &str) -> Option<MediaType> {
        let head = self.head.as_slice();
        if head
            .get(..1_024.min(head.len()))
            .is_some_and(|head| head.windows(5).any(|window| window == b"%PDF-"))
        {
            return Some(MediaType::Pdf);
        }
        if head.starts_with(b"PK\x03\x04") {
            return self.word.then_some(MediaType::Docx);
        }
        let utf16 = head.starts_with(b"\xff\xfe") || head.starts_with(b"\xfe\xff");
        if self.binary && !utf16 {
            return None;
        }
        let text = decode(head).trim_start().to_lowercase();
        let html_inside = text.starts_with("<!doctype html")
            || text.starts_with("<html")
            || text.contains("<html") && text.starts_with('<');
        let extension =
            Path::new(name).extension().and_then(|extension| extension.to_str()).unwrap_or_default();
        Some(match extension.to_lowercase().as_str() {
            _ if html_inside => MediaType::Html,
            "html" | "htm" => MediaType::Html,
            "md" | "markdown" => MediaType::Markdown,
            _ => MediaType::Plain,
        })
    }
}

/// Text of bytes: UTF-8, UTF-16 where a byte order mark says so, else Latin-1, in which everything means something.
pub(super) fn decode(bytes: &[u8]) -> String {
    let pairs = |bytes: &[u8], pair: fn([u8; 2]) -> u16| -> String {
        let units: Vec<u16> =
            bytes.chunks_exact(2).filter_map(|two| Some(pair(two.try_into().ok()?))).collect();
        String::from_utf16_lossy(&units)
    };
    if let Some(rest) = bytes.strip_prefix(b"\xff\xfe") {
        return pairs(rest, u16::from_le_bytes);
    }
    if let Some(rest) = bytes.strip_prefix(b"\xfe\xff") {
        return pairs(rest, u16::from_be_bytes);
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().map(|byte| char::from(*byte)).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(bytes: &[u8], name: &str) -> Option<MediaType> {
        let mut sniffer = Sniffer::default();
        bytes.chunks(7).for_each(|bytes| sniffer.look(bytes));
        sniffer.told(name)
    }

    #[test]
    fn a_file_is_what_its_bytes_say() {
        assert_eq!(told(b"%PDF-1.7 \x00\x01", "notes.txt"), Some(MediaType::Pdf));
        assert_eq!(told(b"PK\x03\x04 ... word/document.xml ...", "a"), Some(MediaType::Docx));
        assert_eq!(told(b"PK\x03\x04 ... xl/workbook.xml ...", "a.docx"), None);
        assert_eq!(told(b" <!DOCTYPE html><p>", "a"), Some(MediaType::Html));
        assert_eq!(told(b"# Hi", "a.md"), Some(MediaType::Markdown));
        assert_eq!(told(b"Hi", "a"), Some(MediaType::Plain));
        assert_eq!(told(b"\x89PNG\r\n\x1a\n\0\0", "a.md"), None);
    }

    #[test]
    fn text_is_read_in_the_encodings_people_have() {
        assert_eq!(decode("\u{feff}é".as_bytes()), "é");
        assert_eq!(decode(b"\xff\xfeh\0i\0"), "hi");
        assert_eq!(decode(b"caf\xe9"), "café");
    }
}

//! Detects the media type of a file from its bytes while it is read.

use std::path::Path;

/// A media type that text is extracted from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MediaType {
    /// Markdown.
    Markdown,
    /// Plain text.
    Plain,
    /// An HTML page.
    Html,
    /// A PDF document.
    Pdf,
    /// A Word document (Office Open XML).
    Docx,
}

impl MediaType {
    const ALL: [Self; 5] = [Self::Markdown, Self::Plain, Self::Html, Self::Pdf, Self::Docx];

    /// The MIME name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Markdown => "text/markdown",
            Self::Plain => "text/plain",
            Self::Html => "text/html",
            Self::Pdf => "application/pdf",
            Self::Docx => "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        }
    }

    /// Returns the media type with this MIME name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|media_type| media_type.name() == name)
    }
}

/// The bytes at the start of a file that decide its type.
const HEAD_BYTES: usize = 2_048;
/// The bytes at the start of a file in which a PDF header is accepted.
const PDF_HEADER_BYTES: usize = 1_024;
/// A file name that only a Word document contains. A ZIP stores names uncompressed.
const WORD_PART: &[u8] = b"word/document.xml";

/// Reads a file in parts and detects its media type.
#[derive(Debug, Default)]
pub struct Sniffer {
    head: Vec<u8>,
    /// The last bytes, in which a name may begin that the next part continues.
    tail: Vec<u8>,
    has_word_part: bool,
    has_control_bytes: bool,
}

impl Sniffer {
    /// Reads the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        let wanted = HEAD_BYTES.saturating_sub(self.head.len()).min(bytes.len());
        self.head.extend_from_slice(bytes.get(..wanted).unwrap_or_default());
        self.has_control_bytes |= bytes.iter().any(|byte| matches!(byte, 0..=8 | 14..=26 | 28..=31));
        if !self.has_word_part && self.head.starts_with(b"PK\x03\x04") {
            self.tail.extend_from_slice(bytes);
            self.has_word_part = self.tail.windows(WORD_PART.len()).any(|window| window == WORD_PART);
            let kept = self.tail.len().saturating_sub(WORD_PART.len());
            self.tail.drain(..kept);
        }
    }

    /// Returns the media type once all bytes are read; `None` for an unsupported type. The extension of the
    /// name distinguishes Markdown, HTML and plain text.
    pub fn media_type(&self, name: &str) -> Option<MediaType> {
        let head = self.head.as_slice();
        if head
            .get(..PDF_HEADER_BYTES.min(head.len()))
            .is_some_and(|head| head.windows(5).any(|window| window == b"%PDF-"))
        {
            return Some(MediaType::Pdf);
        }
        if head.starts_with(b"PK\x03\x04") {
            return self.has_word_part.then_some(MediaType::Docx);
        }
        let utf16 = head.starts_with(b"\xff\xfe") || head.starts_with(b"\xfe\xff");
        if self.has_control_bytes && !utf16 {
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

/// Decodes text as UTF-16 if it has that byte order mark, else as UTF-8, else as Latin-1, which accepts
/// all bytes.
pub(super) fn decode(bytes: &[u8]) -> String {
    let decode_utf16 = |bytes: &[u8], pair: fn([u8; 2]) -> u16| -> String {
        let units: Vec<u16> =
            bytes.chunks_exact(2).filter_map(|two| Some(pair(two.try_into().ok()?))).collect();
        String::from_utf16_lossy(&units)
    };
    if let Some(rest) = bytes.strip_prefix(b"\xff\xfe") {
        return decode_utf16(rest, u16::from_le_bytes);
    }
    if let Some(rest) = bytes.strip_prefix(b"\xfe\xff") {
        return decode_utf16(rest, u16::from_be_bytes);
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

    fn media_type(bytes: &[u8], name: &str) -> Option<MediaType> {
        let mut sniffer = Sniffer::default();
        bytes.chunks(7).for_each(|bytes| sniffer.update(bytes));
        sniffer.media_type(name)
    }

    #[test]
    fn the_bytes_decide_the_media_type() {
        assert_eq!(media_type(b"%PDF-1.7 \x00\x01", "notes.txt"), Some(MediaType::Pdf));
        assert_eq!(media_type(b"PK\x03\x04 ... word/document.xml ...", "a"), Some(MediaType::Docx));
        assert_eq!(media_type(b"PK\x03\x04 ... xl/workbook.xml ...", "a.docx"), None);
        assert_eq!(media_type(b" <!DOCTYPE html><p>", "a"), Some(MediaType::Html));
        assert_eq!(media_type(b"# Hi", "a.md"), Some(MediaType::Markdown));
        assert_eq!(media_type(b"Hi", "a"), Some(MediaType::Plain));
        assert_eq!(media_type(b"\x89PNG\r\n\x1a\n\0\0", "a.md"), None);
    }

    #[test]
    fn text_is_decoded_from_utf_8_utf_16_and_latin_1() {
        assert_eq!(decode("\u{feff}é".as_bytes()), "é");
        assert_eq!(decode(b"\xff\xfeh\0i\0"), "hi");
        assert_eq!(decode(b"caf\xe9"), "café");
    }
}

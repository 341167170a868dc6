//! Detects the media type of a file from its bytes while it is read.

use std::path::Path;

use super::encoding;
use super::media_type::MediaType;

/// The bytes at the start of a file that decide its type.
const HEAD_BYTES: usize = 8_192;
/// The bytes at the start of a file in which a PDF header is accepted.
const PDF_HEADER_BYTES: usize = 1_024;
/// Names that only files of one type have, in archives (uncompressed) and in compound files (in UTF-16).
const NAMES: [(&[u8], MediaType); 11] = [
    (b"word/", MediaType::Docx),
    (b"xl/", MediaType::Xlsx),
    (b"ppt/", MediaType::Pptx),
    (b"application/epub+zip", MediaType::Epub),
    (b"vnd.oasis.opendocument.text", MediaType::Odt),
    (b"vnd.oasis.opendocument.spreadsheet", MediaType::Ods),
    (b"vnd.oasis.opendocument.presentation", MediaType::Odp),
    (b"W\0o\0r\0d\0D\0o\0c\0u\0m\0e\0n\0t\0", MediaType::Doc),
    (b"W\0o\0r\0k\0b\0o\0o\0k\0", MediaType::Xls),
    (b"P\0o\0w\0e\0r\0P\0o\0i\0n\0t\0", MediaType::Ppt),
    (b"_\0_\0s\0u\0b\0s\0t\0g\x001\0.\x000\0", MediaType::Msg),
];
/// The place of the first name in an archive.
const FIRST_NAME: usize = 30;
const LONGEST_NAME_BYTES: usize = 48;
/// Header fields of which two make a text a mail.
const MAIL_FIELDS: [&str; 9] = [
    "from:",
    "to:",
    "subject:",
    "date:",
    "received:",
    "return-path:",
    "message-id:",
    "mime-version:",
    "delivered-to:",
];

/// One byte in so many may be a control character in a text.
const MAX_CONTROL_SHARE: u64 = 50;

/// Reads a file in parts and detects its media type.
#[derive(Debug, Default)]
pub struct Sniffer {
    head: Vec<u8>,
    /// The last bytes, in which a name may begin that the next part continues.
    tail: Vec<u8>,
    /// Which of [`NAMES`] were found.
    found: [bool; NAMES.len()],
    has_content_types: bool,
    /// Bytes that texts hardly have, and all bytes.
    control_bytes: u64,
    bytes: u64,
    /// Whether the number of bytes is odd.
    is_odd: bool,
}

impl Sniffer {
    /// Reads the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        let wanted = HEAD_BYTES.saturating_sub(self.head.len()).min(bytes.len());
        self.head.extend_from_slice(bytes.get(..wanted).unwrap_or_default());
        self.is_odd ^= bytes.len() % 2 == 1;
        self.bytes += bytes.len() as u64;
        self.control_bytes +=
            bytes.iter().filter(|byte| matches!(byte, 0..=7 | 14..=26 | 28..=31)).count() as u64;
        if is_zip(&self.head) || is_compound(&self.head) {
            self.tail.extend_from_slice(bytes);
            for ((name, _), found) in NAMES.iter().zip(&mut self.found) {
                *found = *found || memchr::memmem::find(&self.tail, name).is_some();
            }
            self.has_content_types |= memchr::memmem::find(&self.tail, b"[Content_Types].xml").is_some();
            let kept = self.tail.len().saturating_sub(LONGEST_NAME_BYTES);
            self.tail.drain(..kept);
        }
    }

    /// Returns the media type once all bytes are read; `None` for an unsupported type. The extension of the
    /// name distinguishes the types of text.
    pub fn media_type(&self, name: &str) -> Option<MediaType> {
        let head = self.head.as_slice();
        let extension =
            Path::new(name).extension().and_then(|extension| extension.to_str()).unwrap_or_default();
        let extension = extension.to_lowercase();
        let named = MediaType::from_extension(&extension);
        if head
            .get(..PDF_HEADER_BYTES.min(head.len()))
            .is_some_and(|head| memchr::memmem::find(head, b"%PDF-").is_some())
        {
            return Some(MediaType::Pdf);
        }
        if is_zip(head) {
            return Some(self.archive(head, named));
        }
        if is_compound(head) {
            return self.compound(named);
        }
        if let Some(image) = image(head) {
            return Some(image);
        }
        if head.starts_with(b"{\\rtf") {
            return Some(MediaType::Rtf);
        }
        // A text may be damaged, or end with the mark of an old system.
        let is_binary = self.control_bytes * MAX_CONTROL_SHARE > self.bytes + MAX_CONTROL_SHARE;
        if is_binary && !encoding::is_marked(head) && (self.is_odd || encoding::utf16(head).is_none()) {
            return None;
        }
        Some(text(&encoding::decode(head), named))
    }

    /// The type of an archive. Only its contents tell, so the reader looks at them again.
    fn archive(&self, head: &[u8], named: Option<MediaType>) -> MediaType {
        let first = head.get(FIRST_NAME..).unwrap_or_default();
        let is_office =
            self.has_content_types || NAMES[..3].iter().any(|(folder, _)| first.starts_with(folder));
        let kinds: &[usize] = match (is_office, first.starts_with(b"mimetype")) {
            (true, _) => &[0, 1, 2],
            (false, true) => &[3, 4, 5, 6],
            (false, false) => &[],
        };
        if let Some(named) =
            named.filter(|named| named.is_archive() && (*named == MediaType::Epub || !kinds.is_empty()))
        {
            return named;
        }
        kinds.iter().find(|kind| self.found[**kind]).map_or(MediaType::Zip, |kind| NAMES[*kind].1)
    }

    fn compound(&self, named: Option<MediaType>) -> Option<MediaType> {
        // A mail may have files of the other types attached.
        let found = NAMES.iter().zip(self.found).rev().find(|(_, found)| *found).map(|((_, kind), _)| *kind);
        found.or_else(|| named.filter(|named| named.is_office()))
    }
}

fn is_zip(head: &[u8]) -> bool {
    head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06")
}

fn is_compound(head: &[u8]) -> bool {
    head.starts_with(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
}

fn image(head: &[u8]) -> Option<MediaType> {
    if head.starts_with(b"\x89PNG\r\n\x1a\n") {
        return Some(MediaType::Png);
    }
    if head.starts_with(b"\xff\xd8\xff") {
        return Some(MediaType::Jpeg);
    }
    (head.starts_with(b"II*\0") || head.starts_with(b"MM\0*")).then_some(MediaType::Tiff)
}

fn text(head: &str, named: Option<MediaType>) -> MediaType {
    let start = head.trim_start().to_lowercase();
    let is_page = start.starts_with("<!doctype html")
        || start.starts_with("<html")
        || start.contains("<html") && start.starts_with('<');
    match named {
        _ if is_page => MediaType::Html,
        Some(named) if named.is_text() => named,
        _ if is_mail(&start) => MediaType::Mail,
        _ => MediaType::Plain,
    }
}

/// Whether a text begins as a mail does.
fn is_mail(start: &str) -> bool {
    let fields = start.lines().take_while(|line| !line.trim().is_empty());
    let known = fields.filter(|line| MAIL_FIELDS.iter().any(|field| line.starts_with(field)));
    known.count() >= 3
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
        let bare = [b"PK\x03\x04".as_slice(), &[1; 26], b"word/document.xml"].concat();
        assert_eq!(media_type(&bare, "a"), Some(MediaType::Docx));
        let word = b"PK\x03\x04 [Content_Types].xml ... word/document2.xml ...";
        assert_eq!(media_type(word, "a"), Some(MediaType::Docx));
        let sheet = b"PK\x03\x04 [Content_Types].xml ... xl/workbook.xml ...";
        assert_eq!(media_type(sheet, "a"), Some(MediaType::Xlsx));
        assert_eq!(media_type(b"PK\x03\x04 ... notes/word/a.txt ...", "a.zip"), Some(MediaType::Zip));
        assert_eq!(media_type(b" <!DOCTYPE html><p>", "a"), Some(MediaType::Html));
        assert_eq!(media_type(b"# Hi", "a.md"), Some(MediaType::Markdown));
        assert_eq!(media_type(b"a;b\n1;2", "a.CSV"), Some(MediaType::Csv));
        assert_eq!(media_type(b"Hi", "a"), Some(MediaType::Plain));
        assert_eq!(media_type(b"From: a\nTo: b\nSubject: c\n\nHi", "a"), Some(MediaType::Mail));
        assert_eq!(media_type(b"\x89PNG\r\n\x1a\n\0\0", "a.md"), Some(MediaType::Png));
        assert_eq!(media_type(b"\x7fELF\x02\x01\x01\0\0\0\0", "a.md"), None);
    }

    #[test]
    fn a_few_control_characters_make_no_text_binary() {
        let log = [b"10:00 pump started\n".repeat(40).as_slice(), &[0; 12], b"10:01 pump stopped\n"].concat();
        for text in [b"The ferry is late.\r\n\x1a".as_slice(), b"N\x08NA\x08AM\x08ME\x08E", &log] {
            assert_eq!(media_type(text, "a.txt"), Some(MediaType::Plain));
        }
        assert_eq!(media_type(b"GIF89a\x01\0\x01\0\x80\0\0\xff\xff\xff\0\0\0!\xf9", "a.txt"), None);
    }

    #[test]
    fn text_in_utf_16_without_a_mark_is_text() {
        let text: Vec<u8> = "Two words.\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(media_type(&text, "a.txt"), Some(MediaType::Plain));
    }
}

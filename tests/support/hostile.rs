//! Hostile files: small, and more than a parser can bear.

use std::fmt::Write as _;
use std::io::Write as _;

use super::files::pdf_of;

/// Pages of one page, with a content stream and resources.
fn page(content: &str, resources: &str) -> Vec<Vec<u8>> {
    vec![
        b"<</Type/Catalog/Pages 2 0 R>>".to_vec(),
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>".to_vec(),
        format!("<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]/Contents 4 0 R/Resources<<{resources}>>>>")
            .into(),
        stream("", content.as_bytes()),
    ]
}

fn stream(entries: &str, content: &[u8]) -> Vec<u8> {
    let head = format!("<<{entries}/Length {}>>stream\n", content.len());
    [head.as_bytes(), content, b"\nendstream"].concat()
}

fn form(content: &str, resources: &str) -> Vec<u8> {
    let entries = format!("/Type/XObject/Subtype/Form/BBox[0 0 9 9]/Resources<<{resources}>>");
    stream(&entries, content.as_bytes())
}

/// A PDF with a form that draws itself.
pub(crate) fn self_drawing_pdf() -> Vec<u8> {
    let mut objects = page("/F Do", "/XObject<</F 5 0 R>>");
    objects.push(form("/F Do", "/XObject<</F 5 0 R>>"));
    pdf_of(&objects)
}

/// A PDF with arrays inside each other.
pub(crate) fn nested_arrays_pdf() -> Vec<u8> {
    let mut objects = page("", "");
    objects.push([b"[".repeat(200_000), b"]".repeat(200_000)].concat());
    pdf_of(&objects)
}

/// A small PDF of many pages, each of which takes long and little memory to read.
pub(crate) fn slow_pdf() -> Vec<u8> {
    let pages = 20_000;
    let contents = "4 0 R ".repeat(50);
    pdf_of(&[
        b"<</Type/Catalog/Pages 2 0 R>>".to_vec(),
        format!("<</Type/Pages/Kids[{}]/Count {pages}>>", "3 0 R ".repeat(pages)).into_bytes(),
        format!("<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]/Contents[{contents}]/Resources<<>>>>")
            .into_bytes(),
        stream("", &b"q Q ".repeat(20_000)),
    ])
}

/// A PDF of twelve forms, each of which draws the next one ten times.
pub(crate) fn laughing_pdf() -> Vec<u8> {
    let mut objects = page("/F Do", "/XObject<</F 5 0 R>>");
    for number in 6..18 {
        objects.push(form(&"/F Do ".repeat(10), &format!("/XObject<</F {number} 0 R>>")));
    }
    objects.push(form("q Q", ""));
    pdf_of(&objects)
}

/// A PDF whose content inflates to some hundred megabytes.
pub(crate) fn inflating_pdf() -> Vec<u8> {
    let mut objects = page("", "");
    objects[3] = stream("/Filter/FlateDecode", &deflated_zeros(700 << 20));
    pdf_of(&objects)
}

/// The zlib stream of at least so many zeros: one literal, then copies of 258 bytes from a distance of 1.
fn deflated_zeros(count: usize) -> Vec<u8> {
    let mut bits = Bits { bytes: vec![0x78, 0x9c], next: 0 };
    bits.push(0b1, 1);
    bits.push(0b01, 2);
    // The codes of Huffman are written from their highest bit.
    bits.push(0b0000_1100, 8);
    for _ in 0..count.div_ceil(258) {
        bits.push(0b1010_0011, 8);
        bits.push(0, 5);
    }
    bits.push(0, 7);
    bits.bytes
}

struct Bits {
    bytes: Vec<u8>,
    /// The next free bit of the last byte; 0 for a new byte.
    next: u32,
}

impl Bits {
    fn push(&mut self, bits: u32, count: u32) {
        for place in 0..count {
            if self.next == 0 {
                self.bytes.push(0);
            }
            let bit = u8::try_from(bits >> place & 1).unwrap();
            *self.bytes.last_mut().unwrap() |= bit << self.next;
            self.next = (self.next + 1) % 8;
        }
    }
}

/// A Markdown document of headings alone, whose tree is much larger than its text.
pub(crate) fn only_headings() -> Vec<u8> {
    b"# h\n".repeat(3_000_000)
}

/// A page of HTML with elements inside each other.
pub(crate) fn deep_html() -> Vec<u8> {
    format!("<!doctype html><body>{}text", "<div>".repeat(6_000)).into_bytes()
}

/// A Word document with more parts than any has.
pub(crate) fn crowded_docx() -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default();
    archive.start_file("word/document.xml", options).unwrap();
    archive.write_all(b"<w:p><w:t>text</w:t></w:p>").unwrap();
    let mut name = String::new();
    for number in 0..25_000 {
        name.clear();
        write!(name, "{number}").unwrap();
        archive.start_file(name.as_str(), options).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

/// Lists inside each other, in Markdown.
pub(crate) fn nested_lists(depth: usize) -> Vec<u8> {
    (0..depth).map(|level| "  ".repeat(level) + "- item\n").collect::<String>().into_bytes()
}

/// Archives inside each other.
pub(crate) fn nested_archives(depth: usize) -> Vec<u8> {
    let mut bytes = b"A word inside all archives.".to_vec();
    let mut name = "a.txt";
    for _ in 0..depth {
        let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        archive.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        archive.write_all(&bytes).unwrap();
        bytes = archive.finish().unwrap().into_inner();
        name = "a.zip";
    }
    bytes
}

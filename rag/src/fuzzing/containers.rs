//! Puts bytes into files of several parts, so that they reach the reader of each part: hardly any archive or
//! compound file that chance makes is one.

use std::io::{Cursor, Write as _};

use zip::write::SimpleFileOptions;

/// The parts of each kind of archive. The parts without a text get the bytes, each its share.
const ARCHIVES: [&[(&str, &str)]; 6] = [
    &[("word/document.xml", ""), ("word/footnotes.xml", ""), ("word/_rels/document.xml.rels", RELATIONS)],
    &[
        ("ppt/presentation.xml", PRESENTATION),
        ("ppt/_rels/presentation.xml.rels", RELATIONS),
        ("ppt/slides/slide1.xml", ""),
        ("ppt/slides/_rels/slide1.xml.rels", RELATIONS),
        ("ppt/notes1.xml", ""),
    ],
    &[
        ("_rels/.rels", PACKAGE),
        ("xl/workbook.xml", WORKBOOK),
        ("xl/_rels/workbook.xml.rels", RELATIONS),
        ("xl/worksheets/sheet1.xml", ""),
        ("xl/sharedStrings.xml", ""),
    ],
    &[("mimetype", "application/vnd.oasis.opendocument.text"), ("content.xml", "")],
    &[("mimetype", "application/vnd.oasis.opendocument.spreadsheet"), ("content.xml", "")],
    &[
        ("mimetype", "application/epub+zip"),
        ("META-INF/container.xml", "<rootfile full-path='b.opf'/>"),
        ("b.opf", ""),
        ("a.xhtml", ""),
    ],
];
const RELATIONS: &str = "<Relationships>\
    <Relationship Id='r1' Type='x/slide' Target='slides/slide1.xml'/>\
    <Relationship Id='r2' Type='x/footnotes' Target='footnotes.xml'/>\
    <Relationship Id='r3' Type='x/notesSlide' Target='../notes1.xml'/>\
    <Relationship Id='r4' Type='http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet' \
    Target='worksheets/sheet1.xml'/></Relationships>";
const PACKAGE: &str = "<Relationships><Relationship Id='r1' Type='http://schemas.openxmlformats.org/\
    officeDocument/2006/relationships/officeDocument' Target='xl/workbook.xml'/></Relationships>";
const PRESENTATION: &str = "<p:presentation><p:sldIdLst><p:sldId r:id='r1'/></p:sldIdLst></p:presentation>";
const WORKBOOK: &str = "<workbook><sheets><sheet name='a' sheetId='1' r:id='r4'/></sheets></workbook>";

/// The streams of each kind of compound file, which get the bytes.
const COMPOUNDS: [&[&str]; 4] = [
    &["/WordDocument", "/0Table"],
    &["/PowerPoint Document", "/Current User"],
    &["/Workbook"],
    &["/__substg1.0_0037001F", "/__substg1.0_1000001E", "/__substg1.0_10130102"],
];

/// An archive whose kind the first byte chooses. `None` if it cannot be written.
pub(super) fn archive(bytes: &[u8]) -> Option<Vec<u8>> {
    let (kind, bytes) = bytes.split_first()?;
    let parts = ARCHIVES.get(usize::from(*kind) % ARCHIVES.len())?;
    let mut shares = shares(bytes, parts.iter().filter(|(_, text)| text.is_empty()).count());
    let stored = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in *parts {
        archive.start_file(*name, stored).ok()?;
        let content = if text.is_empty() { shares.next()? } else { text.as_bytes() };
        archive.write_all(content).ok()?;
    }
    Some(archive.finish().ok()?.into_inner())
}

/// A compound file whose kind the first byte chooses. `None` if it cannot be written.
pub(super) fn compound(bytes: &[u8]) -> Option<Vec<u8>> {
    let (kind, bytes) = bytes.split_first()?;
    let streams = COMPOUNDS.get(usize::from(*kind) % COMPOUNDS.len())?;
    let mut shares = shares(bytes, streams.len());
    let mut file = cfb::CompoundFile::create(Cursor::new(Vec::new())).ok()?;
    for name in *streams {
        file.create_stream(name).ok()?.write_all(shares.next()?).ok()?;
    }
    file.flush().ok()?;
    Some(file.into_inner().into_inner())
}

/// Divides bytes at the first lines `--` into a number of shares, the last of which has the rest.
fn shares(bytes: &[u8], count: usize) -> impl Iterator<Item = &[u8]> {
    const BORDER: &[u8] = b"\n--\n";
    let mut rest = bytes;
    (1..=count).map(move |index| {
        let border = memchr::memmem::find(rest, BORDER).filter(|_| index < count);
        let (share, after) = match border {
            Some(at) => (&rest[..at], &rest[at + BORDER.len()..]),
            None => (rest, <&[u8]>::default()),
        };
        rest = after;
        share
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extract::{MediaType, Tools, extract};

    #[test]
    fn the_bytes_reach_the_reader_of_their_part() {
        let text = |media_type, file: Option<Vec<u8>>| {
            extract(media_type, &file.unwrap(), &Tools::default()).unwrap().text()
        };
        let word = b"\0<w:p><w:r><w:t>tide</w:t></w:r></w:p>\n--\n<a/>";
        assert!(text(MediaType::Docx, archive(word)).contains("tide"));
        let slide = b"\x01<a:p><a:r><a:t>tide</a:t></a:r></a:p>\n--\n<a:p><a:t>ebb</a:t></a:p>";
        let slide = text(MediaType::Pptx, archive(slide));
        assert!(slide.contains("tide") && slide.contains("ebb"), "{slide}");
        let sheet = b"\x02<worksheet><sheetData><row r='1'><c r='A1' t='s'><v>0</v></c></row></sheetData></worksheet>\
            \n--\n<sst><si><t>tide</t></si></sst>";
        assert!(text(MediaType::Xlsx, archive(sheet)).contains("tide"));
        let book =
            b"\x05<manifest><item id='a' href='a.xhtml'/></manifest><spine><itemref idref='a'/></spine>\
            \n--\n<p>tide</p>";
        assert!(text(MediaType::Epub, archive(book)).contains("tide"));
        assert!(text(MediaType::Msg, compound(b"\x03t\0i\0d\0e\0\n--\nebb")).contains("tide"));
    }
}

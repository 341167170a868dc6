//! A ZIP archive of XML parts, as office files and books are, and the relations of its parts.

use std::collections::HashMap;
use std::io::{Cursor, Read as _};

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::ExtractError;
use super::encoding;

/// The largest part that is unpacked.
const MAX_PART_BYTES: u64 = 64 << 20;
/// The largest number of bytes that is unpacked of one archive.
const MAX_UNPACKED_BYTES: u64 = 256 << 20;
/// The largest number of parts. Archives with more than 65,534 claim 65,535 here and tell
/// the number elsewhere.
const MAX_ENTRIES: u16 = 20_000;
/// The first bytes of the end of an archive's directory, and its longest length, with a comment.
const DIRECTORY_END: &[u8] = b"PK\x05\x06";
const MAX_DIRECTORY_END_BYTES: usize = 22 + 0xffff;

/// The main parts of office files whose relations are lost.
const USUAL_MAIN_PARTS: [&str; 3] = ["word/document.xml", "xl/workbook.xml", "ppt/presentation.xml"];

/// An archive in memory.
pub(super) struct Package<'a> {
    archive: zip::ZipArchive<Cursor<&'a [u8]>>,
    unpacked: u64,
}

/// A relation of a part to another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Relation {
    /// The last segment of the type, such as `footnotes`, the same in the strict and the usual form.
    pub(super) kind: String,
    /// The name of the other part in the archive.
    pub(super) target: String,
}

impl<'a> Package<'a> {
    pub(super) fn open(bytes: &'a [u8]) -> Result<Self, ExtractError> {
        if entries(bytes).ok_or(ExtractError::Damaged)? > MAX_ENTRIES {
            return Err(ExtractError::TooManyFiles);
        }
        let archive = zip::ZipArchive::new(Cursor::new(bytes)).map_err(|_| ExtractError::Damaged)?;
        Ok(Self { archive, unpacked: 0 })
    }

    /// The files in the order of the directory: their numbers and their names.
    pub(super) fn files(&self) -> Vec<(usize, String)> {
        let names = self.archive.file_names().zip(self.archive.file_names_raw());
        let names: Vec<_> = names.map(|(name, raw)| (name.unwrap_or_default().into_owned(), raw)).collect();
        let files = shown(names).into_iter().enumerate();
        files.filter(|(_, name)| !name.ends_with('/')).collect()
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.archive.index_for_name(name).is_some()
    }

    /// The bytes of a part; `None` if the archive has no such part. Names differ in case at times.
    pub(super) fn part(&mut self, name: &str) -> Result<Option<Vec<u8>>, ExtractError> {
        let index = self.archive.index_for_name(name).or_else(|| {
            let mut names = self.archive.file_names().flatten();
            let known = names.find(|known| known.eq_ignore_ascii_case(name))?.into_owned();
            self.archive.index_for_name(&known)
        });
        index.map(|index| self.file(index)).transpose()
    }

    /// The bytes of the file with this number.
    pub(super) fn file(&mut self, index: usize) -> Result<Vec<u8>, ExtractError> {
        let part = match self.archive.by_index(index) {
            Ok(part) => part,
            Err(zip::result::ZipError::UnsupportedArchive(reason)) if reason.contains("assword") => {
                return Err(ExtractError::Encrypted);
            }
            Err(_) => return Err(ExtractError::Damaged),
        };
        if part.encrypted() {
            return Err(ExtractError::Encrypted);
        }
        let limit = MAX_PART_BYTES.min(MAX_UNPACKED_BYTES.saturating_sub(self.unpacked));
        let mut bytes = Vec::new();
        part.take(limit + 1).read_to_end(&mut bytes).map_err(|_| ExtractError::Damaged)?;
        self.unpacked += (bytes.len() as u64).min(limit);
        if bytes.len() as u64 > limit {
            return Err(ExtractError::TooLarge);
        }
        Ok(bytes)
    }

    /// The text of an XML part.
    pub(super) fn xml(&mut self, name: &str) -> Result<Option<String>, ExtractError> {
        Ok(self.part(name)?.map(|bytes| encoding::decode_markup(&bytes)))
    }

    /// The relations of a part by their ids; of the whole package for an empty name.
    pub(super) fn relations(&mut self, part: &str) -> Result<HashMap<String, Relation>, ExtractError> {
        let (folder, file) = part.rsplit_once('/').unwrap_or(("", part));
        let name = if folder.is_empty() {
            format!("_rels/{file}.rels")
        } else {
            format!("{folder}/_rels/{file}.rels")
        };
        let Some(xml) = self.xml(&name)? else { return Ok(HashMap::new()) };
        let mut relations = HashMap::new();
        for_each_tag(&xml, |tag| {
            if tag.local_name().as_ref() != b"Relationship"
                || attribute(tag, b"TargetMode").is_some_and(|mode| mode.eq_ignore_ascii_case("external"))
            {
                return;
            }
            let (Some(id), Some(kind), Some(target)) =
                (attribute(tag, b"Id"), attribute(tag, b"Type"), attribute(tag, b"Target"))
            else {
                return;
            };
            let kind = kind.rsplit('/').next().unwrap_or_default().to_owned();
            relations.insert(id, Relation { kind, target: resolve(folder, &target) });
        })?;
        Ok(relations)
    }

    /// The name of the main part of an office file.
    pub(super) fn main_part(&mut self) -> Result<Option<String>, ExtractError> {
        let relations = self.relations("")?;
        let named = relations.into_values().find(|relation| relation.kind == "officeDocument");
        let usual = || USUAL_MAIN_PARTS.into_iter().find(|name| self.has(name)).map(str::to_owned);
        Ok(named.map(|main| main.target).or_else(usual))
    }
}

/// The names of files, as the reader and as the archive has them. Archives of old systems do not say their
/// encoding, and the reader takes that of MS-DOS, which is right in the West alone. Together the names tell it.
fn shown(names: Vec<(String, &[u8])>) -> Vec<String> {
    let is_other = |raw: &[u8]| std::str::from_utf8(raw).is_err();
    let others: Vec<&[u8]> = names.iter().map(|(_, raw)| *raw).filter(|raw| is_other(raw)).collect();
    let recognised = encoding::decode(&others.join(&b'\n'));
    let lines: Vec<&str> = recognised.split('\n').collect();
    let is_of_other_script = |c: char| c.is_alphabetic() && c > '\u{24f}';
    if lines.len() != others.len() || !recognised.contains(is_of_other_script) {
        return names.into_iter().map(|(name, _)| name).collect();
    }
    let mut lines = lines.into_iter();
    let name = |(name, raw): (String, &[u8])| {
        if is_other(raw) { lines.next().map_or(name, str::to_owned) } else { name }
    };
    names.into_iter().map(name).collect()
}

/// The number of entries that an archive claims to have; `None` if it has no end of its directory. The reader
/// of archives keeps all entries in memory.
fn entries(archive: &[u8]) -> Option<u16> {
    let first = archive.len().saturating_sub(MAX_DIRECTORY_END_BYTES);
    let end = archive.get(first..)?;
    let start = memchr::memmem::rfind(end, DIRECTORY_END)?;
    let count = end.get(start + 10..start + 12)?;
    Some(u16::from_le_bytes(count.try_into().ok()?))
}

/// The name of a part that is named from a folder: `..` and `.` are resolved, a slash at the start
/// is the root.
pub(super) fn resolve(folder: &str, target: &str) -> String {
    let mut segments: Vec<&str> = match target.strip_prefix('/') {
        Some(_) => Vec::new(),
        None => folder.split('/').filter(|segment| !segment.is_empty()).collect(),
    };
    for segment in target.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                segments.pop();
            }
            segment => segments.push(segment),
        }
    }
    segments.join("/")
}

/// Visits the start tags of an XML text.
pub(super) fn for_each_tag(xml: &str, mut visit: impl FnMut(&BytesStart<'_>)) -> Result<(), ExtractError> {
    let mut reader = Reader::from_str(xml);
    loop {
        match reader.read_event().map_err(|_| ExtractError::Damaged)? {
            Event::Start(tag) | Event::Empty(tag) => visit(&tag),
            Event::Eof => return Ok(()),
            _ => {}
        }
    }
}

/// The value of an attribute with this local name.
pub(super) fn attribute(tag: &BytesStart<'_>, name: &[u8]) -> Option<String> {
    let attribute =
        tag.attributes().flatten().find(|attribute| attribute.key.local_name().as_ref() == name)?;
    let value = String::from_utf8_lossy(&attribute.value);
    Some(quick_xml::escape::unescape(&value).map_or_else(|_| value.to_string(), std::borrow::Cow::into_owned))
}

/// Appends the character that a reference such as `&amp;` or `&#8211;` names.
pub(super) fn push_reference(text: &mut String, reference: &quick_xml::events::BytesRef<'_>) {
    if let Some(c) = reference.resolve_char_ref().ok().flatten() {
        text.push(c);
    } else if let Ok(name) = reference.decode() {
        text.push_str(quick_xml::escape::resolve_predefined_entity(&name).unwrap_or_default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_old_systems_are_recognised() {
        for (encoding, names) in [
            (encoding_rs::SHIFT_JIS, ["料金表のまとめ.txt", "窯の使い方.txt"]),
            (encoding_rs::IBM866, ["Список цен на печи.txt", "Печи.txt"]),
        ] {
            let raw = names.map(|name| encoding.encode(name).0);
            let named = std::iter::once(("a.txt".into(), b"a.txt".as_slice()));
            let read = shown(named.chain(raw.iter().map(|raw| (String::new(), raw.as_ref()))).collect());
            assert_eq!(read, ["a.txt", names[0], names[1]]);
        }
        assert_eq!(shown(vec![("Öfen.txt".into(), b"\x99fen.txt")]), ["Öfen.txt"]);
    }

    #[test]
    fn targets_are_resolved_from_the_folder_of_their_part() {
        assert_eq!(resolve("word", "footnotes.xml"), "word/footnotes.xml");
        assert_eq!(resolve("ppt/slides", "../notesSlides/n1.xml"), "ppt/notesSlides/n1.xml");
        assert_eq!(resolve("ppt", "/word/document2.xml"), "word/document2.xml");
        assert_eq!(resolve("", "../../a/./b"), "a/b");
    }
}

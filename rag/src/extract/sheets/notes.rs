//! Reads what stands on the sheets of a newer workbook beside their cells: notes, comments with their replies, and
//! the text of boxes.

use std::collections::{HashMap, HashSet};

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use crate::extract::ExtractError;
use crate::extract::package::{Package, Relation, attribute, for_each_tag, push_reference};

/// The largest number of bytes of text beside the cells of a workbook.
const MAX_BYTES: usize = 64 << 20;
/// The largest number of a row or a column, from 0.
const LAST: u32 = (1 << 20) - 1;

/// A text beside the cells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Note {
    /// The row and the column of its cell, or of the corner of its box, from 0.
    pub(super) place: (u32, u32),
    pub(super) text: String,
    /// Whether the note belongs to its cell, not to a place on the sheet.
    pub(super) is_of_cell: bool,
}

/// The sheets of a workbook with the parts beside them.
pub(super) struct Notes<'a> {
    package: Package<'a>,
    /// The parts of sheets, by the names of the sheets.
    sheets: HashMap<String, String>,
    left: usize,
}

impl<'a> Notes<'a> {
    /// Finds the parts of the sheets; `None` if the file is no archive or names no sheets.
    pub(super) fn open(bytes: &'a [u8]) -> Option<Self> {
        let mut package = Package::open(bytes).ok()?;
        let main = package.main_part().ok()??;
        let xml = package.xml(&main).ok()??;
        let relations = package.relations(&main).ok()?;
        let mut sheets = HashMap::new();
        for_each_tag(&xml, |tag| {
            if tag.local_name().as_ref() != b"sheet" {
                return;
            }
            // The id of the relation has a prefix, in contrast to that of the sheet.
            let ids = tag.attributes().flatten().filter(|attribute| attribute.key.prefix().is_some());
            let part = ids
                .filter_map(|id| relations.get(String::from_utf8_lossy(&id.value).as_ref()))
                .map(|relation| relation.target.clone())
                .next();
            sheets.extend(attribute(tag, b"name").zip(part));
        })
        .ok()?;
        Some(Self { package, sheets, left: MAX_BYTES })
    }

    /// The notes of a sheet in the order of its cells. Parts that cannot be read are told with the reason.
    pub(super) fn of(&mut self, sheet: &str) -> (Vec<Note>, Vec<(String, ExtractError)>) {
        let (mut notes, mut failed) = (Vec::new(), Vec::new());
        let Some(part) = self.sheets.get(sheet).cloned() else { return (notes, failed) };
        let relations = match self.package.relations(&part) {
            Ok(relations) => relations,
            Err(error) => return (notes, vec![(part, error)]),
        };
        let mut relations: Vec<Relation> = relations.into_values().collect();
        // Threads come before the notes that old programs show in their place.
        relations.sort_by(|a, b| (order(&a.kind), &a.target).cmp(&(order(&b.kind), &b.target)));
        let mut in_threads = HashSet::new();
        for Relation { kind, target } in relations {
            // A binary workbook keeps its notes in a form of its own.
            if order(&kind).is_none() || target.to_ascii_lowercase().ends_with(".bin") {
                continue;
            }
            match self.read(&kind, &target) {
                Ok(mut found) => {
                    if kind == "comments" {
                        found.retain(|note| !in_threads.contains(&note.place));
                    } else if kind == "threadedComment" {
                        in_threads.extend(found.iter().map(|note| note.place));
                    }
                    notes.extend(found);
                }
                Err(error) => failed.push((target, error)),
            }
        }
        notes.sort_by_key(|note| note.place);
        (notes, failed)
    }

    fn read(&mut self, kind: &str, target: &str) -> Result<Vec<Note>, ExtractError> {
        let Some(xml) = self.package.xml(target)? else { return Ok(Vec::new()) };
        let notes = Reading::new(kind != "drawing").read(&xml)?;
        let bytes: usize = notes.iter().map(|note| note.text.len()).sum();
        self.left = self.left.checked_sub(bytes).ok_or(ExtractError::TooLarge)?;
        Ok(notes)
    }
}

/// The order in which the parts beside a sheet are read; `None` for other parts.
fn order(kind: &str) -> Option<u8> {
    match kind {
        "threadedComment" => Some(0),
        "comments" => Some(1),
        "drawing" => Some(2),
        _ => None,
    }
}

/// The reading of one part.
struct Reading {
    is_of_cells: bool,
    notes: Vec<Note>,
    /// The place of the open note or box.
    place: Option<(u32, u32)>,
    text: String,
    in_text: bool,
    /// Open elements whose text is not shown.
    skipped: usize,
    /// The open element with a number of the place: `row` or `col`.
    number: Option<bool>,
    has_place: bool,
}

impl Reading {
    const fn new(is_of_cells: bool) -> Self {
        Self {
            is_of_cells,
            notes: Vec::new(),
            place: None,
            text: String::new(),
            in_text: false,
            skipped: 0,
            number: None,
            has_place: false,
        }
    }

    fn read(mut self, xml: &str) -> Result<Vec<Note>, ExtractError> {
        let mut reader = Reader::from_str(xml);
        reader.config_mut().check_end_names = false;
        loop {
            match reader.read_event().map_err(|_| ExtractError::Damaged)? {
                Event::Start(_) if self.skipped > 0 => self.skipped += 1,
                Event::End(_) if self.skipped > 0 => self.skipped -= 1,
                Event::Start(tag) => self.start(&tag),
                Event::Empty(tag) if tag.local_name().as_ref() == b"br" => self.text.push(' '),
                Event::Text(text) if self.skipped == 0 => {
                    self.push(&text.decode().map_err(|_| ExtractError::Damaged)?);
                }
                Event::GeneralRef(reference) if self.in_text && self.skipped == 0 => {
                    push_reference(&mut self.text, &reference);
                }
                Event::End(tag) => self.end(tag.local_name().as_ref()),
                Event::Eof => return Ok(self.notes),
                _ => {}
            }
        }
    }

    fn push(&mut self, text: &str) {
        if self.in_text {
            self.text.push_str(text);
        } else if let (Some(is_row), Some(place)) = (self.number, &mut self.place) {
            let number = text.trim().parse().unwrap_or(0_u32).min(LAST);
            *(if is_row { &mut place.0 } else { &mut place.1 }) = number;
        }
    }

    fn start(&mut self, tag: &BytesStart<'_>) {
        match tag.local_name().as_ref() {
            // Glosses, and the form of a drawing for old programs.
            b"rPh" | b"Fallback" => self.skipped = 1,
            b"comment" | b"threadedComment" => {
                self.place = attribute(tag, b"ref").and_then(|cell| place_of(&cell));
                self.text.clear();
            }
            b"twoCellAnchor" | b"oneCellAnchor" | b"absoluteAnchor" => {
                self.place = Some((0, 0));
                self.has_place = false;
                self.text.clear();
            }
            // The corner is the first of two.
            b"row" | b"col" if !self.is_of_cells && !self.has_place => {
                self.number = Some(tag.local_name().as_ref() == b"row");
            }
            b"text" => self.in_text = self.is_of_cells,
            b"t" => self.in_text = true,
            _ => {}
        }
    }

    fn end(&mut self, name: &[u8]) {
        match name {
            b"row" | b"col" => self.number = None,
            b"from" => self.has_place = true,
            b"t" | b"text" => self.in_text = false,
            b"p" => self.text.push('\n'),
            b"comment" | b"threadedComment" | b"twoCellAnchor" | b"oneCellAnchor" | b"absoluteAnchor" => {
                let lines =
                    self.text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
                let lines: Vec<_> = lines.filter(|line| !line.is_empty()).collect();
                let text = lines.join(if self.is_of_cells { " " } else { "\n" });
                self.text.clear();
                let place = self.place.take().filter(|_| !text.is_empty());
                let is_of_cell = self.is_of_cells;
                self.notes.extend(place.map(|place| Note { place, text, is_of_cell }));
            }
            _ => {}
        }
    }
}

/// The row and the column, from 0, of a cell such as `C4`.
fn place_of(cell: &str) -> Option<(u32, u32)> {
    let letters = cell.trim_end_matches(|c: char| c.is_ascii_digit());
    let row: u32 = cell[letters.len()..].parse().ok()?;
    let is_column =
        (1..=3).contains(&letters.len()) && letters.bytes().all(|byte| byte.is_ascii_alphabetic());
    let digit = |byte: u8| u32::from(byte.to_ascii_uppercase() - b'A') + 1;
    let column = is_column.then(|| letters.bytes().fold(0, |column, byte| column * 26 + digit(byte)))?;
    Some((row.checked_sub(1)?, column - 1))
}

#[cfg(test)]
mod tests;

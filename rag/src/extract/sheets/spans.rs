//! Finds the merged cells of a spreadsheet in OpenDocument.

use std::collections::HashMap;

use calamine::Dimensions;
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use crate::extract::ExtractError;
use crate::extract::package::{Package, attribute};

/// The largest number of merged cells of a file. Those beyond are read as single ones.
const MAX_MERGED: usize = 100_000;
/// The largest number of a row or a column.
const LAST: u32 = 1 << 20;

/// The merged cells of the sheets of a file, by the names of the sheets.
pub(super) fn read(bytes: &[u8]) -> Result<HashMap<String, Vec<Dimensions>>, ExtractError> {
    let xml = Package::open(bytes)?.xml("content.xml")?.unwrap_or_default();
    Reading::default().read(&xml)
}

#[derive(Default)]
struct Reading {
    merged: HashMap<String, Vec<Dimensions>>,
    count: usize,
    /// The names of the open sheet and of tables inside it.
    sheets: Vec<String>,
    row: u32,
    column: u32,
    /// The equal rows that the open one stands for.
    rows: u32,
}

impl Reading {
    fn read(mut self, xml: &str) -> Result<HashMap<String, Vec<Dimensions>>, ExtractError> {
        let mut reader = Reader::from_str(xml);
        reader.config_mut().check_end_names = false;
        loop {
            match reader.read_event().map_err(|_| ExtractError::Damaged)? {
                Event::Start(tag) => self.start(&tag),
                Event::Empty(tag) => {
                    self.start(&tag);
                    self.end(tag.name().as_ref());
                }
                Event::End(tag) => self.end(tag.name().as_ref()),
                Event::Eof => return Ok(self.merged),
                _ => {}
            }
        }
    }

    fn start(&mut self, tag: &BytesStart<'_>) {
        let number = |name: &[u8]| {
            let said = attribute(tag, name).and_then(|number| number.parse().ok());
            said.unwrap_or(1_u32).clamp(1, LAST)
        };
        match tag.name().as_ref() {
            b"table:table" => {
                self.sheets.push(attribute(tag, b"name").unwrap_or_default());
                if self.sheets.len() == 1 {
                    (self.row, self.column) = (0, 0);
                }
            }
            _ if self.sheets.len() != 1 => {}
            b"table:table-row" => (self.rows, self.column) = (number(b"number-rows-repeated"), 0),
            b"table:table-cell" | b"table:covered-table-cell" => {
                let (rows, columns) = (number(b"number-rows-spanned"), number(b"number-columns-spanned"));
                if rows.max(columns) > 1 && self.count < MAX_MERGED {
                    self.count += 1;
                    let (row, column) = (self.row, self.column);
                    let span = Dimensions::new((row, column), (row + rows - 1, column + columns - 1));
                    let sheet = self.sheets.last().cloned().unwrap_or_default();
                    self.merged.entry(sheet).or_default().push(span);
                }
                self.column = (self.column + number(b"number-columns-repeated")).min(LAST);
            }
            _ => {}
        }
    }

    fn end(&mut self, name: &[u8]) {
        match name {
            b"table:table" => {
                self.sheets.pop();
            }
            b"table:table-row" if self.sheets.len() == 1 => self.row = (self.row + self.rows).min(LAST),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spans(xml: &str) -> Vec<((u32, u32), (u32, u32))> {
        let xml = format!("<office:spreadsheet>{xml}</office:spreadsheet>");
        let mut merged = Reading::default().read(&xml).unwrap();
        merged.remove("Kilns").unwrap_or_default().into_iter().map(|span| (span.start, span.end)).collect()
    }

    #[test]
    fn repeated_rows_and_cells_count_and_tables_inside_do_not() {
        let xml = "<table:table table:name='Kilns'><table:table-row table:number-rows-repeated='3'><table:table-cell/>\
            </table:table-row><table:table-row><table:table-cell table:number-columns-repeated='2'/>\
            <table:table-cell table:number-columns-spanned='2' table:number-rows-spanned='3'><table:table table:name='x'>\
            <table:table-row/></table:table></table:table-cell><table:covered-table-cell/>\
            <table:table-cell table:number-rows-spanned='2'/></table:table-row></table:table>";
        assert_eq!(spans(xml), [((3, 2), (5, 3)), ((3, 4), (4, 4))]);
    }

    #[test]
    fn claims_of_a_hostile_file_are_bounded() {
        let cell = "<table:table-cell table:number-columns-repeated='4294967295' table:number-columns-spanned='4294967295' \
            table:number-rows-spanned='99999999999'/>";
        let row = "<table:table-row table:number-rows-repeated='4294967295'>".to_owned()
            + cell
            + "</table:table-row>";
        let xml = format!("<table:table table:name='Kilns'>{}", row.repeat(MAX_MERGED + 9));
        let spans = spans(&xml);
        assert_eq!(spans.len(), MAX_MERGED);
        assert!(spans.iter().all(|(_, (row, column))| *row <= 2 * LAST && *column <= 2 * LAST));
    }
}

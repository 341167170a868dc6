//! Reads tables as text: CSV, with any of the usual characters between the cells, and TSV.

use super::grid::{self, Row};
use super::{ExtractError, encoding};
use crate::vocabulary::{Part, Place};

/// The characters between cells that are tried.
const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];
/// The rows that decide which one it is.
const SAMPLE_ROWS: usize = 50;

/// Reads a table. The delimiter is found where it is not given.
pub(super) fn parts(bytes: &[u8], delimiter: Option<u8>) -> Result<Vec<Part>, ExtractError> {
    let text = encoding::decode(bytes);
    // Excel writes the delimiter in a line of its own.
    let (named, text) = match text.strip_prefix("sep=").and_then(|rest| rest.split_once('\n')) {
        Some((named, rest)) => (named.trim_end().bytes().next(), rest),
        None => (None, text.as_str()),
    };
    let delimiter = delimiter.or(named).unwrap_or_else(|| found(text));
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .quoting(!is_unclosed(text, delimiter))
        .delimiter(delimiter)
        .from_reader(text.as_bytes());
    let (mut rows, mut number) = (Vec::new(), 0);
    for record in reader.records() {
        let record = record.map_err(|_| ExtractError::Damaged)?;
        // Empty lines, which the reader passes over, are rows too.
        let start = record.position().and_then(|at| usize::try_from(at.byte()).ok()).unwrap_or(0);
        let before = text.as_bytes().get(start..).unwrap_or_default().iter();
        let empty = before.take_while(|byte| **byte == b'\n').count();
        if empty > 0 {
            rows.push(Row { number: number + 1, cells: Vec::new(), wide: Vec::new() });
        }
        number += u32::try_from(empty).unwrap_or(0) + 1;
        let cells = record.iter().map(|cell| cell.trim().to_owned()).collect();
        rows.push(Row { number, cells, wide: Vec::new() });
    }
    Ok(grid::parts(rows.into_iter(), |_| Place::Rows { first: 1, last: 1 }))
}

/// The delimiter that divides most rows into the same number of cells. Above a table there may be rows of text.
fn found(text: &str) -> u8 {
    let score = |delimiter: u8| {
        let mut rows = Rows { rest: text.as_bytes(), delimiter, is_open: false };
        let counts: Vec<usize> = rows.by_ref().take(SAMPLE_ROWS).filter(|count| *count > 0).collect();
        let same = |count: &usize| counts.iter().filter(|other| *other == count).count();
        counts.iter().map(|count| (same(count), *count)).max().unwrap_or_default()
    };
    DELIMITERS.into_iter().rev().max_by_key(|delimiter| score(*delimiter)).unwrap_or(b',')
}

/// Whether a quotation mark at the start of a cell is never closed, so that the rest would be one cell.
fn is_unclosed(text: &str, delimiter: u8) -> bool {
    let mut rows = Rows { rest: text.as_bytes(), delimiter, is_open: false };
    rows.by_ref().for_each(drop);
    rows.is_open
}

/// The numbers of delimiters in the rows of a text. Cells in quotation marks may have several lines.
struct Rows<'a> {
    rest: &'a [u8],
    delimiter: u8,
    /// Whether the last row ended inside quotation marks.
    is_open: bool,
}

impl Iterator for Rows<'_> {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        if self.rest.is_empty() {
            return None;
        }
        let (mut count, mut is_quoted, mut is_start) = (0, false, true);
        for (at, byte) in self.rest.iter().enumerate() {
            match byte {
                b'"' if is_quoted || is_start => is_quoted = !is_quoted,
                b'\n' if !is_quoted => {
                    self.rest = &self.rest[at + 1..];
                    return Some(count);
                }
                byte if *byte == self.delimiter && !is_quoted => count += 1,
                _ => {}
            }
            // A doubled mark closes and opens again.
            is_start = *byte == self.delimiter || *byte == b'"' || is_start && *byte == b' ';
        }
        self.rest = &[];
        self.is_open = is_quoted;
        Some(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vocabulary::Content;

    fn cells(text: &str) -> Vec<Vec<String>> {
        let parts = parts(text.as_bytes(), None).unwrap();
        let Content::Table(table) = parts[0].content.clone() else { panic!("{parts:?}") };
        std::iter::once(table.header).chain(table.rows.into_iter().map(|(_, cells)| cells)).collect()
    }

    #[test]
    fn rows_of_text_above_a_table_do_not_hide_its_delimiter() {
        let bank = "Bookings, account 7\nno;DE12 5001\n\nday;to;sum\n3.1.;Rye \"x\";-84,20\n4.1.;\"Oak, \"\"B\"\"\nrow 2\";-7,35\n";
        let parts = parts(bank.as_bytes(), None).unwrap();
        let Some(Content::Table(table)) = parts.last().map(|part| part.content.clone()) else {
            panic!("{parts:?}")
        };
        assert_eq!(table.header, ["day", "to", "sum"]);
        assert_eq!(table.rows[0].1, ["3.1.", "Rye \"x\"", "-84,20"]);
        assert_eq!(table.rows[1].1, ["4.1.", "Oak, \"B\"\nrow 2", "-7,35"]);
    }

    #[test]
    fn a_quotation_mark_that_is_not_closed_is_a_character() {
        let rows = cells("part,note,price\nA-1,\"6 inch,4\nA-2,plain,5\n");
        assert_eq!(rows[1..], [["A-1", "\"6 inch", "4"], ["A-2", "plain", "5"]]);
    }

    #[test]
    fn the_delimiter_is_found() {
        for text in ["a,b\n\"1, x\",2\n", "a;b\n1, x;2\n", "a\tb\n1, x\t2\n", "sep=;\r\na;b\r\n1, x;2\r\n"] {
            assert_eq!(cells(text), [["a", "b"], ["1, x", "2"]], "{text:?}");
        }
    }
}

//! Reads tables as text: CSV, with any of the usual characters between the cells, and TSV.

use super::grid::{self, Row};
use super::{ExtractError, encoding};
use crate::vocabulary::{Part, Place};

/// The characters between cells that are tried.
const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];
/// The lines that decide which one it is.
const SAMPLE_LINES: usize = 50;

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
        .delimiter(delimiter)
        .from_reader(text.as_bytes());
    let rows: Result<Vec<Row>, _> = (1..)
        .zip(reader.records())
        .map(|(number, record)| {
            record.map(|record| Row {
                number,
                cells: record.iter().map(|cell| cell.trim().to_owned()).collect(),
            })
        })
        .collect();
    let mut rows = rows.map_err(|_| ExtractError::Damaged)?;
    // A row whose last cell is empty is no shorter than the others.
    rows.retain(|row| !row.cells.iter().all(String::is_empty));
    Ok(grid::parts(rows.into_iter(), |_| Place::Rows { first: 1, last: 1 }))
}

/// The delimiter that divides most lines into the same number of cells.
fn found(text: &str) -> u8 {
    let score = |delimiter: u8| {
        let lines = text.lines().filter(|line| !line.trim().is_empty()).take(SAMPLE_LINES);
        let counts: Vec<usize> = lines.map(|line| count(line, delimiter)).collect();
        let usual = counts.first().copied().unwrap_or(0);
        let same = counts.iter().filter(|count| **count == usual && usual > 0).count();
        (same, usual)
    };
    DELIMITERS.into_iter().rev().max_by_key(|delimiter| score(*delimiter)).unwrap_or(b',')
}

/// Number of times that a character stands in a line outside of quotation marks.
fn count(line: &str, delimiter: u8) -> usize {
    let (mut count, mut is_quoted) = (0, false);
    for byte in line.bytes() {
        is_quoted ^= byte == b'"';
        count += usize::from(byte == delimiter && !is_quoted);
    }
    count
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
    fn the_delimiter_is_found() {
        for text in ["a,b\n\"1, x\",2\n", "a;b\n1, x;2\n", "a\tb\n1, x\t2\n", "sep=;\r\na;b\r\n1, x;2\r\n"] {
            assert_eq!(cells(text), [["a", "b"], ["1, x", "2"]], "{text:?}");
        }
    }
}

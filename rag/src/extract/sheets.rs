//! Reads spreadsheets: a table for each sheet, with the numbers of its rows and the letters of its columns.

use std::io::Cursor;

use calamine::{Data, Range, Reader as _, SheetVisible, Sheets};

use super::archive::Inside;
use super::grid::{self, Row};
use super::omitted::shown_name;
use super::{ExtractError, OmissionCause, OmittedPart};
use crate::vocabulary::{Part, Place};

/// The largest number of cells with a value that are read of a file. Rows beyond are left out.
const MAX_CELLS: usize = 5_000_000;

/// Reads a workbook of any kind.
pub(super) fn parts(bytes: &[u8], inside: &Inside<'_>) -> Result<Vec<Part>, ExtractError> {
    let mut sheets =
        calamine::open_workbook_auto_from_rs(Cursor::new(bytes)).map_err(|error| reason(&error))?;
    let visible: Vec<String> = sheets
        .sheets_metadata()
        .iter()
        .filter(|sheet| sheet.visible != SheetVisible::VeryHidden)
        .map(|sheet| sheet.name.clone())
        .collect();
    let (mut parts, mut left, mut failed) = (Vec::new(), MAX_CELLS, None);
    for name in visible {
        match range(&mut sheets, &name) {
            Ok(range) => {
                let rows = rows_within(&range, &mut left);
                if rows < range.height() {
                    let first = range.start().map_or(0, |start| start.0) as usize + rows + 1;
                    let first = u32::try_from(first).unwrap_or(u32::MAX);
                    inside.omit(OmittedPart::Rows { sheet: shown_name(&name), first }, OmissionCause::Limit);
                }
                parts.extend(sheet(&name, &range, rows));
            }
            Err(error) => {
                inside.omit(OmittedPart::Sheet(shown_name(&name)), error.as_cause());
                failed = Some(error);
            }
        }
    }
    match failed {
        Some(error) if parts.is_empty() => Err(error),
        _ => Ok(parts),
    }
}

fn range(sheets: &mut Sheets<Cursor<&[u8]>>, name: &str) -> Result<Range<Data>, ExtractError> {
    sheets.worksheet_range(name).map_err(|error| reason(&error))
}

fn reason(error: &calamine::Error) -> ExtractError {
    // The formats name a password in different ways.
    if format!("{error:?}").to_lowercase().contains("password") {
        ExtractError::Encrypted
    } else {
        ExtractError::Damaged
    }
}

/// The number of rows whose cells are within the limit, which they lower.
fn rows_within(range: &Range<Data>, left: &mut usize) -> usize {
    let used = |cells: &[Data]| cells.iter().filter(|cell| !matches!(cell, Data::Empty)).count();
    let fits = |cells: &&[Data]| match left.checked_sub(used(cells)) {
        Some(rest) => {
            *left = rest;
            true
        }
        None => false,
    };
    range.rows().take_while(fits).count()
}

/// The tables in the first rows of a sheet.
fn sheet(name: &str, range: &Range<Data>, rows: usize) -> Vec<Part> {
    let Some((first_row, first_column)) = range.start() else { return Vec::new() };
    let rows = (first_row + 1..).zip(range.rows().take(rows));
    let rows = rows.map(|(number, cells)| Row { number, cells: cells.iter().map(text).collect() });
    grid::parts(rows, |columns| Place::Cells {
        sheet: name.to_owned(),
        first_column: letters(first_column),
        last_column: letters(first_column + u32::try_from(columns).unwrap_or(1).saturating_sub(1)),
        first_row: first_row + 1,
        last_row: range.end().map_or(first_row, |end| end.0) + 1,
    })
    .into_iter()
    .map(|mut part| {
        part.heading.insert(0, name.to_owned());
        part
    })
    .collect()
}

/// The value of a cell as it is read.
fn text(cell: &Data) -> String {
    match cell {
        Data::Empty => String::new(),
        Data::Float(value) => number(*value),
        Data::DateTime(value) if value.is_datetime() => date(value),
        Data::DateTimeIso(text) => text.trim_end_matches("T00:00:00").replace('T', " "),
        other => super::encoding::nfc(other.to_string().trim()),
    }
}

/// A number without the digits that binary fractions add.
fn number(value: f64) -> String {
    let rounded = format!("{value:.10}");
    rounded.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn date(value: &calamine::ExcelDateTime) -> String {
    let (year, month, day, hour, minute, second, _) = value.to_ymd_hms_milli();
    let (date, time) =
        (format!("{year:04}-{month:02}-{day:02}"), format!("{hour:02}:{minute:02}:{second:02}"));
    let time = time.strip_suffix(":00").unwrap_or(&time);
    match (value.as_f64() < 1.0, time) {
        (true, time) => time.to_owned(),
        (false, "00:00") => date,
        (false, time) => format!("{date} {time}"),
    }
}

/// The letters of a column, which counts from 0: A to Z, AA and so on.
fn letters(mut column: u32) -> String {
    let mut letters = Vec::new();
    loop {
        letters.push(char::from(b'A' + u8::try_from(column % 26).unwrap_or(0)));
        match (column / 26).checked_sub(1) {
            Some(next) => column = next,
            None => return letters.into_iter().rev().collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_beyond_the_limit_are_left_out() {
        let cell = |row, column| calamine::Cell::new((row, column), Data::Int(1));
        let range = Range::from_sparse(vec![cell(0, 0), cell(0, 1), cell(1, 0), cell(2, 0)]);
        for (limit, rows) in [(4, 3), (3, 2), (2, 1), (1, 0)] {
            let mut left = limit;
            assert_eq!(rows_within(&range, &mut left), rows, "{limit}");
        }
    }

    #[test]
    fn columns_have_letters_and_numbers_no_noise() {
        assert_eq!([0, 25, 26, 701, 702].map(letters), ["A", "Z", "AA", "ZZ", "AAA"]);
        assert_eq!([3.0, 0.1 + 0.2, 2180.0, -1.5, 0.0].map(number), ["3", "0.3", "2180", "-1.5", "0"]);
    }
}

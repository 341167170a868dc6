//! Reads spreadsheets: a table for each sheet, with the numbers of its rows and the letters of its columns, and
//! the notes and boxes on the sheets.

mod cells;
mod formats;
mod notes;
mod spans;

use std::collections::HashMap;
use std::io::Cursor;

use calamine::{Data, Dimensions, Reader as _, SheetVisible, Sheets};

use super::archive::Inside;
use super::grid;
use super::omitted::shown_name;
use super::{ExtractError, OmissionCause, OmittedPart, escaped};
use crate::vocabulary::{Content, Markup, Part, Place};
use cells::Cells;
use notes::{Note, Notes};

/// The largest number of cells with a value that are read of a file. Rows beyond are left out.
const MAX_CELLS: usize = 5_000_000;
/// The largest number of notes and boxes of a file that are parts with a place of their own. The others of a
/// sheet are one part.
const MAX_PLACED_NOTES: usize = 5_000;

/// Merged cells by the names of the sheets.
type Merged = HashMap<String, Vec<Dimensions>>;

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
    let merged = match &sheets {
        Sheets::Ods(_) => spans::read(bytes).unwrap_or_default(),
        _ => Merged::default(),
    };
    let mut notes = Some(bytes).filter(|_| matches!(sheets, Sheets::Xlsx(_))).and_then(Notes::open);
    let mut notes_left = MAX_PLACED_NOTES;
    for name in visible {
        match cells(&mut sheets, &name, &merged, &mut left) {
            Ok(cells) => {
                if let Some(first) = cells.left_out_from() {
                    inside.omit(OmittedPart::Rows { sheet: shown_name(&name), first }, OmissionCause::Limit);
                }
                let (notes, unread) = notes.as_mut().map(|notes| notes.of(&name)).unwrap_or_default();
                for (part, error) in unread {
                    inside.omit_file(&part, error.as_cause());
                }
                let beside = beside(&name, notes, &cells, &mut notes_left);
                parts.extend(sheet(&name, cells).into_iter().chain(beside));
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

/// The cells of a sheet. Those of a newer workbook are read one by one: a single cell far away is no reason to
/// keep all the empty ones before it.
fn cells(
    sheets: &mut Sheets<Cursor<&[u8]>>,
    name: &str,
    merged: &Merged,
    left: &mut usize,
) -> Result<Cells, ExtractError> {
    let mut cells = Cells::default();
    if let Sheets::Xlsx(book) = sheets {
        let failed = |error| reason(&calamine::Error::Xlsx(error));
        let mut reader = book.worksheet_cells_reader(name).map_err(failed)?;
        let formats: Vec<String> = reader
            .styles()
            .iter()
            .map(|style| {
                style.number_format.as_ref().map(|format| format.format_code.clone()).unwrap_or_default()
            })
            .collect();
        while let Some((cell, style)) = reader.next_cell_with_style_id().map_err(failed)? {
            let format = formats.get(style).map_or("", String::as_str);
            if !cells.push(cell.get_position(), text(&cell.get_value().clone().into(), format), left) {
                break;
            }
        }
    } else {
        let range = sheets.worksheet_range(name).map_err(|error| reason(&error))?;
        let (row, column) = range.start().unwrap_or_default();
        for (down, right, cell) in range.used_cells() {
            let at = |start: u32, offset: usize| start + u32::try_from(offset).unwrap_or(u32::MAX - start);
            if !cells.push((at(row, down), at(column, right)), text(cell, ""), left) {
                break;
            }
        }
    }
    let merged: Vec<Dimensions> = match sheets {
        Sheets::Xlsx(book) => book.merge_cells_by_sheet_name(name).unwrap_or_default(),
        Sheets::Xls(book) => book.merge_cells_by_sheet_name(name).unwrap_or_default(),
        _ => merged.get(name).cloned().unwrap_or_default(),
    };
    cells.merge(&merged);
    Ok(cells)
}

fn reason(error: &calamine::Error) -> ExtractError {
    // The formats name a password in different ways.
    if format!("{error:?}").to_lowercase().contains("password") {
        ExtractError::Encrypted
    } else {
        ExtractError::Damaged
    }
}

/// The tables of a sheet.
fn sheet(name: &str, cells: Cells) -> Vec<Part> {
    let Some((first_row, last_row, first_column)) = cells.bounds() else { return Vec::new() };
    grid::parts(cells.into_rows(), |columns| Place::Cells {
        sheet: name.to_owned(),
        first_column: letters(first_column),
        last_column: letters(first_column + u32::try_from(columns).unwrap_or(1).saturating_sub(1)),
        first_row: first_row + 1,
        last_row: last_row + 1,
    })
    .into_iter()
    .map(|mut part| {
        part.heading.insert(0, name.to_owned());
        part
    })
    .collect()
}

/// The notes and boxes on a sheet. A note begins with its cell, and with the texts that tell what it is about.
fn beside(name: &str, notes: Vec<Note>, cells: &Cells, left: &mut usize) -> Vec<Part> {
    let part = |text: &str, place| Part {
        heading: vec![name.to_owned()],
        content: Content::Text(Markup::Markdown, escaped(&super::encoding::nfc(text))),
        place,
    };
    let (mut parts, mut rest) = (Vec::new(), String::new());
    for Note { place: (row, column), text, is_of_cell } in notes {
        let Some(one_less) = left.checked_sub(1) else {
            rest.extend([text.as_str(), "\n\n"]);
            continue;
        };
        *left = one_less;
        let text = if is_of_cell {
            let about = cells.about(row, column);
            let about = if about.is_empty() { about } else { format!(" ({about})") };
            format!("{}{}{about}: {text}", letters(column), u64::from(row) + 1)
        } else {
            text
        };
        let place = Place::Cells {
            sheet: name.to_owned(),
            first_column: letters(column),
            last_column: letters(column),
            first_row: row.saturating_add(1),
            last_row: row.saturating_add(1),
        };
        parts.push(part(&text, Some(place)));
    }
    if !rest.is_empty() {
        parts.push(part(&rest, None));
    }
    parts
}

/// The value of a cell as it is read, in its format.
fn text(cell: &Data, format: &str) -> String {
    match cell {
        Data::Empty => String::new(),
        Data::Float(value) => formats::number(*value, format),
        #[expect(clippy::cast_precision_loss, reason = "a workbook holds numbers with 53 bits")]
        Data::Int(value) => formats::number(*value as f64, format),
        Data::DateTime(value) if value.is_datetime() => date(value),
        Data::DateTime(value) if value.is_duration() => formats::duration(value.as_f64()),
        Data::DateTimeIso(text) => text.trim_end_matches("T00:00:00").replace('T', " "),
        other => super::encoding::nfc(other.to_string().trim()),
    }
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
    fn columns_have_letters() {
        assert_eq!([0, 25, 26, 701, 702].map(letters), ["A", "Z", "AA", "ZZ", "AAA"]);
    }
}

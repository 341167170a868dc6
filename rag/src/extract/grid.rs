//! Finds the tables in rows of cells: where a header stands, and which rows are text above a table.

use std::ops::Range;

use super::escaped;
use super::merged::{self, Slot};
use crate::vocabulary::{Content, Markup, Part, Place, Table};

/// The longest text above a table that its passages repeat as heading.
const MAX_CAPTION_CHARS: usize = 120;

/// A row with its number in the file.
pub(super) struct Row {
    pub(super) number: u32,
    pub(super) cells: Vec<String>,
    /// The columns of cells that take several.
    pub(super) wide: Vec<Range<usize>>,
}

/// Divides rows into tables and the text between them. `place` is told the number of columns.
pub(super) fn parts(rows: impl Iterator<Item = Row>, place: impl Fn(usize) -> Place) -> Vec<Part> {
    let mut finder =
        Finder { place, parts: Vec::new(), table: None, caption: Vec::new(), was_empty: true, names: None };
    let mut rows = rows.map(trimmed).peekable();
    while let Some(row) = rows.next() {
        finder.row(row, rows.peek());
    }
    finder.end_table();
    finder.end_caption();
    finder.parts
}

/// A row without the empty cells at its end.
fn trimmed(mut row: Row) -> Row {
    let last = row.cells.iter().rposition(|cell| !cell.trim().is_empty());
    row.cells.truncate(last.map_or(0, |last| last + 1));
    row
}

/// The places of a row.
fn slots(row: &Row) -> Vec<Slot> {
    let width = row.wide.iter().map(|wide| wide.end).max().unwrap_or(0).max(row.cells.len());
    let wide = |column: usize| row.wide.iter().find(|wide| wide.contains(&column));
    let slot = |column: usize| {
        let first = wide(column).map_or(column, |wide| wide.start);
        let text = row.cells.get(first).cloned().unwrap_or_default();
        Slot { text, is_rest: first < column, ..Slot::default() }
    };
    (0..width).map(slot).collect()
}

struct Finder<P> {
    place: P,
    parts: Vec<Part>,
    table: Option<Table>,
    /// Rows of one cell above a table.
    caption: Vec<(u32, String)>,
    was_empty: bool,
    /// The first row of the names of columns, which the next row goes on with.
    names: Option<Vec<Slot>>,
}

impl<P: Fn(usize) -> Place> Finder<P> {
    fn row(&mut self, row: Row, next: Option<&Row>) {
        let filled = row.cells.iter().filter(|cell| !cell.trim().is_empty()).count();
        let after_gap = std::mem::replace(&mut self.was_empty, filled == 0);
        if let (Some(names), Some(table)) = (self.names.take(), &mut self.table) {
            table.header = merged::header(vec![names, slots(&row)]);
            return;
        }
        match filled {
            0 => {}
            // After a gap, a line of text is a title, and a line of names a header.
            1 if after_gap && next.is_none_or(is_not_data) => {
                self.end_table();
                self.caption.push((row.number, row.cells.concat().trim().to_owned()));
            }
            1 if self.table.is_none() && next.is_some_and(|next| next.cells.len() != 1) => {
                self.caption.push((row.number, row.cells.concat().trim().to_owned()));
            }
            _ if after_gap && self.table.is_some() && is_header(&row, next) => {
                self.end_table();
                self.start_table(row, next);
            }
            _ => match &mut self.table {
                Some(table) => table.rows.push((row.number, row.cells)),
                None => self.start_table(row, next),
            },
        }
    }

    fn start_table(&mut self, row: Row, next: Option<&Row>) {
        if let Some(next) = next.filter(|next| merged::names_further(&slots(&row), &slots(next))) {
            self.names = Some(slots(&row)).filter(|_| !next.cells.is_empty());
        }
        let has_header =
            row.cells.iter().all(|cell| !is_value(cell)) || next.is_none_or(|next| next.cells.len() < 2);
        self.table = Some(if has_header && next.is_some_and(|next| !next.cells.is_empty()) {
            Table { header: row.cells, rows: Vec::new() }
        } else {
            Table { header: Vec::new(), rows: vec![(row.number, row.cells)] }
        });
    }

    fn end_table(&mut self) {
        let Some(table) = self.table.take() else { return };
        let columns =
            table.rows.iter().map(|(_, cells)| cells.len()).max().unwrap_or(0).max(table.header.len());
        let caption = std::mem::take(&mut self.caption);
        let caption: Vec<_> = caption.into_iter().map(|(_, text)| text).collect();
        let caption = caption.join(" · ");
        let is_short = caption.chars().count() <= MAX_CAPTION_CHARS;
        if !is_short {
            self.text(&caption);
        }
        let heading = Some(caption).filter(|caption| is_short && !caption.is_empty()).into_iter().collect();
        let place = (self.place)(columns);
        let place = match (table.rows.first(), table.rows.last()) {
            (Some((first, _)), Some((last, _))) => place.at_rows(*first, *last),
            _ => place,
        };
        self.parts.push(Part { heading, content: Content::Table(table), place: Some(place) });
    }

    /// Text that stands above no table.
    fn end_caption(&mut self) {
        for (number, text) in std::mem::take(&mut self.caption) {
            self.text(&text);
            let place = (self.place)(1).at_rows(number, number);
            if let Some(part) = self.parts.last_mut() {
                part.place = Some(place);
            }
        }
    }

    fn text(&mut self, text: &str) {
        let place = Some((self.place)(1));
        let content = Content::Text(Markup::Markdown, escaped(text));
        self.parts.push(Part { heading: Vec::new(), content, place });
    }
}

fn is_not_data(next: &Row) -> bool {
    next.cells.is_empty() || next.cells.iter().all(|cell| !is_number(cell))
}

/// Whether a row names the columns of the rows below it.
fn is_header(row: &Row, next: Option<&Row>) -> bool {
    row.cells.iter().all(|cell| !cell.trim().is_empty() && !is_number(cell))
        && next.is_some_and(|next| next.cells.len() > 1 && next.cells.iter().any(|cell| is_number(cell)))
}

/// Whether a cell holds a number that names no column.
pub(super) fn is_value(cell: &str) -> bool {
    is_number(cell) && !is_year(cell)
}

/// Whether a number may name a column.
fn is_year(cell: &str) -> bool {
    cell.trim().parse().is_ok_and(|year: u32| (1900..=2100).contains(&year))
}

fn is_number(cell: &str) -> bool {
    let digits = cell.chars().filter(char::is_ascii_digit).count();
    digits > 0 && cell.chars().all(|c| c.is_ascii_digit() || " .,-+%€$£:/".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(lines: &[&str]) -> Vec<String> {
        let rows = (1..).zip(lines).map(|(number, line)| {
            let cells: Vec<String> = line.split(',').map(str::to_owned).collect();
            // A cell of dots continues the one before it.
            let starts = cells.windows(2).enumerate().filter(|(_, pair)| pair[1] == "..");
            let wide = starts.map(|(column, _)| column..column + 2).collect();
            let cells = cells.into_iter().map(|cell| cell.replace("..", "")).collect();
            Row { number, cells, wide }
        });
        let parts = parts(rows, |_| Place::Rows { first: 1, last: 1 });
        parts
            .iter()
            .map(|part| match &part.content {
                Content::Text(_, text) => format!("text {text}"),
                Content::Table(table) => {
                    let rows: Vec<_> = table.rows.iter().map(|(number, _)| number.to_string()).collect();
                    format!("{} [{}] {}", part.heading.concat(), table.header.join(","), rows.join(" "))
                }
            })
            .collect()
    }

    #[test]
    fn the_header_is_the_first_row_of_several_cells() {
        assert_eq!(found(&["part,price", "a,1", "b,2"]), [" [part,price] 2 3"]);
        assert_eq!(
            found(&["Prices 2025", "", "part,price", "a,1", "", "b,2"]),
            ["Prices 2025 [part,price] 4 6"]
        );
        assert_eq!(found(&["1,2", "3,4"]), [" [] 1 2"]);
        assert_eq!(found(&["team,2024,2025", "a,1,2"]), [" [team,2024,2025] 2"]);
    }

    #[test]
    fn a_second_table_has_a_header_of_its_own() {
        assert_eq!(
            found(&["part,price", "a,1", "", "Screws", "", "size,kg", "M4,2", "Note: net prices."]),
            [" [part,price] 2", "Screws [size,kg] 7 8"]
        );
    }

    #[test]
    fn names_over_several_columns_are_part_of_the_name_of_each() {
        assert_eq!(
            found(&["Area,2024,..,2025,..", ",Q1,Q2,Q1,Q2", "North,1,2,3,4"]),
            [" [Area,2024 Q1,2024 Q2,2025 Q1,2025 Q2] 3"]
        );
        assert_eq!(found(&["Sales,..", "part,price", "a,1"]), ["Sales [part,price] 3"]);
    }

    #[test]
    fn text_without_a_table_is_text() {
        assert_eq!(found(&["Only this.", ""]), ["text Only this."]);
    }
}

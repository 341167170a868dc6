//! Finds tables among the rows of a page: rows whose cells stand in the same columns.

use super::lines::Row;
use crate::vocabulary::Table;

/// The share of rows, in tenths, that have cells in two columns or more.
const MIN_FULL: usize = 7;
/// Ratio of the gap between two tables to a usual gap, at least.
const WIDE_GAP: f32 = 1.6;
/// The longest text of a cell on average. Columns of prose have longer lines.
const MAX_CELL_CHARS: usize = 60;

/// Returns the table at the start of rows, and how many of them it takes; `None` where they begin with text.
pub(super) fn at_start(rows: &[Row]) -> Option<(Table, usize)> {
    let (mut count, mut last_full) = (0, 0);
    for row in rows {
        let follows = count == 0 || follows(&rows[count - 1], row);
        // A line below a cell, such as the rest of its text, may stand between two rows.
        let is_rest = count > 0 && row.cells.len() == 1 && is_below_a_cell(&rows[last_full.max(1) - 1], row);
        if !follows || row.cells.len() < 2 && !is_rest {
            break;
        }
        count += 1;
        if row.cells.len() > 1 {
            last_full = count;
        }
    }
    let mut rows = &rows[..last_full];
    // Two tables may follow each other: a wider gap is between them.
    while rows.len() > 1 {
        let columns = columns(rows);
        if !is_mixed(rows, columns.len()) {
            let table = table(rows, &columns);
            if columns.len() > 1 && is_table(&table) {
                return Some((table, rows.len()));
            }
        }
        rows = &rows[..widest_gap(rows)];
    }
    None
}

/// Whether rows are of two tables: their cells run into each other, or a wide gap divides rows with other
/// numbers of cells.
fn is_mixed(rows: &[Row], columns: usize) -> bool {
    let most = |rows: &[Row]| rows.iter().map(|row| row.cells.len()).max().unwrap_or(0);
    let gap = widest_gap(rows);
    let distance = |index: usize| rows[index - 1].bottom() - rows[index].bottom();
    let mut distances: Vec<f32> = (1..rows.len()).map(distance).collect();
    distances.sort_by(f32::total_cmp);
    let usual = distances.get(distances.len() / 2).copied().unwrap_or(0.0);
    let is_wide = distance(gap) > usual * WIDE_GAP;
    columns < most(rows) || is_wide && most(&rows[..gap]) != most(&rows[gap..])
}

/// The number of the row below the widest gap.
fn widest_gap(rows: &[Row]) -> usize {
    let distance = |index: &usize| rows[*index - 1].bottom() - rows[*index].bottom();
    (1..rows.len()).max_by(|a, b| distance(a).total_cmp(&distance(b)).then(b.cmp(a))).unwrap_or(1)
}

/// Whether a row stands near below another.
fn follows(above: &Row, row: &Row) -> bool {
    let distance = above.bottom() - row.bottom();
    distance > 0.0 && distance < above.size().max(row.size()) * 4.0
}

/// Whether a single piece stands below a cell of a row that is not its first one.
fn is_below_a_cell(above: &Row, row: &Row) -> bool {
    let cells = above.cells.iter().skip(1);
    row.cells.len() == 1
        && above.bottom() - row.bottom() < row.size() * 1.6
        && cells.map(|cell| cell.left).any(|left| (left - row.left()).abs() < row.size())
}

/// The columns: the stretches of the width in which cells stand.
fn columns(rows: &[Row]) -> Vec<(f32, f32)> {
    let mut cells: Vec<(f32, f32)> =
        rows.iter().flat_map(|row| &row.cells).map(|cell| (cell.left, cell.right)).collect();
    cells.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut columns: Vec<(f32, f32)> = Vec::new();
    for (left, right) in cells {
        match columns.last_mut() {
            Some(column) if left < column.1 => column.1 = column.1.max(right),
            _ => columns.push((left, right)),
        }
    }
    columns
}

fn table(rows: &[Row], columns: &[(f32, f32)]) -> Table {
    let mut lines: Vec<Vec<String>> = Vec::new();
    for (index, row) in rows.iter().enumerate() {
        let is_rest = index > 0 && row.cells.len() == 1 && is_below_a_cell(&rows[index - 1], row);
        if !is_rest || lines.is_empty() {
            lines.push(vec![String::new(); columns.len()]);
        }
        for cell in &row.cells {
            let column = columns.iter().rposition(|column| cell.left >= column.0).unwrap_or(0);
            if let Some(text) = lines.last_mut().and_then(|line| line.get_mut(column)) {
                if !text.is_empty() {
                    text.push(' ');
                }
                text.push_str(&cell.text);
            }
        }
    }
    let mut lines = lines.into_iter();
    let header = lines.next().unwrap_or_default();
    Table { header, rows: (1..).zip(lines).collect() }
}

fn is_table(table: &Table) -> bool {
    let rows: Vec<&Vec<String>> =
        std::iter::once(&table.header).chain(table.rows.iter().map(|(_, row)| row)).collect();
    let full = rows.iter().filter(|row| row.iter().filter(|cell| !cell.is_empty()).count() > 1).count();
    let cells: Vec<usize> = rows
        .iter()
        .flat_map(|row| row.iter())
        .filter(|cell| !cell.is_empty())
        .map(|cell| cell.chars().count())
        .collect();
    let chars: usize = cells.iter().sum();
    rows.len() > 1 && full * 10 >= rows.len() * MIN_FULL && chars <= cells.len() * MAX_CELL_CHARS
}

#[cfg(test)]
mod tests {
    use super::super::lines::{rows, tests::glyphs};
    use super::*;

    fn page(lines: &[&[(&str, f32)]]) -> Vec<Row> {
        let mut all = Vec::new();
        for (index, line) in (0_u8..).zip(lines) {
            for (text, left) in *line {
                all.extend(glyphs(text, *left, 700.0 - f32::from(index) * 14.0, 10.0));
            }
        }
        rows(&all)
    }

    #[test]
    fn rows_in_the_same_columns_are_a_table() {
        let rows = page(&[
            &[("Part", 50.0), ("Number", 150.0), ("EUR", 290.0)],
            &[("Seal", 50.0), ("NF-12", 150.0), ("4.00", 285.0)],
            &[("Rotor", 50.0), ("12.50", 280.0)],
            &[("All prices without tax.", 50.0)],
        ]);
        let (table, count) = at_start(&rows).unwrap();
        assert_eq!(count, 3);
        assert_eq!(table.header, ["Part", "Number", "EUR"]);
        assert_eq!(table.rows[1].1, ["Rotor", "", "12.50"]);
    }

    #[test]
    fn words_with_wide_gaps_are_text() {
        let rows = page(&[
            &[("These words", 50.0), ("are set in block", 130.0)],
            &[("with gaps that do", 50.0), ("not stand", 160.0)],
            &[("in columns at all and", 50.0), ("end", 180.0)],
        ]);
        assert!(at_start(&rows).is_none());
    }
}

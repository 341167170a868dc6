//! The cells of a sheet that have a value.

use std::ops::Range;

use calamine::Dimensions;

use crate::extract::grid::Row;

/// The longest text that is repeated in the rows that its cell reaches, in bytes.
const MAX_REPEATED_BYTES: usize = 200;
/// The longest text of a cell that tells what a note is about, in characters.
const MAX_ABOUT_CHARS: usize = 80;
/// The places of rows that merged cells fill, at most.
const MAX_FILLED: usize = 1_000_000;

/// Cells in the order of their rows.
#[derive(Default)]
pub(super) struct Cells {
    rows: Vec<(u32, Vec<(u32, String)>)>,
    wide: Vec<(u32, Range<u32>)>,
    left_out_from: Option<u32>,
}

impl Cells {
    /// Adds a cell. Returns whether there may be another one: each place of its row up to it counts as one of
    /// those that are left, which keeps a sheet of far cells within the memory.
    pub(super) fn push(&mut self, (row, column): (u32, u32), text: String, left: &mut usize) -> bool {
        if text.is_empty() {
            return true;
        }
        let last = self.rows.last().filter(|(number, _)| *number == row);
        let before = last.and_then(|(_, cells)| cells.last()).map(|(column, _)| column + 1);
        let places = column.saturating_sub(before.unwrap_or(0)) as usize + 1;
        let Some(rest) = left.checked_sub(places) else {
            self.rows.retain(|(number, _)| *number != row);
            self.left_out_from = Some(row + 1);
            return false;
        };
        *left = rest;
        match self.rows.last_mut().filter(|(number, _)| *number == row) {
            Some((_, cells)) => cells.push((column, text)),
            None => self.rows.push((row, vec![(column, text)])),
        }
        true
    }

    /// The first row that is left out, from 1.
    pub(super) const fn left_out_from(&self) -> Option<u32> {
        self.left_out_from
    }

    /// Gives the text of merged cells to each row that they reach.
    pub(super) fn merge(&mut self, merged: &[Dimensions]) {
        self.rows.sort_by_key(|(number, _)| *number);
        let mut left = MAX_FILLED;
        for Dimensions { start: (top, column), end: (bottom, last) } in merged {
            if last > column {
                self.wide.push((*top, *column..last + 1));
            }
            let first = self.rows.partition_point(|(number, _)| number < top);
            let end = self.rows.partition_point(|(number, _)| number <= bottom);
            let Some((row, below)) = self.rows.get_mut(first..end).and_then(<[_]>::split_first_mut) else {
                continue;
            };
            let text = row.1.iter().find(|(at, _)| at == column).map(|(_, text)| text.clone());
            let Some(text) = text.filter(|text| row.0 == *top && text.len() <= MAX_REPEATED_BYTES) else {
                continue;
            };
            for (_, cells) in below.iter_mut().take(left) {
                if !cells.iter().any(|(at, _)| at == column) {
                    cells.push((*column, text.clone()));
                }
            }
            left = left.saturating_sub(below.len());
        }
    }

    /// The texts of a cell and of the first cell of its row, shortened. The rows are in order.
    pub(super) fn about(&self, row: u32, column: u32) -> String {
        let Ok(index) = self.rows.binary_search_by_key(&row, |(number, _)| *number) else {
            return String::new();
        };
        let cells = &self.rows[index].1;
        let own = cells.iter().find(|(at, _)| *at == column);
        let texts = cells.first().filter(|(at, _)| *at < column).into_iter().chain(own);
        let short = |text: &str| {
            let start = &text[..text.floor_char_boundary(4 * MAX_ABOUT_CHARS)];
            start.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(MAX_ABOUT_CHARS).collect()
        };
        texts.map(|(_, text)| short(text)).collect::<Vec<String>>().join(", ")
    }

    /// The first and the last row, and the first column, all from 0.
    pub(super) fn bounds(&self) -> Option<(u32, u32, u32)> {
        let columns = self.rows.iter().flat_map(|(_, cells)| cells.iter().map(|(column, _)| *column));
        Some((self.rows.first()?.0, self.rows.last()?.0, columns.min()?))
    }

    /// The rows, with an empty one where rows are missing.
    pub(super) fn into_rows(self) -> impl Iterator<Item = Row> {
        let left = self.bounds().map_or(0, |(_, _, column)| column);
        let Self { rows, mut wide, .. } = self;
        wide.sort_by_key(|(row, _)| *row);
        let mut next = None;
        rows.into_iter().flat_map(move |(number, cells)| {
            let gap = next.filter(|next| *next < number);
            next = Some(number + 1);
            let empty = gap.map(|gap| Row { number: gap + 1, cells: Vec::new(), wide: Vec::new() });
            let first = wide.partition_point(|(row, _)| *row < number);
            let wide = wide[first..].iter().take_while(|(row, _)| *row == number);
            let column = |at: u32| at.saturating_sub(left) as usize;
            let wide = wide.map(|(_, columns)| column(columns.start)..column(columns.end)).collect();
            let mut line: Vec<String> = Vec::new();
            for (at, text) in cells {
                let at = column(at);
                line.resize(line.len().max(at + 1), String::new());
                line[at] = text;
            }
            empty.into_iter().chain([Row { number: number + 1, cells: line, wide }])
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(places: &[(u32, u32, &str)], left: &mut usize) -> Cells {
        let mut cells = Cells::default();
        for (row, column, text) in places {
            if !cells.push((*row, *column), (*text).to_owned(), left) {
                break;
            }
        }
        cells
    }

    fn rows(cells: Cells) -> Vec<(u32, String)> {
        cells.into_rows().map(|row| (row.number, row.cells.join(","))).collect()
    }

    #[test]
    fn rows_beyond_the_limit_are_left_out() {
        let places = [(0, 0, "a"), (0, 1, "b"), (1, 0, "c"), (2, 1, "d")];
        for (limit, count, from) in [(5, 3, None), (4, 2, Some(3)), (2, 1, Some(2)), (1, 0, Some(1))] {
            let mut left = limit;
            let cells = cells(&places, &mut left);
            assert_eq!((cells.left_out_from(), rows(cells).len()), (from, count), "{limit}");
        }
    }

    #[test]
    fn a_far_cell_costs_no_empty_rows() {
        let read = rows(cells(&[(0, 2, "a"), (1_048_575, 2, "b")], &mut 10));
        assert_eq!(read, [(1, "a".into()), (2, String::new()), (1_048_576, "b".into())]);
    }

    #[test]
    fn merged_cells_fill_the_rows_below() {
        let mut cells = cells(&[(0, 0, "A"), (0, 1, "x"), (1, 1, "y"), (2, 0, "B"), (2, 1, "z")], &mut 99);
        cells.merge(&[Dimensions::new((0, 0), (1, 0)), Dimensions::new((2, 0), (1_000_000, 16_000))]);
        let rows = rows(cells);
        assert_eq!(rows, [(1, "A,x".into()), (2, "A,y".into()), (3, "B,z".into())]);
    }
}

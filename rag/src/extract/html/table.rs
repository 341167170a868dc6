//! A table of a page, which holds data or arranges the parts of the page.

use super::blocks::{Block, Kind};
use crate::vocabulary::Table;

/// The longest text of a cell of a table that is data.
const MAX_CELL_CHARS: usize = 600;

/// A table whose end is not reached.
#[derive(Default)]
pub(super) struct OpenTable {
    /// The blocks before the table.
    pub(super) before: Vec<Block>,
    pub(super) rows: Vec<Vec<Vec<Block>>>,
    pub(super) is_in_row: bool,
    pub(super) is_in_cell: bool,
    pub(super) has_table_inside: bool,
    /// The lists outside of the table.
    pub(super) lists: Vec<Option<u32>>,
}

impl OpenTable {
    /// Whether the rows are data. Other tables arrange the parts of a page.
    pub(super) fn is_data(&self) -> bool {
        let rows = self.rows.iter().filter(|row| !row.is_empty());
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let is_short = |cell: &Vec<Block>| {
            cell.iter().map(|block| block.text.chars().count()).sum::<usize>() <= MAX_CELL_CHARS
                && cell.iter().all(|block| !matches!(block.kind, Kind::Heading | Kind::Code | Kind::Table))
        };
        !self.has_table_inside && columns > 1 && rows.count() > 1 && self.rows.iter().flatten().all(is_short)
    }

    pub(super) fn markdown(self) -> String {
        let text = |cell: Vec<Block>| -> String {
            let texts: Vec<_> = cell.iter().map(|block| block.text.trim_start_matches("- ").trim()).collect();
            texts.join("; ").replace('\n', " ")
        };
        let mut rows = self.rows.into_iter().filter(|row| !row.is_empty());
        let mut lines = rows.by_ref().map(|row| row.into_iter().map(text).collect::<Vec<_>>());
        let header = lines.next().unwrap_or_default();
        Table { header, rows: (1..).zip(lines).collect() }.to_markdown()
    }
}

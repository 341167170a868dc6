//! A table of a page, which holds data or arranges the parts of the page.

use super::blocks::{Block, Kind};
use crate::extract::merged::{self, Cell, Merged, Span};

/// The longest text of a cell of a table that is data.
const MAX_CELL_CHARS: usize = 600;

/// A table whose end is not reached.
#[derive(Default)]
pub(super) struct OpenTable {
    /// The blocks before the table.
    pub(super) before: Vec<Block>,
    pub(super) rows: Vec<Vec<OpenCell>>,
    pub(super) is_in_row: bool,
    pub(super) is_in_cell: bool,
    pub(super) has_table_inside: bool,
    /// The lists outside of the table.
    pub(super) lists: Vec<Option<u32>>,
}

/// A cell, whose end may not be reached.
#[derive(Default)]
pub(super) struct OpenCell {
    pub(super) blocks: Vec<Block>,
    pub(super) span: Span,
}

impl OpenTable {
    /// Whether the rows are data. Other tables arrange the parts of a page.
    pub(super) fn is_data(&self) -> bool {
        let rows = self.rows.iter().filter(|row| !row.is_empty());
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let is_short = |cell: &OpenCell| {
            cell.blocks.iter().map(|block| block.text.chars().count()).sum::<usize>() <= MAX_CELL_CHARS
                && cell
                    .blocks
                    .iter()
                    .all(|block| !matches!(block.kind, Kind::Heading | Kind::Code | Kind::Table))
        };
        !self.has_table_inside && columns > 1 && rows.count() > 1 && self.rows.iter().flatten().all(is_short)
    }

    /// The texts of the cells, of which those above the columns are captions.
    pub(super) fn merged(self) -> Merged {
        let cell = |OpenCell { blocks, span }: OpenCell| {
            let texts: Vec<_> =
                blocks.iter().map(|block| block.text.trim_start_matches("- ").trim()).collect();
            Cell { text: texts.join("; ").replace('\n', " "), span }
        };
        merged::table(self.rows.into_iter().map(|row| row.into_iter().map(cell).collect()).collect())
    }
}

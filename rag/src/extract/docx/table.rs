//! A table whose end is not reached.

use quick_xml::events::BytesStart;

use crate::extract::merged::Slot;
use crate::extract::package::attribute;

/// The largest number of columns that one cell takes.
const MAX_COLUMNS: usize = 64;

/// The rows of a table so far.
#[derive(Default)]
pub(super) struct OpenTable {
    pub(super) rows: Vec<Vec<Slot>>,
    /// The text of the open cell.
    pub(super) cell: Option<String>,
    columns: usize,
    /// Whether the cell continues the one above it.
    continues: bool,
    is_header: bool,
}

impl OpenTable {
    pub(super) fn start_row(&mut self) {
        self.rows.push(Vec::new());
        self.is_header = false;
    }

    pub(super) fn start_cell(&mut self) {
        (self.cell, self.columns, self.continues) = (Some(String::new()), 1, false);
    }

    /// Reads a property of the open row or cell.
    pub(super) fn mark(&mut self, tag: &BytesStart<'_>) {
        let value = attribute(tag, b"val").unwrap_or_default();
        match tag.local_name().as_ref() {
            b"gridSpan" => self.columns = value.parse().unwrap_or(1).clamp(1, MAX_COLUMNS),
            b"vMerge" => self.continues = value != "restart",
            _ => self.is_header = !matches!(value.as_str(), "0" | "false" | "off"),
        }
    }

    pub(super) fn end_cell(&mut self) {
        let Some(text) = self.cell.take() else { return };
        let column = self.rows.last().map_or(0, Vec::len);
        let above = self.rows.len().checked_sub(2).and_then(|row| self.rows[row].get(column));
        let above = above.filter(|_| self.continues).map(Slot::repeated);
        let (is_below, is_name) = (above.is_some(), self.is_header);
        let slot = Slot { text: above.unwrap_or(text), is_rest: false, is_below, is_name };
        if let Some(row) = self.rows.last_mut() {
            let rest = Slot { text: slot.repeated(), is_rest: true, is_below, is_name };
            row.push(slot);
            row.extend(std::iter::repeat_n(rest, self.columns - 1));
        }
    }
}

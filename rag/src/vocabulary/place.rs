//! The place of a passage in its file, as a reader of the file would name it.

use serde::{Deserialize, Serialize};

/// The place of a passage in its file. Numbers count from 1.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Place {
    /// Pages.
    Pages {
        /// The first page.
        first: u32,
        /// The last page.
        last: u32,
    },
    /// A slide of a presentation.
    Slide {
        /// Its number.
        number: u32,
    },
    /// Cells of a spreadsheet.
    Cells {
        /// The name of the sheet.
        sheet: String,
        /// The letters of the first column.
        first_column: String,
        /// The letters of the last column.
        last_column: String,
        /// The first row below the header.
        first_row: u32,
        /// The last row.
        last_row: u32,
    },
    /// Rows of a file that is one table. The header is row 1.
    Rows {
        /// The first row below the header.
        first: u32,
        /// The last row.
        last: u32,
    },
}

impl Place {
    /// The place of some rows within the place of a table.
    #[must_use]
    pub fn at_rows(&self, first: u32, last: u32) -> Self {
        match self {
            Self::Cells { sheet, first_column, last_column, .. } => Self::Cells {
                sheet: sheet.clone(),
                first_column: first_column.clone(),
                last_column: last_column.clone(),
                first_row: first,
                last_row: last,
            },
            Self::Rows { .. } => Self::Rows { first, last },
            Self::Pages { .. } | Self::Slide { .. } => self.clone(),
        }
    }

    /// The first and the last row of a place in a table.
    #[must_use]
    pub const fn rows(&self) -> Option<(u32, u32)> {
        match self {
            Self::Cells { first_row: first, last_row: last, .. } | Self::Rows { first, last } => {
                Some((*first, *last))
            }
            Self::Pages { .. } | Self::Slide { .. } => None,
        }
    }

    /// The last page or slide; `None` for rows and cells.
    #[must_use]
    pub const fn last_page(&self) -> Option<u32> {
        match self {
            Self::Pages { last, .. } | Self::Slide { number: last } => Some(*last),
            Self::Cells { .. } | Self::Rows { .. } => None,
        }
    }

    /// The place from this one to a later one of the same kind; `None` where they are of two kinds or sheets.
    #[must_use]
    pub fn to(&self, end: &Self) -> Option<Self> {
        match (self, end) {
            (&Self::Pages { first, .. }, &Self::Pages { last, .. }) => Some(Self::Pages { first, last }),
            (&Self::Rows { first, .. }, &Self::Rows { last, .. }) => Some(Self::Rows { first, last }),
            (Self::Slide { number: a }, Self::Slide { number: b }) => (a == b).then(|| self.clone()),
            (
                Self::Cells { sheet, first_column, last_column, first_row, .. },
                Self::Cells { sheet: other, last_row, .. },
            ) => (sheet == other).then(|| Self::Cells {
                sheet: sheet.clone(),
                first_column: first_column.clone(),
                last_column: last_column.clone(),
                first_row: *first_row,
                last_row: *last_row,
            }),
            _ => None,
        }
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Pages { first, last } if first == last => write!(f, "page {first}"),
            Self::Pages { first, last } => write!(f, "pages {first}–{last}"),
            Self::Slide { number } => write!(f, "slide {number}"),
            Self::Cells { sheet, first_column, last_column, first_row, last_row } => {
                write!(f, "{sheet}!{first_column}{first_row}:{last_column}{last_row}")
            }
            Self::Rows { first, last } if first == last => write!(f, "row {first}"),
            Self::Rows { first, last } => write!(f, "rows {first}–{last}"),
        }
    }
}

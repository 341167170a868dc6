//! The place of a cited passage in its file.

use serde::{Deserialize, Serialize};

/// The place of a passage in its file. Numbers count from 1.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Place {
    /// Pages.
    Pages {
        /// First page.
        first: u32,
        /// Last page.
        last: u32,
    },
    /// A slide of a presentation.
    Slide {
        /// Number of the slide.
        number: u32,
    },
    /// Cells of a spreadsheet.
    Cells {
        /// Name of the sheet.
        sheet: String,
        /// Range of the cells, such as `A2:F9`, without the header.
        range: String,
    },
    /// Rows of a file that is one table. The header is row 1.
    Rows {
        /// First row below the header.
        first: u32,
        /// Last row.
        last: u32,
    },
}

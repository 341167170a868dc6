//! The place of a passage in its file, as the API shows it.

use rag::vocabulary::Place;
use serde::Serialize;
use utoipa::ToSchema;

/// The place of a passage in its file. Numbers count from 1.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
#[schema(as = Place)]
pub(in crate::api) enum PlaceShown {
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

impl From<Place> for PlaceShown {
    fn from(place: Place) -> Self {
        match place {
            Place::Pages { first, last } => Self::Pages { first, last },
            Place::Slide { number } => Self::Slide { number },
            Place::Rows { first, last } => Self::Rows { first, last },
            Place::Cells { sheet, first_column, last_column, first_row, last_row } => {
                Self::Cells { sheet, range: format!("{first_column}{first_row}:{last_column}{last_row}") }
            }
        }
    }
}

//! Names the place of a passage as events and the API do.

use aggregates::conversation::Place as PlaceInFile;
use rag::vocabulary::Place;

/// The place with the range of cells in one text, such as `A2:F9`.
pub fn place_in_file(place: Place) -> PlaceInFile {
    match place {
        Place::Pages { first, last } => PlaceInFile::Pages { first, last },
        Place::Slide { number } => PlaceInFile::Slide { number },
        Place::Rows { first, last } => PlaceInFile::Rows { first, last },
        Place::Cells { sheet, first_column, last_column, first_row, last_row } => {
            PlaceInFile::Cells { sheet, range: format!("{first_column}{first_row}:{last_column}{last_row}") }
        }
    }
}

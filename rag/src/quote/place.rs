//! The place of an excerpt: rows of a table have a place of their own within that of their source.

use super::candidates::Candidate;
use super::select::Excerpt;
use crate::cite::{Citation, place_of_rows};
use crate::markdown::Segment;
use crate::vocabulary::{Place, Source};

/// Cites a source for an excerpt of it. Rows of a table are cited with their own numbers and text.
pub(super) fn citation(number: u32, source: &Source, excerpt: &Excerpt) -> Citation {
    let citation = Citation::of(number, source);
    // The name of the sheet above its rows is a heading.
    let is_heading = |candidate: &&Candidate| matches!(candidate.segment, Segment::Heading(_));
    let rows: Vec<&Candidate> = excerpt.iter().filter(|candidate| !is_heading(candidate)).collect();
    match place_of_excerpt(source, &rows) {
        Some(place) => citation.at(place, rows.iter().map(|candidate| candidate.segment.text())),
        None => citation,
    }
}

/// The place of an excerpt that consists of rows; `None` where the numbers of the rows are not known.
fn place_of_excerpt(source: &Source, excerpt: &[&Candidate]) -> Option<Place> {
    let rows: Option<Vec<u32>> = excerpt
        .iter()
        .map(|candidate| match candidate.segment {
            Segment::Row { table: 1, row, .. } => Some(row),
            _ => None,
        })
        .collect();
    let rows = rows?;
    let (first, last) = (rows.iter().min()?, rows.iter().max()?);
    place_of_rows(source, *first, *last)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::super::candidates::candidates;
    use super::*;
    use crate::vocabulary::{DocumentId, PassageId, PassageText};

    fn cells(first_row: u32, last_row: u32) -> Place {
        Place::Cells {
            sheet: "Nails".into(),
            first_column: "B".into(),
            last_column: "C".into(),
            first_row,
            last_row,
        }
    }

    #[test]
    fn the_name_of_the_sheet_above_a_row_is_no_part_of_its_place() {
        let mut source = source(TABLE, cells(41, 44));
        source.passage.heading = vec!["Nails".into()];
        let excerpt: Vec<_> = candidates(std::slice::from_ref(&source)).into_iter().take(2).collect();
        assert_eq!(citation(1, &source, &excerpt).place.unwrap().to_string(), "Nails!B41:C41");
    }

    fn source(text: &str, place: Place) -> Source {
        Source {
            id: PassageId { document_id: DocumentId::from(Uuid::nil()), ordinal: 0 },
            passage: PassageText {
                title: "Stock".into(),
                text: text.into(),
                place: Some(place),
                ..PassageText::default()
            },
            score: 0.5,
            relevance: 0.5,
            merged: 0,
        }
    }

    /// The place and the snippet of the citation of the segments that contain a text.
    fn cited(source: &Source, text: &str) -> (String, String) {
        let mut excerpt = candidates(std::slice::from_ref(source));
        excerpt.retain(|candidate| candidate.segment.text().contains(text));
        let citation = citation(1, source, &excerpt);
        (citation.place.unwrap().to_string(), citation.snippet)
    }

    const TABLE: &str =
        "| Nail | Length |\n|---|---|\n| brad | 20 mm |\n|  |  |\n| tack | 12 mm |\n| spike | 90 mm |\n";

    #[test]
    fn a_quoted_row_is_cited_with_its_own_cells_and_text() {
        let source = source(TABLE, cells(41, 44));
        let tack = ("Nails!B43:C43".to_owned(), "Nail: tack; Length: 12 mm".to_owned());
        assert_eq!(cited(&source, "tack"), tack);
        assert_eq!(cited(&source, "mm").0, "Nails!B41:C44");
    }

    #[test]
    fn rows_whose_numbers_are_not_known_are_cited_with_their_passage() {
        assert_eq!(cited(&source(TABLE, cells(41, 60)), "tack").0, "Nails!B41:C60");
        let page = Place::Pages { first: 3, last: 3 };
        assert_eq!(cited(&source(TABLE, page), "tack").0, "page 3");
    }
}

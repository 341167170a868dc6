//! What was typed into the fields of a form, and what was noted on a page. Neither is text of the page.

use pdfium_render::prelude::{
    PdfFormField, PdfPage, PdfPageAnnotation, PdfPageAnnotationCommon as _, PdfRect,
};

use super::lines::{Piece, Row};
use crate::extract::encoding::nfc;

/// The largest number of fields and notes of a page.
const MAX_ANNOTATIONS: usize = 2_000;
/// The longest text of one.
const MAX_CHARS: usize = 10_000;

/// A text with its place on the page, if it has one.
pub(super) struct Field {
    text: String,
    bounds: Option<PdfRect>,
}

/// The fields and the notes of a page.
pub(super) fn of(page: &PdfPage<'_>) -> Vec<Field> {
    let annotations = page.annotations();
    let annotations = annotations.iter().take(MAX_ANNOTATIONS);
    annotations
        .filter_map(|annotation| {
            let (text, bounds) = match annotation.as_form_field() {
                Some(field) => (value(field)?, annotation.bounds().ok()),
                None => (note(&annotation)?, None),
            };
            let text: String =
                text.chars().filter(|c| !c.is_control() || *c == '\n').take(MAX_CHARS).collect();
            let text = nfc(text.trim());
            (!text.is_empty()).then_some(Field { text, bounds })
        })
        .collect()
}

fn value(field: &PdfFormField<'_>) -> Option<String> {
    match field {
        PdfFormField::Text(field) if field.is_password() => None,
        PdfFormField::Text(field) => field.value(),
        PdfFormField::ComboBox(field) => field.value(),
        PdfFormField::ListBox(field) => field.value(),
        PdfFormField::Checkbox(field) => Some(mark(field.is_checked().unwrap_or(false))),
        PdfFormField::RadioButton(field) => Some(mark(field.is_checked().unwrap_or(false))),
        _ => None,
    }
}

fn mark(is_checked: bool) -> String {
    if is_checked { "☒" } else { "☐" }.to_owned()
}

fn note(annotation: &PdfPageAnnotation<'_>) -> Option<String> {
    // A window shows the text of its note again.
    let is_window = matches!(annotation, PdfPageAnnotation::Popup(_) | PdfPageAnnotation::Link(_));
    annotation.contents().filter(|_| !is_window)
}

/// Puts fields beside the text that names them, and what has no place below the page.
pub(super) fn placed(mut rows: Vec<Row>, fields: Vec<Field>) -> Vec<Row> {
    for Field { text, bounds } in fields {
        let Some(bounds) = bounds else {
            let size = rows.last().map_or(1.0, Row::size);
            rows.push(Row { cells: vec![Piece { text, left: 0.0, right: 0.0, bottom: 0.0, size }] });
            continue;
        };
        let (left, right) = (bounds.left().value, bounds.right().value);
        let (bottom, top) = (bounds.bottom().value, bounds.top().value);
        let beside = rows.iter_mut().find(|row| {
            let middle = row.bottom() + row.size() / 2.0;
            (bottom..=top).contains(&middle) && row.cells.iter().any(|cell| cell.left < right)
        });
        if let Some(row) = beside {
            let (size, bottom) = (row.size(), row.bottom());
            let at = row.cells.iter().position(|cell| cell.left > left).unwrap_or(row.cells.len());
            row.cells.insert(at, Piece { text, left, right, bottom, size });
        } else {
            let at = rows.iter().position(|row| row.bottom() < bottom).unwrap_or(rows.len());
            let size = rows.iter().map(Row::size).fold(0.0, f32::max).min(top - bottom);
            rows.insert(at, Row { cells: vec![Piece { text, left, right, bottom, size }] });
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use pdfium_render::prelude::PdfPoints;

    use super::super::lines::{rows, tests::glyphs};
    use super::*;

    fn field(text: &str, place: Option<(f32, f32)>) -> Field {
        let bounds = place.map(|(left, bottom)| {
            let points = PdfPoints::new;
            PdfRect::new(points(bottom), points(left), points(bottom + 20.0), points(left + 80.0))
        });
        Field { text: text.into(), bounds }
    }

    #[test]
    fn fields_stand_beside_their_names_and_notes_below_the_page() {
        let page = [
            glyphs("Boat:", 50.0, 700.0, 10.0),
            glyphs("Length:", 50.0, 660.0, 10.0),
            glyphs("m", 300.0, 660.0, 10.0),
        ];
        let fields = [
            ("9.35", Some((200.0, 655.0))),
            ("Check.", None),
            ("Tern", Some((200.0, 695.0))),
            ("Kiel", Some((60.0, 600.0))),
        ];
        let fields = fields.map(|(text, place)| field(text, place)).into();
        let rows = placed(rows(&page.concat()), fields);
        let texts: Vec<String> = rows.iter().map(Row::text).collect();
        assert_eq!(texts, ["Boat: Tern", "Length: 9.35 m", "Kiel", "Check."]);
    }
}

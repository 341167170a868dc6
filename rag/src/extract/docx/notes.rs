//! Reads the footnotes, endnotes and comments of a document.

use quick_xml::Reader;
use quick_xml::events::Event;

use super::Beside;
use crate::extract::ExtractError;
use crate::extract::package::{attribute, push_reference};

/// Reads the notes of a part into `beside`. The lines that separate notes are notes too and have no text.
pub(super) fn read(xml: &str, kind: &'static str, beside: &mut Beside) -> Result<(), ExtractError> {
    let mut reader = Reader::from_str(xml);
    let (mut id, mut text, mut in_text) = (None::<String>, String::new(), false);
    loop {
        match reader.read_event().map_err(|_| ExtractError::Damaged)? {
            Event::Start(tag) => match tag.local_name().as_ref() {
                name if name == kind.as_bytes() => {
                    id = attribute(&tag, b"id");
                    text.clear();
                }
                b"t" => in_text = true,
                _ => {}
            },
            Event::Empty(tag) if matches!(tag.local_name().as_ref(), b"tab" | b"br") => text.push(' '),
            Event::Text(piece) if in_text => {
                text.push_str(&piece.decode().map_err(|_| ExtractError::Damaged)?);
            }
            Event::GeneralRef(reference) if in_text => push_reference(&mut text, &reference),
            Event::End(tag) => match tag.local_name().as_ref() {
                name if name == kind.as_bytes() => {
                    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
                    if let Some(id) = id.take().filter(|_| !text.is_empty()) {
                        beside.notes.insert((kind, id), text);
                    }
                }
                b"t" => in_text = false,
                b"p" => text.push(' '),
                _ => {}
            },
            Event::Eof => return Ok(()),
            _ => {}
        }
    }
}

//! Reads the text of a PowerPoint presentation before 2007, slide by slide.

use super::{Compound, size_at, stream, u16_at, u32_at, utf16, windows_1252};
use crate::extract::{ExtractError, encoding, escaped};
use crate::vocabulary::{Content, Markup, Part, Place};

/// Types of records.
const SLIDE: u16 = 1006;
const SLIDE_LIST: u16 = 4080;
const SLIDE_IN_LIST: u16 = 1011;
const TEXT_KIND: u16 = 3999;
const TEXT_UTF16: u16 = 4000;
const TEXT_BYTES: u16 = 4008;
/// The mark of an encrypted presentation, and its place in the stream of the current user.
const ENCRYPTED: u32 = 0xf3d1_c4df;
const MARK: usize = 12;
/// The deepest nesting of records. PowerPoint writes fewer than ten levels.
const MAX_DEPTH: usize = 64;

pub(super) fn parts(file: &mut Compound<'_>) -> Result<Vec<Part>, ExtractError> {
    let user = stream(file, "/Current User")?.unwrap_or_default();
    if u32_at(&user, MARK) == Some(ENCRYPTED) {
        return Err(ExtractError::Encrypted);
    }
    let bytes = stream(file, "/PowerPoint Document")?.ok_or(ExtractError::Damaged)?;
    let mut found = Found::default();
    walk(&bytes, &mut found);
    let count = found.listed.len().max(found.drawn.len());
    let slides = (0..count).map(|index| {
        let mut texts = found.listed.get(index).cloned().unwrap_or_default();
        let drawn = found.drawn.get(index).cloned().unwrap_or_default();
        texts.extend(drawn.into_iter().filter(|(_, text)| {
            !found.listed.get(index).is_some_and(|listed| listed.iter().any(|(_, other)| other == text))
        }));
        markdown(&texts)
    });
    let parts = (1..).zip(slides).map(|(number, text)| Part {
        heading: Vec::new(),
        content: Content::Text(Markup::Markdown, text),
        place: Some(Place::Slide { number }),
    });
    Ok(parts.collect())
}

/// A text and whether it is a title.
type Text = (bool, String);

#[derive(Default)]
struct Found {
    /// The texts of each slide in the list of slides, which is their order.
    listed: Vec<Vec<Text>>,
    /// The texts of each slide's drawing.
    drawn: Vec<Vec<Text>>,
}

/// Visits all records in order, without recursion.
fn walk(bytes: &[u8], found: &mut Found) {
    // The ends of the open containers, with whether they are the list of slides or a slide.
    let mut open: Vec<(usize, u16)> = Vec::new();
    let (mut at, mut is_title) = (0, false);
    while let (Some(version), Some(kind), Some(length)) =
        (u16_at(bytes, at), u16_at(bytes, at + 2), size_at(bytes, at + 4))
    {
        while open.last().is_some_and(|(end, _)| at >= *end) {
            open.pop();
        }
        let (start, end) = (at + 8, (at + 8).saturating_add(length));
        let is_container = version & 0xf == 0xf;
        if is_container && open.len() < MAX_DEPTH {
            // The list of the slides themselves has the instance 0; masters and notes have others.
            let kind = if kind == SLIDE_LIST && version >> 4 != 0 { 0 } else { kind };
            if kind == SLIDE && !open.iter().any(|(_, kind)| *kind == SLIDE) {
                found.drawn.push(Vec::new());
            }
            open.push((end, kind));
            at = start;
            continue;
        }
        let content = bytes.get(start..end.min(bytes.len())).unwrap_or_default();
        let texts = match open.iter().rev().find(|(_, kind)| matches!(*kind, SLIDE | SLIDE_LIST)) {
            Some((_, SLIDE)) => found.drawn.last_mut(),
            Some(_) if kind == SLIDE_IN_LIST => {
                found.listed.push(Vec::new());
                None
            }
            Some(_) => found.listed.last_mut(),
            None => None,
        };
        match kind {
            TEXT_KIND => is_title = matches!(u32_at(content, 0), Some(0 | 6)),
            TEXT_UTF16 | TEXT_BYTES => {
                let text = if kind == TEXT_UTF16 { utf16(content) } else { windows_1252(content) };
                if let Some(texts) = texts {
                    texts.push((is_title, encoding::nfc(&text)));
                }
                is_title = false;
            }
            _ => {}
        }
        at = end;
    }
}

fn markdown(texts: &[Text]) -> String {
    let mut markdown = String::new();
    for (is_title, text) in texts {
        let lines =
            text.split(['\r', '\u{b}']).map(str::trim).filter(|line| line.chars().any(char::is_alphanumeric));
        if *is_title {
            markdown.extend(["# ", &lines.collect::<Vec<_>>().join(" "), "\n\n"]);
        } else {
            lines.for_each(|line| markdown.extend([&escaped(line), "\n\n"]));
        }
    }
    markdown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(version: u16, kind: u16, content: &[u8]) -> Vec<u8> {
        let length = u32::try_from(content.len()).unwrap().to_le_bytes();
        [&version.to_le_bytes()[..], &kind.to_le_bytes(), &length, content].concat()
    }

    #[test]
    fn the_list_of_slides_gives_their_order_and_titles() {
        let title = record(0, TEXT_KIND, &0_u32.to_le_bytes());
        let list = [
            record(0, SLIDE_IN_LIST, &[0; 20]),
            title,
            record(0, TEXT_BYTES, b"Safety"),
            record(0, TEXT_BYTES, b"Wear goggles.\rNo food."),
        ];
        let box_text: Vec<u8> = "In a box.".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let slide = record(0xf, SLIDE, &record(0xf, 1036, &record(0, TEXT_UTF16, &box_text)));
        let bytes = [record(0xf, 1000, &record(0xf, SLIDE_LIST, &list.concat())), slide].concat();
        let mut found = Found::default();
        walk(&bytes, &mut found);
        assert_eq!(markdown(&found.listed[0]), "# Safety\n\nWear goggles.\n\nNo food.\n\n");
        assert_eq!(markdown(&found.drawn[0]), "In a box.\n\n");
    }
}

//! The passages of a document, packed: 50 MB of text have a hundred thousand.

use rag::extract::Omission;
use rag::vocabulary::{PassageText, Place};

use super::protocol;

/// The bytes of text from which the language is recognised.
const SAMPLE_BYTES: usize = 8_192;
/// The largest number of omissions that are kept. A process of this program tells fewer.
const MAX_OMISSIONS: usize = 32;

/// The passages of a document in order, which are unpacked one by one.
#[derive(Debug, Clone, Default)]
pub struct Passages {
    title: String,
    packed: Vec<u8>,
    /// Bytes of `packed` that were unpacked.
    read: usize,
    left: usize,
    /// The last page or slide.
    pages: Option<u32>,
    /// The parts of the file that are left out.
    omissions: Vec<Omission>,
    /// The beginning of the text.
    sample: String,
}

/// Packs a passage without its title, which all have in common: the number of its headings, each with its
/// length before it, its place as JSON with the length before it, and the text.
pub(super) fn pack(passage: &PassageText) -> std::io::Result<Vec<u8>> {
    let headings = u8::try_from(passage.heading.len()).map_err(|_| protocol::malformed())?;
    let mut bytes = vec![headings];
    for heading in &passage.heading {
        protocol::write_bytes(&mut bytes, heading.as_bytes())?;
    }
    let place = passage.place.as_ref().map(serde_json::to_vec).transpose()?;
    protocol::write_bytes(&mut bytes, &place.unwrap_or_default())?;
    bytes.extend_from_slice(passage.text.as_bytes());
    Ok(bytes)
}

impl Passages {
    pub(super) fn set_title(&mut self, title: String) {
        self.title = title;
    }

    /// Adds a packed passage. An invalid one is read as an empty text.
    pub(super) fn push(&mut self, packed: &[u8]) {
        if let Ok(length) = protocol::length(packed) {
            if let Some(passage) = self.unpack(packed) {
                self.note(&passage);
            }
            self.packed.extend_from_slice(&length);
            self.packed.extend_from_slice(packed);
            self.left += 1;
        }
    }

    fn note(&mut self, passage: &PassageText) {
        self.pages = self.pages.max(passage.place.as_ref().and_then(Place::last_page));
        if self.sample.len() < SAMPLE_BYTES {
            self.sample.push_str(&passage.text);
            self.sample.push('\n');
        }
    }

    /// The number of pages or slides up to the last one with text; `None` where the format has none.
    pub fn pages(&self) -> Option<u32> {
        self.pages
    }

    pub(super) fn omit(&mut self, omission: Omission) {
        if self.omissions.len() < MAX_OMISSIONS {
            self.omissions.push(omission);
        }
    }

    /// The parts of the file that are left out.
    pub fn omissions(&self) -> &[Omission] {
        &self.omissions
    }

    /// The language of the text, by its code of ISO 639-1.
    pub fn language(&self) -> Option<&'static str> {
        rag::extract::language_code(&self.sample)
    }

    fn unpack(&self, bytes: &[u8]) -> Option<PassageText> {
        let (&headings, mut rest) = bytes.split_first()?;
        let mut heading = Vec::with_capacity(usize::from(headings));
        for _ in 0..headings {
            let (one, after) = split_length(rest)?;
            heading.push(String::from_utf8_lossy(one).into_owned());
            rest = after;
        }
        let (place, rest) = split_length(rest)?;
        let place = serde_json::from_slice(place).ok();
        let text = String::from_utf8_lossy(rest).into_owned();
        Some(PassageText { title: self.title.clone(), heading, text, place, ..PassageText::default() })
    }
}

fn split_length(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    rest.split_at_checked(u32::from_le_bytes(*length) as usize)
}

impl Iterator for Passages {
    type Item = PassageText;

    fn next(&mut self) -> Option<PassageText> {
        let (passage, _) = split_length(self.packed.get(self.read..)?)?;
        self.read += 4 + passage.len();
        self.left = self.left.saturating_sub(1);
        let empty = || PassageText { title: self.title.clone(), ..PassageText::default() };
        Some(self.unpack(passage).unwrap_or_else(empty))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for Passages {}

#[cfg(test)]
mod tests {
    use rag::vocabulary::Place;

    use super::*;

    fn passage(heading: &[&str], text: &str) -> PassageText {
        let heading = heading.iter().map(|&one| one.to_owned()).collect();
        PassageText { title: "Lamps".into(), heading, text: text.into(), ..PassageText::default() }
    }

    #[test]
    fn passages_are_unpacked_as_they_were_packed() {
        let placed = PassageText { place: Some(Place::Slide { number: 3 }), ..passage(&["A"], "placed") };
        let all = [passage(&["A", "é"], "first"), passage(&[], ""), passage(&[""], "漢\0"), placed];
        let mut passages = Passages::default();
        passages.set_title("Lamps".into());
        for one in &all {
            passages.push(&pack(one).unwrap());
        }
        assert_eq!((passages.len(), passages.pages()), (4, Some(3)));
        assert_eq!(passages.collect::<Vec<_>>(), all);
    }

    #[test]
    fn a_malformed_passage_is_empty_and_the_next_one_is_read() {
        let mut passages = Passages::default();
        passages.push(&[9, 255, 255, 255, 255]);
        passages.push(&[]);
        passages.push(&pack(&passage(&[], "text")).unwrap());
        assert_eq!(passages.map(|one| one.text).collect::<Vec<_>>(), ["", "", "text"]);
    }
}

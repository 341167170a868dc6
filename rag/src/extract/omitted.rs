//! The parts of a file that are left out while the others are read, for the document's owner.

use serde::{Deserialize, Serialize};

/// The largest number of omissions of a document that are told one by one.
const MAX_TOLD: usize = 20;
/// The longest name that is told, in characters.
const MAX_NAME_CHARS: usize = 200;

/// A part of a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum OmittedPart {
    /// Pages of a PDF document, from 1.
    Pages {
        /// The first page.
        first: u32,
        /// The last page.
        last: u32,
    },
    /// A slide of a presentation, from 1.
    Slide(u32),
    /// A sheet of a workbook, by its name.
    Sheet(String),
    /// The rows of a sheet from this one on, from 1.
    Rows {
        /// The name of the sheet.
        sheet: String,
        /// The first row.
        first: u32,
    },
    /// A file inside an archive, a mail or a book, by its name.
    File(String),
    /// All behind this page or slide; `None` where there are none.
    Rest(Option<u32>),
    /// So many further parts.
    More(u32),
}

/// The reason for which a part is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum OmissionCause {
    /// A limit of size, number, depth, memory or time.
    Limit,
    /// The limit of pictures whose text is recognised, or of the time for that.
    RecognitionLimit,
    /// The part violates its format.
    Damaged,
    /// A password protects the part.
    Encrypted,
    /// The type of the file is not read.
    Unsupported,
    /// The part is a picture, and this installation reads none.
    NoRecognition,
}

/// A part that is left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Omission {
    /// The part.
    pub part: OmittedPart,
    /// The file inside the document that it belongs to; `None` for the document itself.
    pub file: Option<String>,
    /// The reason.
    pub cause: OmissionCause,
}

/// The omissions of a document, of which the first ones are told.
#[derive(Debug, Default)]
pub(super) struct Omissions {
    told: Vec<Omission>,
    more: u32,
}

impl Omissions {
    /// Adds an omission. Adjacent pages are one.
    pub(super) fn add(&mut self, omission: Omission) {
        if let Some(last) = self.told.last_mut()
            && let (OmittedPart::Pages { last: end, .. }, OmittedPart::Pages { first, last: new_end }) =
                (&mut last.part, &omission.part)
            && last.file == omission.file
            && last.cause == omission.cause
            && *end + 1 == *first
        {
            *end = *new_end;
        } else if self.told.len() < MAX_TOLD {
            self.told.push(omission);
        } else {
            self.more += 1;
        }
    }

    /// The omissions in order, with the number of those that are not told at the end.
    pub(super) fn into_told(self) -> Vec<Omission> {
        let part = OmittedPart::More(self.more);
        let more = (self.more > 0).then_some(Omission { part, file: None, cause: OmissionCause::Limit });
        self.told.into_iter().chain(more).collect()
    }
}

/// The last segment of a name as it is told.
pub(super) fn shown_name(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or(name);
    last.chars().filter(|c| !c.is_control()).take(MAX_NAME_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pages(first: u32, last: u32) -> Omission {
        let part = OmittedPart::Pages { first, last };
        Omission { part, file: None, cause: OmissionCause::Damaged }
    }

    #[test]
    fn adjacent_pages_are_one_omission_and_the_last_ones_are_counted() {
        let mut omissions = Omissions::default();
        for number in [1, 2, 3, 5, 6] {
            omissions.add(pages(number, number));
        }
        assert_eq!(omissions.into_told(), [pages(1, 3), pages(5, 6)]);
        let mut omissions = Omissions::default();
        for number in 1..=25 {
            omissions.add(pages(2 * number, 2 * number));
        }
        let told = omissions.into_told();
        let last = told.last().map(|omission| omission.part.clone());
        assert_eq!((told.len(), last), (MAX_TOLD + 1, Some(OmittedPart::More(5))));
    }

    #[test]
    fn a_name_is_told_without_its_folders_and_control_characters() {
        assert_eq!(shown_name("a/b\\c\u{7}.txt"), "c.txt");
        assert_eq!(shown_name(&"x".repeat(999)).len(), MAX_NAME_CHARS);
    }
}

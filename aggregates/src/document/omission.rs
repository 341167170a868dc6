//! The parts of a document's file that were left out while the others were indexed.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::named::named_enum;

named_enum! {
    /// The reason for which a part of a file was left out.
    pub enum OmissionCause {
        /// A limit of size, number, depth, memory or time.
        Limit = "limit",
        /// The limit of pictures whose text is recognised, or of the time for that.
        RecognitionLimit = "recognition_limit",
        /// The part violates its format.
        Damaged = "damaged",
        /// A password protects the part.
        Encrypted = "encrypted",
        /// The type of the file is not read.
        Unsupported = "unsupported",
        /// The part is a picture, and the installation reads none.
        NoRecognition = "no_recognition",
    }
}

/// A part of a file. Numbers count from 1.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum OmittedPart {
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
    /// A sheet of a workbook.
    Sheet {
        /// Its name.
        name: String,
    },
    /// The rows of a sheet from one on.
    Rows {
        /// The name of the sheet.
        sheet: String,
        /// The first row.
        first: u32,
    },
    /// A file inside an archive, a mail or a book.
    File {
        /// Its name.
        name: String,
    },
    /// All text behind a page or slide.
    Rest {
        /// The last page or slide before it; absent where there are none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        page: Option<u32>,
    },
    /// Further parts, which are not listed.
    More {
        /// Their number.
        count: u32,
    },
}

/// A part of a file that was left out.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Omission {
    /// The part.
    pub part: OmittedPart,
    /// The file inside the document that the part belongs to; absent for the document itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The reason.
    pub cause: OmissionCause,
}

/// The private part of `DocumentIndexed`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DocumentOmissions {
    /// The parts that were left out.
    pub omissions: Vec<Omission>,
}

impl DocumentOmissions {
    /// The omissions in words, as sentences; `None` without any.
    pub fn in_words(&self) -> Option<String> {
        let sentences: Vec<String> = self.omissions.iter().map(Omission::in_words).collect();
        (!sentences.is_empty()).then(|| sentences.join(" "))
    }
}

impl fmt::Debug for Omission {
    /// Prints the reason only, so that names cannot reach a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Omission({})", self.cause)
    }
}

impl fmt::Debug for OmittedPart {
    /// Prints no name, so that names cannot reach a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OmittedPart")
    }
}

impl Omission {
    /// The omission as a sentence.
    pub fn in_words(&self) -> String {
        let part = match &self.part {
            OmittedPart::Pages { first, last } if first == last => format!("Page {first}"),
            OmittedPart::Pages { first, last } => format!("Pages {first} to {last}"),
            OmittedPart::Slide { number } => format!("Slide {number}"),
            OmittedPart::Sheet { name } => format!("Sheet “{name}”"),
            OmittedPart::Rows { sheet, first } => format!("The rows of sheet “{sheet}” from row {first} on"),
            OmittedPart::File { name } => format!("File “{name}”"),
            OmittedPart::Rest { page: Some(page) } => format!("The text behind page {page}"),
            OmittedPart::Rest { page: None } => "The rest of the text".to_owned(),
            OmittedPart::More { count } => return format!("{count} more parts could not be read."),
        };
        let file = self.file.as_ref().map(|file| format!(" of “{file}”")).unwrap_or_default();
        let reason = match self.cause {
            OmissionCause::Limit => "could not be read within the limit",
            OmissionCause::RecognitionLimit => "could not be recognised within the limit",
            OmissionCause::Damaged => "could not be read because of damage",
            OmissionCause::Encrypted => "could not be read without a password",
            OmissionCause::Unsupported => "could not be read, because this type is not supported",
            OmissionCause::NoRecognition => {
                "could not be read, because Tesseract, which recognises text in pictures, is not installed"
            }
        };
        format!("{part}{file} {reason}.")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_omission_is_a_sentence() {
        let of = |part, file: Option<&str>, cause| Omission { part, file: file.map(str::to_owned), cause };
        for (omission, words) in [
            (
                of(OmittedPart::Pages { first: 41, last: 90 }, None, OmissionCause::RecognitionLimit),
                "Pages 41 to 90 could not be recognised within the limit.",
            ),
            (
                of(OmittedPart::Pages { first: 2, last: 2 }, Some("a.pdf"), OmissionCause::Damaged),
                "Page 2 of “a.pdf” could not be read because of damage.",
            ),
            (
                of(OmittedPart::File { name: "b.bin".into() }, None, OmissionCause::Unsupported),
                "File “b.bin” could not be read, because this type is not supported.",
            ),
            (
                of(OmittedPart::Rest { page: Some(7) }, None, OmissionCause::Limit),
                "The text behind page 7 could not be read within the limit.",
            ),
        ] {
            assert_eq!(omission.in_words(), words);
            assert!(!format!("{omission:?}").contains("b.bin"));
        }
    }
}

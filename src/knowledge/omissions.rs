//! Names the parts of a file that were left out as events and the API do.

use aggregates::document::{Omission, OmissionCause, OmittedPart};
use rag::extract;

/// An omission as events record it.
pub(super) fn recorded(omission: extract::Omission) -> Omission {
    let part = match omission.part {
        extract::OmittedPart::Pages { first, last } => OmittedPart::Pages { first, last },
        extract::OmittedPart::Slide(number) => OmittedPart::Slide { number },
        extract::OmittedPart::Sheet(name) => OmittedPart::Sheet { name },
        extract::OmittedPart::Rows { sheet, first } => OmittedPart::Rows { sheet, first },
        extract::OmittedPart::File(name) => OmittedPart::File { name },
        extract::OmittedPart::Rest(page) => OmittedPart::Rest { page },
        extract::OmittedPart::More(count) => OmittedPart::More { count },
    };
    let cause = match omission.cause {
        extract::OmissionCause::Limit => OmissionCause::Limit,
        extract::OmissionCause::RecognitionLimit => OmissionCause::RecognitionLimit,
        extract::OmissionCause::Damaged => OmissionCause::Damaged,
        extract::OmissionCause::Encrypted => OmissionCause::Encrypted,
        extract::OmissionCause::Unsupported => OmissionCause::Unsupported,
        extract::OmissionCause::NoRecognition => OmissionCause::NoRecognition,
    };
    Omission { part, file: omission.file, cause }
}

//! Reads the files that are attached to a PDF document, each as its own type, as those of an archive are.

use pdfium_render::prelude::PdfDocument;

use crate::extract::archive::Inside;
use crate::extract::{ExtractError, OmissionCause, OmittedPart};
use crate::vocabulary::{Part, Place};

/// The largest number of attachments that are read. PDFium looks each one up from the first.
const MAX_ATTACHMENTS: u16 = 500;
/// The largest attachment that is read, and the largest number of bytes of all. PDFium unpacks an attachment to
/// tell its size.
const MAX_ATTACHMENT_BYTES: usize = 64 << 20;
const MAX_ALL_BYTES: usize = 128 << 20;

/// Adds the parts of the attached files.
pub(super) fn read(
    document: &PdfDocument<'_>,
    inside: &Inside<'_>,
    parts: &mut Vec<Part>,
) -> Result<(), ExtractError> {
    let attachments = document.attachments();
    let count = attachments.len();
    let mut left = MAX_ALL_BYTES;
    for index in 0..count.min(MAX_ATTACHMENTS) {
        let Ok(attachment) = attachments.get(index) else { continue };
        let name = attachment.name();
        let length = attachment.len();
        if length == 0 {
            continue;
        }
        let fits = length <= MAX_ATTACHMENT_BYTES.min(left);
        left = left.saturating_sub(length);
        if !fits {
            inside.omit_file(&name, OmissionCause::Limit);
            if left == 0 {
                omit_rest(count - index - 1, inside);
                return Ok(());
            }
            continue;
        }
        let Ok(bytes) = attachment.save_to_bytes() else {
            inside.omit_file(&name, OmissionCause::Damaged);
            continue;
        };
        let first = parts.len();
        inside.read(&name, &bytes, parts)?;
        // The numbers of pages are those of the document itself.
        for part in &mut parts[first..] {
            part.place.take_if(|place| matches!(place, Place::Pages { .. }));
        }
    }
    omit_rest(count.saturating_sub(MAX_ATTACHMENTS), inside);
    Ok(())
}

fn omit_rest(count: u16, inside: &Inside<'_>) {
    if count > 0 {
        inside.omit(OmittedPart::More(u32::from(count)), OmissionCause::Limit);
    }
}

//! Reads a mail that Outlook saved.

use super::{Compound, stream, utf16};
use crate::extract::archive::Inside;
use crate::extract::{ExtractError, encoding, html, mail};
use crate::vocabulary::Part;

/// Properties of a mail and of an attachment.
const SUBJECT: &str = "0037";
const SENDER: &str = "0C1A";
const RECIPIENTS: &str = "0E04";
const BODY: &str = "1000";
const HTML_BODY: &str = "1013";
const NAME: &str = "3707";
const SHORT_NAME: &str = "3704";
const DATA: &str = "3701";

pub(super) fn parts(file: &mut Compound<'_>, inside: &Inside<'_>) -> Result<Vec<Part>, ExtractError> {
    let subject = text(file, "", SUBJECT)?;
    let body = match text(file, "", BODY)? {
        Some(body) => Some(body),
        None => match stream(file, &property("", HTML_BODY, "0102"))? {
            Some(html) => Some(html::convert(&encoding::decode_markup(&html)).markdown),
            None => text(file, "", HTML_BODY)?.map(|html| html::convert(&html).markdown),
        },
    };
    if subject.is_none() && body.is_none() {
        return Err(ExtractError::Damaged);
    }
    let fields = [("From", text(file, "", SENDER)?), ("To", text(file, "", RECIPIENTS)?)];
    let mut parts = vec![mail::part(subject.as_deref(), fields, body.as_deref().unwrap_or_default())];
    let attachments: Vec<String> = file
        .read_root_storage()
        .filter(|entry| entry.is_storage() && entry.name().starts_with("__attach_version1.0_"))
        .map(|entry| format!("/{}", entry.name()))
        .collect();
    for folder in attachments {
        let name = [NAME, SHORT_NAME].into_iter().find_map(|id| text(file, &folder, id).ok().flatten());
        let name = name.unwrap_or_default();
        match stream(file, &property(&folder, DATA, "0102")) {
            Ok(Some(bytes)) => inside.read(&name, &bytes, &mut parts)?,
            Ok(None) => {}
            Err(error) => inside.omit_file(&name, error.as_cause()),
        }
    }
    Ok(parts)
}

fn property(folder: &str, id: &str, kind: &str) -> String {
    format!("{folder}/__substg1.0_{id}{kind}")
}

/// A text, in UTF-16 or in the encoding of the sender's machine.
fn text(file: &mut Compound<'_>, folder: &str, id: &str) -> Result<Option<String>, ExtractError> {
    if let Some(bytes) = stream(file, &property(folder, id, "001F"))? {
        return Ok(Some(encoding::nfc(utf16(&bytes).trim_end_matches('\0'))));
    }
    Ok(stream(file, &property(folder, id, "001E"))?.map(|bytes| encoding::decode(&bytes)))
}

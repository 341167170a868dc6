//! Reads a mail that Outlook saved.

use super::{Compound, stream, utf16};
use crate::extract::archive::Inside;
use crate::extract::{ExtractError, OmissionCause, encoding, html, mail};
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

/// The deepest mail within mails that is read.
const MAX_DEPTH: usize = 4;
/// The place of a mail that is attached to another one.
const ATTACHED: &str = "__substg1.0_3701000D";

pub(super) fn parts(file: &mut Compound<'_>, inside: &Inside<'_>) -> Result<Vec<Part>, ExtractError> {
    let mut parts = Vec::new();
    if message(file, "", inside, &mut parts, 0)? { Ok(parts) } else { Err(ExtractError::Damaged) }
}

/// Reads the mail in a folder of the file. Returns whether there is one.
fn message(
    file: &mut Compound<'_>,
    folder: &str,
    inside: &Inside<'_>,
    parts: &mut Vec<Part>,
    depth: usize,
) -> Result<bool, ExtractError> {
    let subject = text(file, folder, SUBJECT)?;
    let body = match text(file, folder, BODY)? {
        Some(body) => Some(body),
        None => match stream(file, &property(folder, HTML_BODY, "0102"))? {
            Some(html) => Some(html::convert(&encoding::decode_markup(&html)).markdown),
            None => text(file, folder, HTML_BODY)?.map(|html| html::convert(&html).markdown),
        },
    };
    if subject.is_none() && body.is_none() {
        return Ok(false);
    }
    let fields = [("From", text(file, folder, SENDER)?), ("To", text(file, folder, RECIPIENTS)?)];
    parts.push(mail::part(subject.as_deref(), fields, body.as_deref().unwrap_or_default()));
    let root = if folder.is_empty() { "/" } else { folder };
    let entries = file.read_storage(root).map_err(|_| ExtractError::Damaged)?;
    let attachments: Vec<String> = entries
        .filter(|entry| entry.is_storage() && entry.name().starts_with("__attach_version1.0_"))
        .map(|entry| format!("{folder}/{}", entry.name()))
        .collect();
    for attachment in attachments {
        let name = [NAME, SHORT_NAME].into_iter().find_map(|id| text(file, &attachment, id).ok().flatten());
        let name = name.unwrap_or_default();
        let attached = format!("{attachment}/{ATTACHED}");
        match stream(file, &property(&attachment, DATA, "0102")) {
            Ok(Some(bytes)) => inside.read(&name, &bytes, parts)?,
            Ok(None) if !file.is_storage(&attached) => {}
            Ok(None) if depth == MAX_DEPTH => inside.omit_file(&name, OmissionCause::Limit),
            Ok(None) => {
                if !message(file, &attached, inside, parts, depth + 1)? {
                    inside.omit_file(&name, OmissionCause::Unsupported);
                }
            }
            Err(error) => inside.omit_file(&name, error.as_cause()),
        }
    }
    Ok(true)
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

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Write as _};

    use crate::extract::{MediaType, Tools, extract};

    #[test]
    fn a_mail_attached_to_a_mail_is_read() {
        let mut file = cfb::CompoundFile::create(Cursor::new(Vec::new())).unwrap();
        let attached = "/__attach_version1.0_#00000000/__substg1.0_3701000D";
        file.create_storage_all(attached).unwrap();
        for (folder, subject, body) in
            [("", "Fwd: kiln", "See below."), (attached, "Kiln", "It cools overnight.")]
        {
            for (id, text) in [("0037", subject), ("1000", body)] {
                let text: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
                let stream = file.create_stream(format!("{folder}/__substg1.0_{id}001F"));
                stream.unwrap().write_all(&text).unwrap();
            }
        }
        file.flush().unwrap();
        let bytes = file.into_inner().into_inner();
        let text = extract(MediaType::Msg, &bytes, &Tools::default()).unwrap().text();
        assert!(
            text.contains("See below.") && text.contains("# Kiln") && text.contains("overnight"),
            "{text}"
        );
    }
}

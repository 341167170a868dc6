//! Reads compound files: documents of Office before 2007, mails of Outlook, and encrypted files of Office.

mod doc;
mod msg;
mod ppt;

use std::io::{Cursor, Read as _};

use super::archive::Inside;
use super::{ExtractError, sheets};
use crate::vocabulary::Part;

/// The largest stream that is read.
const MAX_STREAM_BYTES: u64 = 64 << 20;

type Compound<'a> = cfb::CompoundFile<Cursor<&'a [u8]>>;

/// Reads a compound file of any of these kinds.
pub(super) fn parts(bytes: &[u8], inside: &Inside<'_>) -> Result<Vec<Part>, ExtractError> {
    let mut file = cfb::CompoundFile::open(Cursor::new(bytes)).map_err(|_| ExtractError::Damaged)?;
    if file.exists("/EncryptedPackage") {
        return Err(ExtractError::Encrypted);
    }
    if file.exists("/WordDocument") {
        return doc::parts(&mut file);
    }
    if file.exists("/PowerPoint Document") {
        return ppt::parts(&mut file);
    }
    if file.exists("/Workbook") || file.exists("/Book") {
        return sheets::parts(bytes, inside);
    }
    msg::parts(&mut file, inside)
}

/// The bytes of a stream; `None` if there is none of this name.
fn stream(file: &mut Compound<'_>, path: &str) -> Result<Option<Vec<u8>>, ExtractError> {
    if !file.is_stream(path) {
        return Ok(None);
    }
    let stream = file.open_stream(path).map_err(|_| ExtractError::Damaged)?;
    let mut bytes = Vec::new();
    stream.take(MAX_STREAM_BYTES).read_to_end(&mut bytes).map_err(|_| ExtractError::Damaged)?;
    Ok(Some(bytes))
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(bytes.get(at..at.checked_add(2)?)?.try_into().ok()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?))
}

fn size_at(bytes: &[u8], at: usize) -> Option<usize> {
    usize::try_from(u32_at(bytes, at)?).ok()
}

fn utf16(bytes: &[u8]) -> String {
    let units: Vec<u16> = bytes.as_chunks::<2>().0.iter().map(|pair| u16::from_le_bytes(*pair)).collect();
    String::from_utf16_lossy(&units)
}

fn windows_1252(bytes: &[u8]) -> String {
    encoding_rs::WINDOWS_1252.decode_without_bom_handling(bytes).0.into_owned()
}

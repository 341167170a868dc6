//! Decodes text: by its byte order mark, by the encoding that it declares, as UTF-8, or by the encoding that
//! its bytes look like. The result is in Unicode normalization form C.

mod code_page;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, ISO_2022_JP, UTF_8, UTF_16BE, UTF_16LE};
use unicode_normalization::{UnicodeNormalization as _, is_nfc_quick};

pub(super) use code_page::Charset;
use code_page::{CodePage, reread};

/// The bytes at the start in which a declaration of the encoding is looked for.
const DECLARATION_BYTES: usize = 2_048;
/// The byte order marks of UTF-32.
const UTF32_MARKS: [[u8; 4]; 2] = [[0xff, 0xfe, 0, 0], [0, 0, 0xfe, 0xff]];
/// The bytes that tell UTF-16 from other encodings.
const UTF16_BYTES: usize = 8_192;

/// Decodes a text whose encoding is not known.
pub(super) fn decode(bytes: &[u8]) -> String {
    decode_as(bytes, None)
}

/// Decodes a text that is said to have an encoding. A text that is not in the encoding is recognised.
pub(super) fn decode_as(bytes: &[u8], label: Option<&str>) -> String {
    if let Some(text) = utf32(bytes) {
        return cleaned(nfc(&text));
    }
    if let Some((encoding, mark)) = Encoding::for_bom(bytes) {
        return decoded(encoding, &bytes[mark..]);
    }
    let is_utf8 = std::str::from_utf8(bytes).is_ok() && !has_nul(bytes);
    let said = label.and_then(|label| Encoding::for_label(label.trim().as_bytes()));
    if let Some(encoding) = said.filter(|encoding| is_credible(encoding, bytes, is_utf8)) {
        let (text, had_errors) = encoding.decode_without_bom_handling(bytes);
        if !had_errors {
            return cleaned(nfc(&text));
        }
    }
    if let Some(page) = label.and_then(CodePage::for_label).filter(|_| !is_utf8) {
        return cleaned(nfc(&page.decode(bytes)));
    }
    if is_utf8 && shifts_to_kanji(bytes) {
        let (text, had_errors) = ISO_2022_JP.decode_without_bom_handling(bytes);
        if !had_errors {
            return cleaned(nfc(&text));
        }
    }
    if let Ok(text) = std::str::from_utf8(bytes)
        && is_utf8
    {
        return cleaned(nfc(text));
    }
    if let Some(encoding) = utf16(bytes) {
        return decoded(encoding, bytes);
    }
    if is_mostly_utf8(bytes) {
        return cleaned(nfc(&String::from_utf8_lossy(bytes)));
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Allow);
    detector.feed(bytes, true);
    let read = detector.guess(None, Utf8Detection::Deny).decode_without_bom_handling(bytes).0;
    cleaned(nfc(&reread(bytes, &read).unwrap_or_else(|| read.into_owned())))
}

/// Whether bytes begin with the byte order mark of UTF-16 or UTF-32.
pub(super) fn is_marked(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") || bytes.starts_with(&UTF32_MARKS[1])
}

/// The text of bytes in UTF-32 with a byte order mark.
fn utf32(bytes: &[u8]) -> Option<String> {
    let order = UTF32_MARKS.iter().position(|mark| bytes.starts_with(mark))?;
    let unit = if order == 0 { u32::from_le_bytes } else { u32::from_be_bytes };
    let (units, _) = bytes.as_chunks::<4>();
    let read = |bytes: &[u8; 4]| char::from_u32(unit(*bytes)).unwrap_or(char::REPLACEMENT_CHARACTER);
    Some(units.iter().skip(1).map(read).collect())
}

/// Decodes a page or an XML file, which may declare its encoding.
pub(super) fn decode_markup(bytes: &[u8]) -> String {
    decode_as(bytes, declared(bytes).as_deref())
}

/// Brings a text into Unicode normalization form C.
pub(super) fn nfc(text: &str) -> String {
    match is_nfc_quick(text.chars()) {
        unicode_normalization::IsNormalized::Yes => text.to_owned(),
        _ => text.nfc().collect(),
    }
}

fn decoded(encoding: &'static Encoding, bytes: &[u8]) -> String {
    cleaned(nfc(&encoding.decode_without_bom_handling(bytes).0))
}

/// Whether bytes may be in the encoding that their text names. The text is read as ASCII, so it is not in
/// UTF-16; and what is UTF-8 by its bytes is in no encoding of one byte a character.
fn is_credible(encoding: &'static Encoding, bytes: &[u8], is_utf8: bool) -> bool {
    let is_contradicted = is_utf8 && !bytes.is_ascii() && encoding.is_single_byte();
    ![UTF_8, UTF_16LE, UTF_16BE].contains(&encoding) && !is_contradicted
}

/// Whether ASCII bytes have the sequences by which ISO-2022-JP begins Japanese characters.
fn shifts_to_kanji(bytes: &[u8]) -> bool {
    bytes.is_ascii()
        && [b"\x1b$B", b"\x1b$@"].iter().any(|shift| memchr::memmem::find(bytes, *shift).is_some())
}

/// A text whose lines end in line feeds, as it is read: without the control characters of a terminal, and
/// without what a backspace takes back.
fn cleaned(text: String) -> String {
    if !text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\t')) {
        return text;
    }
    let mut read = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\r' => {
                chars.next_if_eq(&'\n');
                read.push('\n');
            }
            '\u{c}' | '\u{b}' | '\u{85}' => read.push('\n'),
            '\u{8}' => {
                if !read.ends_with('\n') {
                    read.pop();
                }
            }
            // Colours and the like: parameters and a letter.
            '\u{1b}' if chars.next_if_eq(&'[').is_some() => {
                while chars.next_if(|c| matches!(c, '0'..='9' | ';' | '?')).is_some() {}
                chars.next_if(char::is_ascii_alphabetic);
            }
            c if c.is_control() && !matches!(c, '\n' | '\t') => {}
            c => read.push(c),
        }
    }
    read
}

/// The value of the first `charset=` or `encoding=` at the start of a file.
fn declared(bytes: &[u8]) -> Option<String> {
    let head = String::from_utf8_lossy(bytes.get(..DECLARATION_BYTES.min(bytes.len()))?).to_ascii_lowercase();
    let after = |key: &str| Some(head.get(head.find(key)? + key.len()..)?.trim_start());
    let value = after("charset").or_else(|| after("encoding"))?.strip_prefix('=')?;
    let value = value.trim_start().trim_start_matches(['"', '\'']);
    let end = value.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | ':')));
    Some(value[..end.unwrap_or(value.len())].to_owned()).filter(|label| !label.is_empty())
}

/// Whether bytes are UTF-8 with some damage: most sequences of several bytes are whole.
fn is_mostly_utf8(bytes: &[u8]) -> bool {
    let (mut whole, mut broken) = (0_usize, 0_usize);
    for chunk in bytes.utf8_chunks() {
        whole += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
        broken += usize::from(!chunk.invalid().is_empty());
    }
    whole > broken * 3
}

fn has_nul(bytes: &[u8]) -> bool {
    bytes.contains(&0)
}

/// Recognises UTF-16 without a byte order mark: by the places of its NULs, or by the spaces, line ends and
/// punctuation that only one order of the bytes has.
pub(super) fn utf16(bytes: &[u8]) -> Option<&'static Encoding> {
    let head = bytes.get(..UTF16_BYTES.min(bytes.len()) & !1)?;
    if head.len() < 4 || !bytes.len().is_multiple_of(2) {
        return None;
    }
    let nuls = |offset: usize| head.iter().skip(offset).step_by(2).filter(|byte| **byte == 0).count();
    let (even, odd) = (nuls(0), nuls(1));
    let units = head.len() / 2;
    if odd * 5 > units && even * 20 < units {
        return Some(UTF_16LE);
    }
    if even * 5 > units && odd * 20 < units {
        return Some(UTF_16BE);
    }
    let marks = |unit: fn([u8; 2]) -> u16| {
        head.as_chunks::<2>().0.iter().filter(|pair| is_mark(unit(**pair))).count()
    };
    let (little, big) = (marks(u16::from_le_bytes), marks(u16::from_be_bytes));
    let encoding = if little > big * 4 {
        UTF_16LE
    } else if big > little * 4 {
        UTF_16BE
    } else {
        return None;
    };
    (has_nul(head) && is_readable(encoding, head)).then_some(encoding)
}

const fn is_mark(unit: u16) -> bool {
    matches!(unit, 0x0a | 0x0d | 0x20 | 0x2c | 0x2e | 0x3001 | 0x3002 | 0xff0c | 0xff1a)
}

/// Whether a text decodes to characters that are assigned and no control characters.
fn is_readable(encoding: &'static Encoding, bytes: &[u8]) -> bool {
    let (text, _) = encoding.decode_without_bom_handling(bytes);
    let odd = text.chars().filter(|c| {
        *c == '\u{fffd}'
            || c.is_control() && !matches!(c, '\n' | '\r' | '\t')
            || ('\u{e000}'..='\u{f8ff}').contains(c)
    });
    odd.count() * 50 <= text.chars().count()
}

#[cfg(test)]
mod tests;

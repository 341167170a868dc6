//! The encodings that documents name by numbers.

use encoding_rs::WINDOWS_1252;

use crate::extract::encoding::Charset;

/// The encoding of a font with this number of a set of characters; `None` where the document's is meant.
pub(super) fn charset(number: i32) -> Option<Charset> {
    Some(match number {
        77 => code_page(10_000),
        128 => code_page(932),
        129 => code_page(949),
        134 => code_page(936),
        136 => code_page(950),
        161 => code_page(1253),
        162 => code_page(1254),
        163 => code_page(1258),
        177 => code_page(1255),
        178 => code_page(1256),
        186 => code_page(1257),
        204 => code_page(1251),
        222 => code_page(874),
        238 => code_page(1250),
        255 => code_page(850),
        _ => return None,
    })
}

/// The encoding of a code page; that of Western Windows for an unknown one.
pub(super) fn code_page(number: i32) -> Charset {
    Charset::of_code_page(number).unwrap_or(Charset::Known(WINDOWS_1252))
}

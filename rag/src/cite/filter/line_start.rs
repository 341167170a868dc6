//! Recognises code blocks and list items by the beginning of their line.

use crate::cite::lookahead::{Ahead, Waiting};

/// The longest line that opens a code block.
const MAX_INFO_BYTES: usize = 200;

/// The fence that opens a code block at the start of a line.
pub(super) fn opening_fence(here: Ahead<'_>, first: char) -> Result<Option<(char, usize)>, Waiting> {
    if !matches!(first, '`' | '~') {
        return Ok(None);
    }
    let length = here.run(first)?;
    if length < 3 {
        return Ok(None);
    }
    let rest = here.skip(length);
    let window = &rest.text[..rest.text.floor_char_boundary(MAX_INFO_BYTES)];
    let info = match window.find('\n') {
        Some(end) => &window[..end],
        None if rest.is_end || window.contains('`') || rest.text.len() >= MAX_INFO_BYTES => window,
        None => return Err(Waiting),
    };
    let is_code = first == '~' || !info.contains('`');
    Ok(is_code.then_some((first, length)))
}

/// Whether a line starts as an item of a list.
pub(super) fn is_list_item(here: Ahead<'_>, first: char) -> Result<bool, Waiting> {
    let mark = match first {
        '-' | '*' | '+' => 1,
        '0'..='9' => {
            let digits = here.text.len() - here.text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            if digits > 9 || !matches!(here.skip(digits).next()?, Some('.' | ')')) {
                return Ok(false);
            }
            digits + 1
        }
        _ => return Ok(false),
    };
    Ok(here.skip(mark).next()?.is_some_and(char::is_whitespace))
}

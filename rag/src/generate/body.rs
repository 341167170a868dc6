//! Divides the body of a response into the data of its events, in whichever form it comes: Server-Sent
//! Events, one JSON document, or JSON lines.

use serde::de::IgnoredAny;

use super::sse::{Event, EventParser};

/// The longest body that is one JSON document.
const MAX_JSON_BYTES: usize = 8 << 20;
/// The longest body in all.
const MAX_BODY_BYTES: usize = 64 << 20;

/// The body is longer than this reader accepts.
#[derive(Debug)]
pub(super) struct TooLong;

/// A body as far as it has arrived.
#[derive(Default)]
pub(super) struct Body {
    form: Form,
    read: usize,
}

#[derive(Default)]
enum Form {
    /// Nothing but white space has arrived.
    #[default]
    Unknown,
    Events(EventParser),
    Json(Vec<u8>),
}

impl Body {
    /// Returns the events that these bytes complete.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<Vec<Event>, TooLong> {
        self.read += bytes.len();
        if self.read > MAX_BODY_BYTES {
            return Err(TooLong);
        }
        let mut bytes = bytes;
        if matches!(self.form, Form::Unknown) {
            // White space and the parts of a byte order mark say nothing about the form.
            let blank = |b: &u8| b.is_ascii_whitespace() || matches!(b, 0xef | 0xbb | 0xbf);
            let Some(start) = bytes.iter().position(|byte| !blank(byte)) else { return Ok(vec![]) };
            bytes = &bytes[start..];
            self.form = match bytes.first() {
                Some(b'{' | b'[') => Form::Json(Vec::new()),
                _ => Form::Events(EventParser::default()),
            };
        }
        match &mut self.form {
            Form::Unknown => Ok(vec![]),
            Form::Events(parser) => parser.push(bytes).map_err(|_| TooLong),
            Form::Json(json) => {
                json.extend_from_slice(bytes);
                if json.len() > MAX_JSON_BYTES {
                    return Err(TooLong);
                }
                // Some servers keep the connection open behind the document.
                let ends = json.trim_ascii_end().ends_with(b"}");
                let is_whole = ends && serde_json::from_slice::<IgnoredAny>(json).is_ok();
                Ok(is_whole.then(|| document(&std::mem::take(json))).into_iter().collect())
            }
        }
    }

    /// Returns the rest: an event without the empty line behind it, or the JSON document.
    pub(super) fn finish(self) -> Option<Event> {
        match self.form {
            Form::Unknown => None,
            Form::Events(parser) => parser.finish(),
            Form::Json(json) => (!json.trim_ascii().is_empty()).then(|| document(&json)),
        }
    }
}

fn document(json: &[u8]) -> Event {
    Event { is_error: false, data: String::from_utf8_lossy(json).into_owned() }
}

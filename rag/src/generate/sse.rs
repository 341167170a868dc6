//! Parses Server-Sent Events: bytes in, the `data` of complete events out. Does not interpret the data.

/// The longest accepted event. A chat completion chunk is far shorter.
const MAX_EVENT_BYTES: usize = 1 << 20;

/// An event is longer than [`MAX_EVENT_BYTES`].
#[derive(Debug)]
pub(super) struct EventTooLong;

/// An event with data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Event {
    /// Whether the event is named `error`.
    pub(super) is_error: bool,
    pub(super) data: String,
}

/// Collects bytes until events are complete.
#[derive(Default)]
pub(super) struct EventParser {
    line: Vec<u8>,
    data: Vec<u8>,
    is_error: bool,
    after_cr: bool,
}

impl EventParser {
    /// Returns the events that these bytes complete.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<Vec<Event>, EventTooLong> {
        let mut events = Vec::new();
        for &byte in bytes {
            let ends_cr = std::mem::take(&mut self.after_cr);
            match byte {
                b'\n' if ends_cr => {}
                b'\n' | b'\r' => {
                    self.after_cr = byte == b'\r';
                    let line = std::mem::take(&mut self.line);
                    events.extend(self.end_of_line(&line));
                }
                _ => self.line.push(byte),
            }
            if self.line.len() + self.data.len() > MAX_EVENT_BYTES {
                return Err(EventTooLong);
            }
        }
        Ok(events)
    }

    /// Returns the event at the end of the stream that no empty line ends.
    pub(super) fn finish(mut self) -> Option<Event> {
        let line = std::mem::take(&mut self.line);
        self.end_of_line(&line).or_else(|| self.end_of_line(b""))
    }

    fn end_of_line(&mut self, line: &[u8]) -> Option<Event> {
        if line.is_empty() {
            let mut data = std::mem::take(&mut self.data);
            let is_error = std::mem::take(&mut self.is_error);
            return data.pop().map(|_| Event { is_error, data: String::from_utf8_lossy(&data).into_owned() });
        }
        if let Some(value) = line.strip_prefix(b"data:") {
            self.data.extend_from_slice(value.strip_prefix(b" ").unwrap_or(value));
            self.data.push(b'\n');
        } else if let Some(name) = line.strip_prefix(b"event:") {
            self.is_error = name.trim_ascii() == b"error";
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn comments_and_other_fields_are_skipped_and_lines_joined() {
        let stream = ": hello\r\n\r\nevent: x\r\ndata: {\"a\":\r\ndata:1}\r\n\r\ndata: [DONE]\n\n";
        let events = EventParser::default().push(stream.as_bytes()).unwrap();
        let data: Vec<&str> = events.iter().map(|event| event.data.as_str()).collect();
        assert_eq!(data, ["{\"a\":\n1}", "[DONE]"]);
    }

    #[test]
    fn an_incomplete_event_is_not_returned() {
        assert!(EventParser::default().push(b"data: half").unwrap().is_empty());
    }

    #[test]
    fn the_last_event_needs_no_empty_line_and_an_error_is_known_by_its_name() {
        let mut parser = EventParser::default();
        let events = parser.push(b"event: error\ndata: a\n\ndata: b\n\ndata: c").unwrap();
        let named: Vec<bool> = events.iter().map(|event| event.is_error).collect();
        assert_eq!(named, [true, false]);
        assert_eq!(parser.finish(), Some(Event { is_error: false, data: "c".into() }));
        assert_eq!(EventParser::default().finish(), None);
    }

    #[test]
    fn an_event_over_the_limit_is_an_error() {
        assert!(EventParser::default().push(&vec![b'x'; MAX_EVENT_BYTES + 1]).is_err());
    }

    proptest! {
        #[test]
        fn the_events_do_not_depend_on_the_boundaries_of_the_input(
            texts in prop::collection::vec("[^\r\n]{1,40}", 1..8),
            ending in prop::sample::select(vec!["\n", "\r\n", "\r"]),
            cut in 1_usize..7,
        ) {
            let stream: String = texts.iter().flat_map(|text| ["data: ", text, ending, ending]).collect();
            let mut parser = EventParser::default();
            let mut events = Vec::new();
            for bytes in stream.as_bytes().chunks(cut) {
                events.extend(parser.push(bytes).unwrap().into_iter().map(|event| event.data));
            }
            prop_assert_eq!(events, texts);
        }
    }
}

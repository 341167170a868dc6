//! Text or reasoning of an answer and how much of it was sent: decides when the next piece is due and where
//! it begins.

use std::time::Duration;

use tokio::time::Instant;

/// Text written within this time is sent as one delta.
const WINDOW: Duration = Duration::from_millis(25);

/// Text of an answer, and how much of it was sent when.
#[derive(Debug, Default)]
pub(super) struct Written {
    text: String,
    sent: usize,
    sent_at: Option<Instant>,
}

impl Written {
    /// A text of which nothing was sent.
    pub(super) fn of(text: String) -> Self {
        Self { text, ..Self::default() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Adds more text.
    pub(super) fn push(&mut self, text: &str) {
        self.text.push_str(text);
    }

    /// Time at which unsent text is due; `None` without unsent text.
    pub(super) fn due(&self, now: Instant) -> Option<Instant> {
        (self.sent < self.text.len()).then(|| self.sent_at.map_or(now, |sent_at| sent_at + WINDOW))
    }

    /// Takes the unsent text with its offset and counts it as sent.
    pub(super) fn take(&mut self, now: Instant) -> Option<(u64, &str)> {
        let from = std::mem::replace(&mut self.sent, self.text.len());
        self.sent_at = Some(now);
        let unsent = self.text.get(from..).filter(|unsent| !unsent.is_empty())?;
        Some((from as u64, unsent))
    }

    /// Counts all text as unsent.
    pub(super) fn forget_sent(&mut self) {
        self.sent = 0;
    }
}

/// Identity of the stream that was published to.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct StreamMark {
    pub(super) connects: u64,
    pub(super) last_sequence: u64,
}

impl StreamMark {
    /// Notes an acknowledgement; `false` if the stream has lost earlier messages.
    pub(super) fn advance(&mut self, sequence: u64) -> bool {
        sequence > std::mem::replace(&mut self.last_sequence, sequence)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_first_text_is_due_at_once_and_the_next_after_the_window() {
        let mut written = Written::default();
        let now = Instant::now();
        assert_eq!(written.due(now), None);
        written.push("a");
        assert_eq!(written.due(now), Some(now));
        assert_eq!(written.take(now), Some((0, "a")));
        assert_eq!(written.due(now), None);
        written.push("bc");
        assert_eq!(written.due(now), Some(now + WINDOW));
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_written_within_the_window_travels_together_with_its_offset_in_bytes() {
        let mut written = Written::default();
        let now = Instant::now();
        written.push("ü");
        assert_eq!(written.take(now), Some((0, "ü")));
        written.push("ber");
        written.push("all");
        assert_eq!(written.take(now), Some((2, "berall")));
        assert_eq!(written.take(now), None);
    }

    #[tokio::test(start_paused = true)]
    async fn after_a_loss_all_of_the_text_is_sent_from_offset_0() {
        let mut written = Written::default();
        written.push("one ");
        written.take(Instant::now());
        written.push("two");
        written.forget_sent();
        assert_eq!(written.take(Instant::now()), Some((0, "one two")));
    }

    #[test]
    fn a_sequence_that_does_not_grow_is_that_of_another_stream() {
        let mut mark = StreamMark::default();
        assert!(mark.advance(7) && mark.advance(9));
        assert!(!mark.advance(2));
    }
}

//! Bounds the time that a busy server of a language model is waited for.

use std::time::Duration;

use tokio::time::Instant;

/// The longest time that one answer waits, in all its pauses together.
pub(super) const MAX_PAUSE: Duration = Duration::from_secs(30);
/// The largest number of pauses of one answer.
pub(super) const MAX_PAUSES: usize = 3;
/// The shortest pause: some servers ask for one of 0 s.
const MIN_PAUSE: Duration = Duration::from_millis(250);

/// The rest of the time and of the pauses.
pub(super) struct Patience {
    time: Duration,
    pauses: usize,
}

impl Patience {
    /// Waits at most so long, and no longer than [`MAX_PAUSE`].
    pub(super) fn new(time: Duration) -> Self {
        Self { time: time.min(MAX_PAUSE), pauses: MAX_PAUSES }
    }

    /// The next pause, of the length that the server asks for; `None` if that is too long, or too late for an
    /// answer until the deadline.
    pub(super) fn pause(&mut self, asked: Option<Duration>, deadline: Instant) -> Option<Duration> {
        let pause = asked?.max(MIN_PAUSE);
        let is_in_time = Instant::now().checked_add(pause).is_some_and(|end| end < deadline);
        let (time, pauses) = (self.time.checked_sub(pause)?, self.pauses.checked_sub(1)?);
        is_in_time.then(|| {
            (self.time, self.pauses) = (time, pauses);
            pause
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn pauses_are_bounded_in_length_in_number_and_by_the_deadline() {
        let seconds = Duration::from_secs;
        let far = Instant::now() + seconds(300);
        let mut patience = Patience::new(seconds(600));
        assert_eq!(patience.pause(None, far), None);
        assert_eq!(patience.pause(Some(seconds(31)), far), None);
        assert_eq!(patience.pause(Some(seconds(20)), far), Some(seconds(20)));
        assert_eq!(patience.pause(Some(seconds(20)), far), None);
        assert_eq!(patience.pause(Some(seconds(5)), Instant::now() + seconds(4)), None);
        assert_eq!(patience.pause(Some(Duration::ZERO), far), Some(MIN_PAUSE));
        assert_eq!(patience.pause(Some(Duration::MAX), far), None);
        assert_eq!(patience.pause(Some(seconds(1)), far), Some(seconds(1)));
        assert_eq!(patience.pause(Some(seconds(1)), far), None);
    }
}

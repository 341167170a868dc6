//! Why a connection to NATS fails: what waiting can mend, and what an operator has to correct.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_nats::{Event, Server, ServerError};

use crate::problems::{ProblemArea, Problems};

/// Time within which a new connection meets the permissions that it lacks.
const CONFIRMED_WITHIN: Duration = Duration::from_secs(5);

/// Observes the attempts to connect.
pub(super) struct Attempts {
    problems: Problems,
    /// The last reason that the log has.
    logged: Mutex<Option<String>>,
}

impl Attempts {
    pub(super) const fn new(problems: Problems) -> Self {
        Self { problems, logged: Mutex::new(None) }
    }

    /// Called before each attempt with the outcomes of the previous ones.
    pub(super) fn observe(&self, servers: &[Server]) {
        let reasons = || servers.iter().filter_map(|server| server.last_error.as_deref());
        if let Some(problem) = reasons().find_map(lasting) {
            self.problems.report(ProblemArea::Connection, problem);
            return;
        }
        let Some(reason) = reasons().next() else { return };
        let mut logged = self.logged.lock().unwrap_or_else(PoisonError::into_inner);
        if logged.as_deref() != Some(reason) {
            tracing::warn!(reason, "NATS cannot be reached");
            *logged = Some(reason.to_owned());
        }
    }
}

/// Messages that the process had no room for. Each is an event of the connection of its own, thousands in a
/// second under load; the log has one line in [`Self::INTERVAL`].
#[derive(Debug, Default)]
pub(super) struct Overflow {
    /// The time of the last line, and the messages since then.
    state: Mutex<(Option<Instant>, u64)>,
}

impl Overflow {
    const INTERVAL: Duration = Duration::from_secs(10);

    /// Counts a message. The number of messages to log, if a line is due.
    fn count(&self, now: Instant) -> Option<u64> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.1 += 1;
        if state.0.is_some_and(|logged| now.saturating_duration_since(logged) < Self::INTERVAL) {
            return None;
        }
        state.0 = Some(now);
        Some(std::mem::take(&mut state.1))
    }
}

/// Reports what an event of the connection means.
pub(super) fn observe(problems: &Problems, overflow: &Overflow, event: &Event) {
    match event {
        Event::Connected => {
            problems.clear(ProblemArea::Connection);
            // The new connection is refused the same, or not.
            problems.expire(ProblemArea::Permissions, CONFIRMED_WITHIN);
            tracing::info!("connected to NATS");
        }
        Event::Disconnected => tracing::warn!("connection to NATS was lost"),
        Event::ServerError(ServerError::Other(text))
            if text.to_lowercase().contains("permissions violation") =>
        {
            let problem = format!("the login lacks a permission: {text}");
            problems.report(ProblemArea::Permissions, problem);
        }
        Event::ServerError(error) => tracing::warn!(%error, "NATS reports an error"),
        Event::SlowConsumer(_) => {
            if let Some(messages) = overflow.count(Instant::now()) {
                tracing::warn!(messages, "messages arrived faster than this process takes them");
            }
        }
        other => tracing::debug!(event = %other, "event of the connection to NATS"),
    }
}

/// The problem behind the error of an attempt, if waiting does not mend it.
fn lasting(reason: &str) -> Option<String> {
    let lower = reason.to_lowercase();
    let has = |texts: &[&str]| texts.iter().any(|text| lower.contains(text));
    let problem = if has(&["signing nonce"]) {
        "the login cannot be read (NATS_CREDS, NATS_NKEY)"
    } else if has(&["authorization violation", "authentication expired", "authentication revoked"]) {
        "the server refuses the login (NATS_URL, NATS_CREDS or NATS_NKEY)"
    } else if has(&["tls error", "certificate", "fatal alert", "corrupt message"]) {
        "TLS to the server fails (NATS_CA, NATS_CERT, NATS_KEY)"
    } else {
        return None;
    };
    Some(format!("{problem}: {reason}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_without_room_are_one_line_in_ten_seconds_with_their_number() {
        let (overflow, begin) = (Overflow::default(), Instant::now());
        let after = |seconds| begin + Duration::from_secs(seconds);
        assert_eq!(overflow.count(begin), Some(1));
        assert_eq!((overflow.count(after(1)), overflow.count(after(9))), (None, None));
        assert_eq!(overflow.count(after(10)), Some(3));
        assert_eq!(overflow.count(after(11)), None);
    }

    #[test]
    fn a_refused_login_lasts_and_an_unreachable_server_does_not() {
        for reason in [
            "authorization violation: nats: authorization violation",
            "IO error: nats: User Authentication Expired",
            "failed signing nonce: AuthError(/creds cannot be read: No such file or directory)",
            "IO error: invalid peer certificate: UnknownIssuer",
            "IO error: received fatal alert: CertificateRequired",
        ] {
            assert!(lasting(reason).is_some(), "{reason}");
        }
        for reason in ["IO error: Connection refused (os error 111)", "timed out", "DNS error: no record"] {
            assert!(lasting(reason).is_none(), "{reason}");
        }
    }
}

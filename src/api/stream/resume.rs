//! Ids of stream events. An id has all that is needed to resume a stream in any process and after any
//! restart of the service.
//!
//! Form: `<events>.<rows>` and, for each answer that is being written, `~<answer>:<attempt>:<bytes>`.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use aggregates::{AnswerId, Position};
use uuid::Uuid;

/// Answers that one id can name.
const MAX_ANSWERS: usize = 64;

/// Position of a client in a stream.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Received {
    /// Position of the last event of the ledger.
    pub(super) events: Position,
    /// Position of the read models in the last rows of conversations.
    pub(super) rows: Position,
    /// Attempt and bytes of text of each answer that is being written.
    pub(super) answers: BTreeMap<AnswerId, (u32, usize)>,
}

/// The text is not the id of a stream event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct InvalidEventId;

impl fmt::Display for Received {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.events, self.rows)?;
        for (answer, (attempt, bytes)) in &self.answers {
            write!(f, "~{}:{attempt}:{bytes}", answer.uuid().simple())?;
        }
        Ok(())
    }
}

impl FromStr for Received {
    type Err = InvalidEventId;

    fn from_str(id: &str) -> Result<Self, InvalidEventId> {
        let mut parts = id.split('~');
        let (events, rows) = parts.next().and_then(|head| head.split_once('.')).ok_or(InvalidEventId)?;
        let mut received =
            Self { events: position(events)?, rows: position(rows)?, answers: BTreeMap::new() };
        for part in parts {
            let mut fields = part.split(':');
            let (Some(answer), Some(attempt), Some(bytes), None) =
                (fields.next(), fields.next(), fields.next(), fields.next())
            else {
                return Err(InvalidEventId);
            };
            let answer = AnswerId::new(Uuid::try_parse(answer).map_err(|_| InvalidEventId)?);
            let attempt = attempt.parse().map_err(|_| InvalidEventId)?;
            let bytes = bytes.parse().map_err(|_| InvalidEventId)?;
            received.answers.insert(answer, (attempt, bytes));
            if received.answers.len() > MAX_ANSWERS {
                return Err(InvalidEventId);
            }
        }
        Ok(received)
    }
}

fn position(text: &str) -> Result<Position, InvalidEventId> {
    // Positions have the type bigint in Postgres.
    match text.parse::<u64>() {
        Ok(position) if i64::try_from(position).is_ok() => Ok(Position(position)),
        _ => Err(InvalidEventId),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_parsed_to_what_was_received() {
        let mut received = Received { events: Position(17), rows: Position(15), answers: BTreeMap::new() };
        assert_eq!(received.to_string(), "17.15");
        received.answers.insert(AnswerId::new(Uuid::from_u128(1)), (2, 345));
        received.answers.insert(AnswerId::new(Uuid::from_u128(2)), (1, 0));
        assert_eq!(received.to_string().parse(), Ok(received));
    }

    #[test]
    fn other_texts_are_no_ids() {
        for id in ["", "1", "a.b", "1.2~", "1.2~x:1:1", "-1.2", "99999999999999999999.1", "1.2~~"] {
            assert_eq!(id.parse::<Received>(), Err(InvalidEventId), "{id}");
        }
    }
}

//! Ids of stream events. An id has all that is needed to resume a stream in any process and after any
//! restart of the service.
//!
//! Form: `<events>.<rows>` and, for each answer that is being written,
//! `~<conversation>:<answer>:<beginning>:<bytes>`, with `:<bytes of reasoning>` where there are some. Earlier
//! releases sent `~<answer>:<attempt>:<bytes>`: such an answer is sent from its beginning.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use aggregates::{AnswerId, ConversationId, Position};
use uuid::Uuid;

use crate::api::live::Beginning;

/// Answers that one id can name: more than one user can have in writing.
const MAX_ANSWERS: usize = 128;

/// An answer with what a client has received of it.
type Answer = ((ConversationId, AnswerId), ReceivedAnswer);

/// What a client has received of an answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct ReceivedAnswer {
    /// The newest beginning of the text.
    pub(super) beginning: Beginning,
    /// Bytes of text since then.
    pub(super) text: usize,
    /// Bytes of reasoning since then.
    pub(super) reasoning: usize,
}

/// Position of a client in a stream.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Received {
    /// Position of the last event of the ledger.
    pub(super) events: Position,
    /// Position of the read models in the last rows of conversations.
    pub(super) rows: Position,
    /// The answers that are being written.
    pub(super) answers: BTreeMap<(ConversationId, AnswerId), ReceivedAnswer>,
}

/// The text is not the id of a stream event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct InvalidEventId;

impl fmt::Display for Received {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.events, self.rows)?;
        for ((conversation, answer), received) in self.answers.iter().take(MAX_ANSWERS) {
            let (conversation, answer) = (conversation.uuid().simple(), answer.uuid().simple());
            write!(f, "~{conversation}:{answer}:{}:{}", received.beginning, received.text)?;
            if received.reasoning > 0 {
                write!(f, ":{}", received.reasoning)?;
            }
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
            if let Some((key, progress)) = answer(part)? {
                received.answers.insert(key, progress);
            }
            if received.answers.len() > MAX_ANSWERS {
                return Err(InvalidEventId);
            }
        }
        Ok(received)
    }
}

/// An answer of an id; `None` in the form of earlier releases, which does not name the conversation.
fn answer(part: &str) -> Result<Option<Answer>, InvalidEventId> {
    let fields: Vec<&str> = part.splitn(6, ':').collect();
    let (conversation, answer, beginning, bytes, reasoning) = match fields.as_slice() {
        [conversation, answer, beginning, bytes, reasoning] => {
            (Some(*conversation), answer, beginning, bytes, *reasoning)
        }
        [conversation, answer, beginning, bytes] => (Some(*conversation), answer, beginning, bytes, "0"),
        [answer, beginning, bytes] => (None, answer, beginning, bytes, "0"),
        _ => return Err(InvalidEventId),
    };
    let uuid = |text: &str| Uuid::try_parse(text).map_err(|_| InvalidEventId);
    let answer = AnswerId::new(uuid(answer)?);
    let beginning = beginning.parse().map_err(|_| InvalidEventId)?;
    let text = bytes.parse().map_err(|_| InvalidEventId)?;
    let reasoning = reasoning.parse().map_err(|_| InvalidEventId)?;
    let received = ReceivedAnswer { beginning, text, reasoning };
    let Some(conversation) = conversation else { return Ok(None) };
    Ok(Some(((ConversationId::new(uuid(conversation)?), answer), received)))
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
        let key = |conversation, answer| {
            (ConversationId::new(Uuid::from_u128(conversation)), AnswerId::new(Uuid::from_u128(answer)))
        };
        let of = |attempt, number, text, reasoning| ReceivedAnswer {
            beginning: Beginning { attempt, number },
            text,
            reasoning,
        };
        received.answers.insert(key(7, 1), of(2, 0, 345, 0));
        received.answers.insert(key(8, 1), of(1, 0, 0, 0));
        received.answers.insert(key(9, 1), of(1, 2, 7, 12));
        assert_eq!(received.to_string().parse(), Ok(received));
    }

    #[test]
    fn an_id_of_an_earlier_release_is_resumed_without_its_answers() {
        let id = format!("17.15~{}:2:345", Uuid::from_u128(1).simple());
        let received = Received { events: Position(17), rows: Position(15), answers: BTreeMap::new() };
        assert_eq!(id.parse(), Ok(received));
    }

    #[test]
    fn an_id_that_the_service_sends_is_always_accepted() {
        let mut received = Received::default();
        for answer in 0..2 * MAX_ANSWERS as u128 {
            let key = (ConversationId::new(Uuid::nil()), AnswerId::new(Uuid::from_u128(answer)));
            let beginning = Beginning::of_attempt(1);
            received.answers.insert(key, ReceivedAnswer { beginning, text: 5, reasoning: 0 });
        }
        let resumed: Received = received.to_string().parse().unwrap();
        assert_eq!(resumed.answers.len(), MAX_ANSWERS);
    }

    #[test]
    fn other_texts_are_no_ids() {
        for id in ["", "1", "a.b", "1.2~", "1.2~x:1:1", "-1.2", "99999999999999999999.1", "1.2~~"] {
            assert_eq!(id.parse::<Received>(), Err(InvalidEventId), "{id}");
        }
    }
}

//! The projector's announcement: how far the read models are, and whose rows have just changed.

use aggregates::{ConversationId, Position, UserId};
use bytes::{BufMut as _, Bytes, BytesMut};
use uuid::Uuid;

const PAIR: usize = 32;

/// One announcement, in a compact form: two positions (8 bytes each, big-endian), then pairs of owner and conversation (16 bytes each).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Projected {
    /// Where the read models were before: who has not heard of that has missed an announcement.
    pub after: Position,
    /// The read models hold everything up to here.
    pub position: Position,
    /// The conversations whose rows changed in this batch.
    pub changed: Vec<(UserId, ConversationId)>,
}

impl Projected {
    /// The message's bytes.
    pub fn to_bytes(&self) -> Bytes {
        let mut bytes = BytesMut::with_capacity(16 + self.changed.len() * PAIR);
        bytes.put_u64(self.after.0);
        bytes.put_u64(self.position.0);
        for (owner, conversation) in &self.changed {
            bytes.put_slice(owner.uuid().as_bytes());
            bytes.put_slice(conversation.uuid().as_bytes());
        }
        bytes.freeze()
    }

    /// Reads an announcement; `None` if the bytes are none.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (after, rest) = bytes.split_first_chunk::<8>()?;
        let (position, rest) = rest.split_first_chunk::<8>()?;
        if rest.len() % PAIR != 0 {
            return None;
        }
        let changed = rest
            .chunks_exact(PAIR)
            .map(|pair| {
                let (owner, conversation) = pair.split_at(16);
                Some((
                    UserId::new(Uuid::from_slice(owner).ok()?),
                    ConversationId::new(Uuid::from_slice(conversation).ok()?),
                ))
            })
            .collect::<Option<Vec<_>>>()?;
        let [after, position] = [after, position].map(|number| Position(u64::from_be_bytes(*number)));
        Some(Self { after, position, changed })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_announcement_is_read_as_it_was_written() {
        let changed = vec![(UserId::new(Uuid::from_u128(1)), ConversationId::new(Uuid::from_u128(2))); 3];
        let projected = Projected { after: Position(4), position: Position(9), changed };
        assert_eq!(Projected::from_bytes(&projected.to_bytes()), Some(projected));
        assert_eq!(Projected::from_bytes(b"short"), None);
    }
}

//! The announcement of the projector: the position of the read models, and the rows that changed.

use aggregates::{ConversationId, Position, UserId};
use bytes::{BufMut as _, Bytes, BytesMut};
use uuid::Uuid;

const PAIR_BYTES: usize = 32;

/// An announcement. On the wire it is two positions (8 bytes each, big-endian), followed by pairs of owner
/// and conversation (16 bytes each).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Projected {
    /// The position before the batch. A subscriber that does not know it has missed an announcement.
    pub after: Position,
    /// The position after the batch: the read models contain every event up to it.
    pub position: Position,
    /// The conversations whose rows changed in the batch, with their owners.
    pub changed: Vec<(UserId, ConversationId)>,
}

impl Projected {
    /// Encodes the announcement.
    pub fn to_bytes(&self) -> Bytes {
        let mut bytes = BytesMut::with_capacity(16 + self.changed.len() * PAIR_BYTES);
        bytes.put_u64(self.after.0);
        bytes.put_u64(self.position.0);
        for (owner, conversation) in &self.changed {
            bytes.put_slice(owner.uuid().as_bytes());
            bytes.put_slice(conversation.uuid().as_bytes());
        }
        bytes.freeze()
    }

    /// Decodes an announcement; `None` if the bytes are not one.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (after, rest) = bytes.split_first_chunk::<8>()?;
        let (position, rest) = rest.split_first_chunk::<8>()?;
        if rest.len() % PAIR_BYTES != 0 {
            return None;
        }
        let changed = rest
            .chunks_exact(PAIR_BYTES)
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

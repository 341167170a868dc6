//! Identifiers, and the two counters of an event.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A text that is not an id. It holds the first 64 characters of the text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a UUID")]
pub struct InvalidId(pub String);

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// Converts a UUID into an id of this kind.
            pub const fn new(id: Uuid) -> Self {
                Self(id)
            }

            /// The id as a UUID.
            pub const fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }

        impl From<$name> for Uuid {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                Uuid::try_parse(text).map(Self).map_err(|_| InvalidId(text.chars().take(64).collect()))
            }
        }
    };
}

uuid_id! {
    /// A user with an account. The account service issues the id.
    UserId
}
uuid_id! {
    /// A conversation, owned by one user.
    ConversationId
}
uuid_id! {
    /// A question in a conversation; also the id of the message that shows it.
    QuestionId
}
uuid_id! {
    /// One answer to a question; also the id of the message that shows it.
    AnswerId
}
uuid_id! {
    /// A document of one user, or one that is shared by all.
    DocumentId
}
uuid_id! {
    /// A session of a user with the account service, from a sign-in to its end.
    SessionId
}
uuid_id! {
    /// One run of an operation.
    OperationId
}
uuid_id! {
    /// One event.
    EventId
}
uuid_id! {
    /// The receipt by which a user follows an erasure.
    ReceiptId
}

/// An answer among those of all conversations. Clients choose the ids of answers, so that an id alone is
/// unique within its conversation only: two users can have an answer with the same id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AnswerRef {
    /// The owner of the conversation.
    pub owner: UserId,
    /// The conversation within which the id of the answer is unique.
    pub conversation_id: ConversationId,
    /// The id that a client or the service chose.
    pub answer_id: AnswerId,
}

impl UserId {
    /// The owner of shared documents. No account has this id.
    pub const SHARED: Self = Self(Uuid::nil());
}

/// A version or position that a signed 64-bit integer, such as a `bigint` column, cannot hold, or that is
/// negative there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0} is not a number from 0 to {max}", max = i64::MAX)]
pub struct OutOfRange(i128);

macro_rules! counter {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        #[serde(transparent)]
        pub struct $name(pub u64);

        impl $name {
            /// The number that follows.
            #[must_use]
            pub const fn next(self) -> Self {
                Self(self.0 + 1)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl TryFrom<i64> for $name {
            type Error = OutOfRange;

            fn try_from(number: i64) -> Result<Self, OutOfRange> {
                u64::try_from(number).map(Self).map_err(|_| OutOfRange(number.into()))
            }
        }

        impl TryFrom<$name> for i64 {
            type Error = OutOfRange;

            fn try_from(number: $name) -> Result<Self, OutOfRange> {
                Self::try_from(number.0).map_err(|_| OutOfRange(number.0.into()))
            }
        }
    };
}

counter! {
    /// The number of an aggregate's events so far, which is the sequence of its newest event. 0 stands for an
    /// aggregate without events.
    Version
}
counter! {
    /// A place in the ledger: 1, 2, 3, … without gaps. 0 is the place before the first event.
    Position
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_is_not_a_uuid_is_refused_and_named() {
        let refused = "not-an-id".parse::<ConversationId>().unwrap_err();
        assert_eq!(refused.to_string(), "\"not-an-id\" is not a UUID");
    }

    #[test]
    fn a_counter_is_a_signed_number_that_is_not_negative() {
        assert_eq!(Position::try_from(7), Ok(Position(7)));
        assert_eq!(i64::try_from(Version(7)), Ok(7));
        let negative = Version::try_from(-1).unwrap_err();
        assert_eq!(negative.to_string(), "-1 is not a number from 0 to 9223372036854775807");
        assert!(i64::try_from(Position(1 << 63)).is_err());
    }
}

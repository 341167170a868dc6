//! Texts that a user wrote or that were written for a user: open inside the process, sealed everywhere else.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The private part of an event.
///
/// An event is `Sealed` where decisions do not need its private part, and where the key was destroyed.
/// `Sealed` is serialized as `null`; the store keeps the ciphertext beside the payload.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Private<T> {
    /// Decrypted.
    Open(T),
    /// Not decrypted, or no longer decryptable.
    #[default]
    Sealed,
}

impl<T> Private<T> {
    /// The content, if it is open.
    pub fn open(&self) -> Option<&T> {
        match self {
            Self::Open(content) => Some(content),
            Self::Sealed => None,
        }
    }

    /// Whether the content is not open.
    pub(crate) const fn is_sealed(&self) -> bool {
        matches!(self, Self::Sealed)
    }
}

impl<T: serde::de::DeserializeOwned> Private<T> {
    /// Parses the decrypted JSON of a private part.
    pub fn read(json: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(json).map(Self::Open)
    }
}

impl<T: Serialize> Serialize for Private<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.open().serialize(serializer)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Private<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Option::<T>::deserialize(deserializer).map(|content| content.map_or(Self::Sealed, Self::Open))
    }
}

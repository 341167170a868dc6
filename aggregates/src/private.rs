//! What a person wrote, or was written for them: open inside the process, sealed everywhere else.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The private part of an event.
///
/// `Sealed` is what an event carries when nobody has opened it: because deciding does not need it, or because
/// the key has been destroyed. It is written as `null`; the store keeps the ciphertext beside the payload.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Private<T> {
    /// In the clear.
    Open(T),
    /// Not opened, or not to be opened any more.
    #[default]
    Sealed,
}

impl<T> Private<T> {
    /// The content, when it is open.
    pub fn open(&self) -> Option<&T> {
        match self {
            Self::Open(content) => Some(content),
            Self::Sealed => None,
        }
    }
}

impl<T: serde::de::DeserializeOwned> Private<T> {
    /// Reads what was sealed.
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

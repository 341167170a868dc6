//! Values that stay JSON text between the store and the client.

use std::fmt::{self, Debug, Formatter};
use std::marker::PhantomData;

use serde::de::DeserializeOwned;
use serde::{Serialize, Serializer};
use serde_json::value::{RawValue, to_raw_value};

/// The JSON text of a `T`. It is serialized as it is, without being parsed and written again.
pub struct RawJson<T> {
    raw: Box<RawValue>,
    value: PhantomData<fn() -> T>,
}

impl<T> RawJson<T> {
    /// Takes JSON text that was written for a `T`.
    pub(crate) fn from_raw(raw: &RawValue) -> Self {
        Self { raw: raw.to_owned(), value: PhantomData }
    }
}

impl<T: DeserializeOwned + Default> RawJson<T> {
    /// Parses the text. Text that is not a `T` yields the default.
    pub fn read(&self) -> T {
        serde_json::from_str(self.raw.get()).unwrap_or_default()
    }
}

impl<T: Serialize> From<&T> for RawJson<T> {
    fn from(value: &T) -> Self {
        // Serialization fails only for maps whose keys are not strings.
        let raw = to_raw_value(value).unwrap_or_else(|_| RawValue::NULL.to_owned());
        Self { raw, value: PhantomData }
    }
}

impl<T: Serialize + Default> Default for RawJson<T> {
    fn default() -> Self {
        Self::from(&T::default())
    }
}

impl<T> Serialize for RawJson<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.raw.serialize(serializer)
    }
}

impl<T> PartialEq for RawJson<T> {
    fn eq(&self, other: &Self) -> bool {
        self.raw.get() == other.raw.get()
    }
}

impl<T> Clone for RawJson<T> {
    fn clone(&self) -> Self {
        Self::from_raw(&self.raw)
    }
}

impl<T> Debug for RawJson<T> {
    /// Prints the length only, so that the text cannot reach a log.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "RawJson({} bytes)", self.raw.get().len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn raw_json_is_serialized_as_it_was_stored_and_can_still_be_read() {
        let stored: &RawValue = serde_json::from_str(r#""caf\u00e9""#).unwrap();
        let text = RawJson::<String>::from_raw(stored);
        assert_eq!(serde_json::to_string(&text).unwrap(), r#""caf\u00e9""#);
        assert_eq!(text.read(), "café");
        assert_eq!(RawJson::<Vec<u8>>::default().read(), Vec::<u8>::new());
        assert!(!format!("{text:?}").contains("caf"));
    }
}

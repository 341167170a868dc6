//! Values that stay JSON on their way from the store to a client.

use std::fmt::{self, Debug, Formatter};
use std::marker::PhantomData;

use serde::de::DeserializeOwned;
use serde::{Serialize, Serializer};
use serde_json::value::{RawValue, to_raw_value};

/// A `T` as JSON. Written as it is, so that what nobody looks at need not be read and written anew.
pub struct Json<T> {
    raw: Box<RawValue>,
    value: PhantomData<fn() -> T>,
}

impl<T> Json<T> {
    /// JSON that says what a `T` would.
    pub(crate) fn as_stored(raw: &RawValue) -> Self {
        Self { raw: raw.to_owned(), value: PhantomData }
    }
}

impl<T: DeserializeOwned + Default> Json<T> {
    /// What it says; the default where it says something else.
    pub fn read(&self) -> T {
        serde_json::from_str(self.raw.get()).unwrap_or_default()
    }
}

impl<T: Serialize> From<&T> for Json<T> {
    fn from(value: &T) -> Self {
        // Fails only for maps whose keys are no strings.
        let raw = to_raw_value(value).unwrap_or_else(|_| RawValue::NULL.to_owned());
        Self { raw, value: PhantomData }
    }
}

impl<T: Serialize + Default> Default for Json<T> {
    fn default() -> Self {
        Self::from(&T::default())
    }
}

impl<T> Serialize for Json<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.raw.serialize(serializer)
    }
}

impl<T> PartialEq for Json<T> {
    fn eq(&self, other: &Self) -> bool {
        self.raw.get() == other.raw.get()
    }
}

impl<T> Clone for Json<T> {
    fn clone(&self) -> Self {
        Self::as_stored(&self.raw)
    }
}

impl<T> Debug for Json<T> {
    /// Never what it says, so that it cannot reach a log.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "Json({} bytes)", self.raw.get().len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_goes_out_as_it_was_stored_and_can_still_be_read() {
        let stored: &RawValue = serde_json::from_str(r#""caf\u00e9""#).unwrap();
        let text = Json::<String>::as_stored(stored);
        assert_eq!(serde_json::to_string(&text).unwrap(), r#""caf\u00e9""#);
        assert_eq!(text.read(), "café");
        assert_eq!(Json::<Vec<u8>>::default().read(), Vec::<u8>::new());
        assert!(!format!("{text:?}").contains("caf"));
    }
}

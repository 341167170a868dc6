//! The name of a language model, as operators configure it and people choose it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The name of a language model: 1 to 200 characters, none of them a control character.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(min_length = 1, max_length = 200))]
pub struct ModelName(String);

/// A text that is not the name of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the name of a model has 1 to {} characters", ModelName::MAX_CHARACTERS)]
pub struct InvalidModelName;

impl ModelName {
    /// The largest length of a name.
    pub const MAX_CHARACTERS: usize = 200;

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for ModelName {
    type Error = InvalidModelName;

    fn try_from(text: String) -> Result<Self, InvalidModelName> {
        let name = text.trim();
        let is_name = !name.is_empty()
            && name.chars().count() <= Self::MAX_CHARACTERS
            && !name.chars().any(char::is_control);
        if is_name { Ok(Self(name.to_owned())) } else { Err(InvalidModelName) }
    }
}

impl fmt::Display for ModelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

//! Texts that users write, within their limits.
//!
//! A text is checked once, where it enters: by `parse`, or by deserializing a request. A text of a stored
//! event is deserialized by [`stored`], which does not check it again, so that an event stays readable when a
//! limit changes.

use std::fmt;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};

/// A text does not keep its limits. The error never contains the text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidText {
    /// The text is empty, or has white space and control characters only.
    #[error("the text is empty")]
    Empty,
    /// The text is too long.
    #[error("the text is longer than {limit} {unit}")]
    TooLong {
        /// The largest allowed length.
        limit: usize,
        /// The unit of the limit: `bytes` or `characters`.
        unit: &'static str,
    },
    /// The text contains a NUL character, which PostgreSQL does not store.
    #[error("the text contains the NUL character")]
    Nul,
    /// The set of tags is too large.
    #[error("there are more than {0} tags")]
    TooManyTags(usize),
}

fn trimmed(text: &str) -> Result<&str, InvalidText> {
    if text.chars().all(|c| c.is_whitespace() || c.is_control()) {
        return Err(InvalidText::Empty);
    }
    let text = text.trim();
    if text.contains('\0') {
        return Err(InvalidText::Nul);
    }
    Ok(text)
}

fn at_most_characters(text: &str, limit: usize) -> Result<&str, InvalidText> {
    if text.chars().count() > limit {
        return Err(InvalidText::TooLong { limit, unit: "characters" });
    }
    Ok(text)
}

/// A type that is checked when it is deserialized from a request, but not when it is deserialized from a
/// stored event.
pub(crate) trait Stored: Sized {
    type Raw: DeserializeOwned;

    fn from_stored(raw: Self::Raw) -> Self;
}

/// Deserializes a field of a stored event, for `#[serde(deserialize_with)]`.
pub(crate) fn stored<'de, D: Deserializer<'de>, T: Stored>(deserializer: D) -> Result<T, D::Error> {
    T::Raw::deserialize(deserializer).map(T::from_stored)
}

/// Defines a text and the largest number of characters in its schema. `Debug` prints the text's
/// length only, so that the text cannot reach a log.
macro_rules! private_text {
    ($(#[$doc:meta])* $name:ident, $max_length:tt) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(try_from = "String")]
        #[cfg_attr(
            feature = "openapi",
            derive(utoipa::ToSchema),
            schema(
                min_length = 1,
                max_length = $max_length,
                // No NUL, and one character at least that is neither white space nor a control character.
                pattern = r"^[^\u0000]*[^\u0000-\u0020\u007f-\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000][^\u0000]*$"
            )
        )]
        pub struct $name(String);

        impl $name {
            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// Converts into the text.
            pub fn into_string(self) -> String {
                self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidText;

            fn try_from(text: String) -> Result<Self, InvalidText> {
                Self::parse(&text)
            }
        }

        impl Stored for $name {
            type Raw = String;

            fn from_stored(text: String) -> Self {
                Self(text)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({} bytes)"), self.0.len())
            }
        }
    };
}

private_text! {
    /// A question: 1 to 32,768 bytes of UTF-8 after trimming.
    QuestionText, 32_768
}
private_text! {
    /// A conversation's title: 1 to 200 characters after trimming.
    Title, 200
}
private_text! {
    /// A comment on an answer: 1 to 2,000 characters after trimming.
    Comment, 2_000
}
private_text! {
    /// Instructions to the language model: 1 to 4,000 characters after trimming.
    Instructions, 4_000
}

impl QuestionText {
    /// The largest length of a question, in bytes of UTF-8.
    pub const MAX_BYTES: usize = 32_768;

    /// Trims the text and checks its limits.
    pub fn parse(text: &str) -> Result<Self, InvalidText> {
        let text = trimmed(text)?;
        if text.len() > Self::MAX_BYTES {
            return Err(InvalidText::TooLong { limit: Self::MAX_BYTES, unit: "bytes" });
        }
        Ok(Self(text.to_owned()))
    }
}

impl Title {
    /// The largest length of a title.
    pub const MAX_CHARACTERS: usize = 200;

    /// Trims the text and checks its limits.
    pub fn parse(text: &str) -> Result<Self, InvalidText> {
        Ok(Self(at_most_characters(trimmed(text)?, Self::MAX_CHARACTERS)?.to_owned()))
    }
}

impl Comment {
    /// The largest length of a comment.
    pub const MAX_CHARACTERS: usize = 2_000;

    /// Trims the text and checks its limits.
    pub fn parse(text: &str) -> Result<Self, InvalidText> {
        Ok(Self(at_most_characters(trimmed(text)?, Self::MAX_CHARACTERS)?.to_owned()))
    }
}

impl Instructions {
    /// The largest length of instructions.
    pub const MAX_CHARACTERS: usize = 4_000;

    /// Trims the text and checks its limits.
    pub fn parse(text: &str) -> Result<Self, InvalidText> {
        Ok(Self(at_most_characters(trimmed(text)?, Self::MAX_CHARACTERS)?.to_owned()))
    }
}

impl Tag {
    /// The largest length of a tag.
    pub const MAX_CHARACTERS: usize = 50;

    /// Trims the text and checks its limits.
    pub fn parse(text: &str) -> Result<Self, InvalidText> {
        Ok(Self(at_most_characters(trimmed(text)?, Self::MAX_CHARACTERS)?.to_owned()))
    }
}

impl Stored for Option<Instructions> {
    type Raw = Option<String>;

    fn from_stored(text: Option<String>) -> Self {
        text.map(Instructions)
    }
}

impl Stored for Option<Comment> {
    type Raw = Option<String>;

    fn from_stored(text: Option<String>) -> Self {
        text.map(Comment)
    }
}

/// A conversation's tags: up to 20, each of 1 to 50 characters after trimming, without duplicates, in the
/// given order.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(try_from = "Vec<String>")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(value_type = Vec<Tag>, max_items = 20))]
pub struct Tags(Vec<String>);

private_text! {
    /// A tag: 1 to 50 characters after trimming.
    Tag, 50
}

impl Tags {
    /// The largest number of tags.
    pub const MAX_TAGS: usize = 20;

    /// Checks the limits, trims each tag and drops duplicates.
    pub fn parse<S: AsRef<str>>(tags: &[S]) -> Result<Self, InvalidText> {
        if tags.len() > Self::MAX_TAGS {
            return Err(InvalidText::TooManyTags(Self::MAX_TAGS));
        }
        let mut kept: Vec<String> = Vec::with_capacity(tags.len());
        for tag in tags {
            let Tag(tag) = Tag::parse(tag.as_ref())?;
            if !kept.contains(&tag) {
                kept.push(tag);
            }
        }
        Ok(Self(kept))
    }

    /// The tags, in the given order.
    pub fn as_slice(&self) -> &[String] {
        &self.0
    }
}

impl TryFrom<Vec<String>> for Tags {
    type Error = InvalidText;

    fn try_from(tags: Vec<String>) -> Result<Self, InvalidText> {
        Self::parse(&tags)
    }
}

impl Stored for Tags {
    type Raw = Vec<String>;

    fn from_stored(tags: Vec<String>) -> Self {
        Self(tags)
    }
}

impl fmt::Debug for Tags {
    /// Prints the number of tags only, so that they cannot reach a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tags({})", self.0.len())
    }
}

#[cfg(test)]
mod tests;

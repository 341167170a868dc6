//! Texts people write, within their limits.

use serde::{Deserialize, Serialize};

/// Why a text was not taken, in words for the person who wrote it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidText {
    /// Nothing but white space.
    #[error("must not be empty")]
    Empty,
    /// Longer than allowed.
    #[error("must be at most {limit} {unit}")]
    TooLong {
        /// The most there may be.
        limit: usize,
        /// What is counted.
        unit: &'static str,
    },
    /// A NUL character, which no store keeps.
    #[error("must not contain the NUL character")]
    Nul,
    /// More tags than allowed.
    #[error("must be at most {0} tags")]
    TooManyTags(usize),
}

fn trimmed(text: &str) -> Result<&str, InvalidText> {
    let text = text.trim();
    if text.is_empty() {
        return Err(InvalidText::Empty);
    }
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

macro_rules! private_text {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// The text, given away.
            pub fn into_string(self) -> String {
                self.0
            }
        }

        impl std::fmt::Debug for $name {
            /// Never the text itself, so that it cannot reach a log.
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, concat!(stringify!($name), "({} bytes)"), self.0.len())
            }
        }
    };
}

private_text! {
    /// A question: 1 to 32,768 bytes after trimming.
    QuestionText
}
private_text! {
    /// A conversation's title: 1 to 200 characters after trimming.
    Title
}
private_text! {
    /// What somebody says about an answer: up to 2,000 characters.
    Comment
}

impl QuestionText {
    /// The most bytes a question has.
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
    /// The most characters a title has.
    pub const MAX_CHARACTERS: usize = 200;

    /// Trims the text and checks its limits.
    pub fn parse(text: &str) -> Result<Self, InvalidText> {
        Ok(Self(at_most_characters(trimmed(text)?, Self::MAX_CHARACTERS)?.to_owned()))
    }
}

impl Comment {
    /// The most characters a comment has.
    pub const MAX_CHARACTERS: usize = 2_000;

    /// Trims the text and checks its limits.
    pub fn parse(text: &str) -> Result<Self, InvalidText> {
        Ok(Self(at_most_characters(trimmed(text)?, Self::MAX_CHARACTERS)?.to_owned()))
    }
}

/// A conversation's tags: up to 20, each up to 50 characters, none twice, in the order given.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Tags(Vec<String>);

impl Tags {
    /// The most tags a conversation has.
    pub const MAX_TAGS: usize = 20;
    /// The most characters a tag has.
    pub const MAX_CHARACTERS: usize = 50;

    /// Trims each tag, drops repetitions, and checks the limits.
    pub fn parse<S: AsRef<str>>(tags: &[S]) -> Result<Self, InvalidText> {
        let mut kept: Vec<String> = Vec::with_capacity(tags.len());
        for tag in tags {
            let tag = at_most_characters(trimmed(tag.as_ref())?, Self::MAX_CHARACTERS)?;
            if !kept.iter().any(|other| other == tag) {
                kept.push(tag.to_owned());
            }
        }
        if kept.len() > Self::MAX_TAGS {
            return Err(InvalidText::TooManyTags(Self::MAX_TAGS));
        }
        Ok(Self(kept))
    }

    /// The tags, in the order given.
    pub fn as_slice(&self) -> &[String] {
        &self.0
    }
}

impl std::fmt::Debug for Tags {
    /// Never the tags themselves, so that they cannot reach a log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Tags({})", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_trimmed_and_kept_within_its_bytes() {
        assert_eq!(QuestionText::parse("  why?\n").map(QuestionText::into_string), Ok("why?".into()));
        assert_eq!(QuestionText::parse(" \n\t "), Err(InvalidText::Empty));
        assert_eq!(QuestionText::parse("a\0b"), Err(InvalidText::Nul));
        assert!(QuestionText::parse(&"x".repeat(32_768)).is_ok());
        assert!(matches!(QuestionText::parse(&"x".repeat(32_769)), Err(InvalidText::TooLong { .. })));
    }

    #[test]
    fn a_title_counts_characters_and_not_bytes() {
        assert!(Title::parse(&"ü".repeat(200)).is_ok());
        assert!(Title::parse(&"ü".repeat(201)).is_err());
    }

    #[test]
    fn tags_lose_their_repetitions_before_they_are_counted() {
        let tags = Tags::parse(&vec!["rust"; 21]);
        assert_eq!(tags.map(|tags| tags.as_slice().len()), Ok(1));
        let many: Vec<String> = (0..21).map(|n| n.to_string()).collect();
        assert_eq!(Tags::parse(&many), Err(InvalidText::TooManyTags(20)));
    }

    #[test]
    fn a_text_never_shows_in_a_debug_print() {
        let printed = format!("{:?}", QuestionText::parse("my secret"));
        assert!(!printed.contains("secret"), "{printed}");
    }
}

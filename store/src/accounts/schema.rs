//! The name of the schema that holds the tables of the account service.

use std::fmt;
use std::str::FromStr;

/// Longest name of a schema, in bytes.
const MAX_BYTES: usize = 63;

/// The name of a schema: lower-case letters, digits and underscores, so that it needs no quotes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountsSchema(String);

/// A text that is not the name of a schema.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the name of a schema has lower-case letters, digits and underscores, and begins with no digit")]
pub struct InvalidSchemaName;

impl AccountsSchema {
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for AccountsSchema {
    /// `auth`, as the account service's own setting has it.
    fn default() -> Self {
        Self("auth".to_owned())
    }
}

impl fmt::Display for AccountsSchema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for AccountsSchema {
    type Err = InvalidSchemaName;

    fn from_str(text: &str) -> Result<Self, InvalidSchemaName> {
        let name = text.trim();
        let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        let begins_well = name.bytes().next().is_some_and(|first| is_plain(first) && !first.is_ascii_digit());
        if begins_well && name.bytes().all(is_plain) && name.len() <= MAX_BYTES {
            Ok(Self(name.to_owned()))
        } else {
            Err(InvalidSchemaName)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_would_need_quotes_is_refused() {
        for name in ["auth", "_a1", "accounts_of_2026"] {
            assert_eq!(name.parse::<AccountsSchema>().unwrap().to_string(), name);
        }
        let long = "a".repeat(64);
        for name in ["", "1a", "Auth", "a-b", "a.b", "a\"b", "a b", "a;DROP", "ä", &long] {
            assert_eq!(name.parse::<AccountsSchema>(), Err(InvalidSchemaName), "{name}");
        }
    }
}

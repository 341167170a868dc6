//! The blind index: words become keyed hashes, so that Postgres can search what it cannot read.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// How many bytes of the hash a token keeps: 48 bits, so that two words of one person's vocabulary (say 100,000) collide
/// with a probability of about 2^-15 in all.
const TOKEN_BYTES: usize = 6;

/// The key of one user's blind index.
#[derive(Clone, Copy)]
pub struct BlindKey([u8; 32]);

/// A word that means nothing to whoever lacks the key: eight characters of `[A-Za-z0-9_-]`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Token(String);

impl BlindKey {
    pub(crate) const fn new(key: [u8; 32]) -> Self {
        Self(key)
    }

    /// The token of a whole (stemmed) word.
    pub fn word(&self, word: &str) -> Token {
        self.token(b'w', word)
    }

    /// The token of the beginning of a word, for searching as one types.
    pub fn prefix(&self, prefix: &str) -> Token {
        self.token(b'p', prefix)
    }

    /// The token of a tag.
    pub fn tag(&self, tag: &str) -> Token {
        self.token(b't', tag)
    }

    fn token(&self, kind: u8, word: &str) -> Token {
        let mut hasher = blake3::Hasher::new_keyed(&self.0);
        hasher.update(&[kind]);
        hasher.update(word.as_bytes());
        let hash = hasher.finalize();
        Token(URL_SAFE_NO_PAD.encode(hash.as_bytes().get(..TOKEN_BYTES).unwrap_or_default()))
    }
}

impl Token {
    /// The token's characters.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The token's characters, given away.
    pub fn into_string(self) -> String {
        self.0
    }
}

impl std::fmt::Debug for BlindKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("BlindKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_depends_on_the_key_the_kind_and_the_word() {
        let (one, two) = (BlindKey::new([1; 32]), BlindKey::new([2; 32]));
        assert_eq!(one.word("rust"), one.word("rust"));
        assert_ne!(one.word("rust"), two.word("rust"));
        assert_ne!(one.word("rust"), one.prefix("rust"));
        assert_eq!(one.word("rust").as_str().len(), 8);
    }
}

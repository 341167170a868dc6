//! The blind index: words become keyed hashes, so that Postgres can search texts that it cannot read.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// Letters that one hash at the beginning of a lexeme covers. A shorter word is hashed as a whole.
const HEAD_LETTERS: usize = 3;
/// Letters of a word that its lexeme distinguishes. All further letters share one hash.
const MOST_LETTERS: usize = 16;
/// Base64 characters, 6 bits each, of the hash of the head.
const HEAD_CHARACTERS: usize = 6;
/// Base64 characters of the hash for each further letter.
const STEP_CHARACTERS: usize = 2;
const TAG_CHARACTERS: usize = 10;

/// The key of one user's blind index. It is wiped when it is dropped and never printed.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct BlindKey([u8; 32]);

/// A keyed hash of a word or tag, in characters of `[A-Za-z0-9_-]`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Token(String);

impl BlindKey {
    pub(crate) const fn new(key: [u8; 32]) -> Self {
        Self(key)
    }

    /// The lexeme of a word: a keyed hash of its first three letters (36 bits), then a keyed hash of each
    /// longer prefix (12 bits each). The lexeme of a word therefore begins with the lexemes of its prefixes
    /// of three letters or more, and a search by prefix works on hashes. A reader without the key sees which
    /// words share a prefix, but not the prefix.
    pub fn lexeme(&self, word: &str) -> Token {
        let mut lexeme = String::with_capacity(HEAD_CHARACTERS + STEP_CHARACTERS * MOST_LETTERS);
        let mut ends = word.char_indices().map(|(at, letter)| at + letter.len_utf8());
        let head = ends.by_ref().take(HEAD_LETTERS).last().unwrap_or(0);
        self.push(&mut lexeme, word.get(..head), HEAD_CHARACTERS);
        let mut end = head;
        for next in ends.by_ref().take(MOST_LETTERS - HEAD_LETTERS) {
            end = next;
            self.push(&mut lexeme, word.get(..end), STEP_CHARACTERS);
        }
        if end < word.len() {
            self.push(&mut lexeme, Some(word), STEP_CHARACTERS);
        }
        Token(lexeme)
    }

    /// The token of a tag.
    pub fn tag(&self, tag: &str) -> Token {
        let mut token = String::with_capacity(TAG_CHARACTERS);
        let mut hasher = blake3::Hasher::new_keyed(&self.0);
        hasher.update(b"tag\0").update(tag.as_bytes());
        push_characters(&mut token, hasher.finalize().as_bytes(), TAG_CHARACTERS);
        Token(token)
    }

    fn push(&self, lexeme: &mut String, prefix: Option<&str>, characters: usize) {
        let hash = blake3::keyed_hash(&self.0, prefix.unwrap_or_default().as_bytes());
        push_characters(lexeme, hash.as_bytes(), characters);
    }
}

/// Appends the first characters of a hash's base64.
fn push_characters(token: &mut String, hash: &[u8; 32], characters: usize) {
    let mut encoded = [0; 44];
    if let Ok(length) = URL_SAFE_NO_PAD.encode_slice(hash, &mut encoded) {
        let kept = encoded.get(..characters.min(length)).unwrap_or_default();
        token.extend(kept.iter().copied().map(char::from));
    }
}

impl Token {
    /// The token's characters.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Converts the token into its characters.
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
    fn a_lexeme_depends_on_the_key_and_the_word() {
        let (one, two) = (BlindKey::new([1; 32]), BlindKey::new([2; 32]));
        assert_eq!(one.lexeme("rust"), one.lexeme("rust"));
        assert_ne!(one.lexeme("rust"), two.lexeme("rust"));
        assert_ne!(one.lexeme("rust"), one.lexeme("rusty"));
    }

    #[test]
    fn a_lexeme_begins_with_the_lexemes_of_the_words_prefixes() {
        let key = BlindKey::new([1; 32]);
        let whole = key.lexeme("ownership");
        for letters in 3..9 {
            assert!(whole.as_str().starts_with(key.lexeme(&"ownership"[..letters]).as_str()), "{letters}");
        }
        assert!(!whole.as_str().starts_with(key.lexeme("ownel").as_str()));
    }

    #[test]
    fn short_and_very_long_words_have_lexemes_too() {
        let key = BlindKey::new([1; 32]);
        assert_ne!(key.lexeme("a"), key.lexeme("b"));
        let long = "x".repeat(40);
        assert_ne!(key.lexeme(&long), key.lexeme(&format!("{long}y")));
        assert!(key.lexeme(&long).as_str().len() < 40);
        assert_ne!(key.lexeme("äöü"), key.lexeme("äöß"));
    }
}

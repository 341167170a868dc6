//! AES-256-GCM over short texts. Format: version byte, nonce (12 bytes), ciphertext with tag (16 bytes).

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::rand;

const FORMAT: u8 = 1;
const TAG_LEN: usize = 16;

/// Sealing or opening did not work. Never says what the text or the key was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The ciphertext was changed or moved, or the key is another one.
    #[error("open a sealed text: it does not fit its key and place")]
    Mismatch,
    /// The ciphertext is of a format this version does not know.
    #[error("open a sealed text: unknown format")]
    UnknownFormat,
    /// The system's randomness or the cipher failed.
    #[error("seal a text")]
    Cipher,
}

/// A raw AES-256 key. Wiped when dropped is not promised: the process's memory is trusted, everything outside is not.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Key(pub(crate) [u8; 32]);

impl Key {
    pub(crate) fn random() -> Result<Self, SealError> {
        let mut bytes = [0; 32];
        rand::fill(&mut bytes).map_err(|_| SealError::Cipher)?;
        Ok(Self(bytes))
    }

    pub(crate) fn cipher(&self) -> Result<LessSafeKey, SealError> {
        UnboundKey::new(&AES_256_GCM, &self.0).map(LessSafeKey::new).map_err(|_| SealError::Cipher)
    }

    /// Seals with a random nonce.
    pub(crate) fn seal(&self, place: &[u8], text: &[u8]) -> Result<Vec<u8>, SealError> {
        let mut nonce = [0; NONCE_LEN];
        rand::fill(&mut nonce).map_err(|_| SealError::Cipher)?;
        self.seal_with(nonce, place, text)
    }

    /// Seals with a nonce made from key, place and text, so that the same text at the same place is the same ciphertext:
    /// a rebuilt read model is equal to the one it replaces. Two different texts share a nonce with probability 2^-96.
    pub(crate) fn seal_repeatably(&self, place: &[u8], text: &[u8]) -> Result<Vec<u8>, SealError> {
        let nonce_key = blake3::derive_key("colloquy 2026 repeatable nonce", &self.0);
        let mut hasher = blake3::Hasher::new_keyed(&nonce_key);
        hasher.update(&(place.len() as u64).to_le_bytes());
        hasher.update(place);
        hasher.update(text);
        let mut nonce = [0; NONCE_LEN];
        hasher.finalize_xof().fill(&mut nonce);
        self.seal_with(nonce, place, text)
    }

    fn seal_with(&self, nonce: [u8; NONCE_LEN], place: &[u8], text: &[u8]) -> Result<Vec<u8>, SealError> {
        let mut sealed = Vec::with_capacity(1 + NONCE_LEN + text.len() + TAG_LEN);
        sealed.push(FORMAT);
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(text);
        let start = 1 + NONCE_LEN;
        let tag = self
            .cipher()?
            .seal_in_place_separate_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(place),
                sealed.get_mut(start..).ok_or(SealError::Cipher)?,
            )
            .map_err(|_| SealError::Cipher)?;
        sealed.extend_from_slice(tag.as_ref());
        Ok(sealed)
    }

    pub(crate) fn open(&self, place: &[u8], sealed: &[u8]) -> Result<Vec<u8>, SealError> {
        open(&self.cipher()?, place, sealed.to_vec())
    }
}

/// Opens in the memory of the ciphertext.
pub(crate) fn open(cipher: &LessSafeKey, place: &[u8], mut sealed: Vec<u8>) -> Result<Vec<u8>, SealError> {
    let (format, rest) = sealed.split_first().ok_or(SealError::UnknownFormat)?;
    if *format != FORMAT {
        return Err(SealError::UnknownFormat);
    }
    let (nonce, _) = rest.split_first_chunk::<NONCE_LEN>().ok_or(SealError::UnknownFormat)?;
    let nonce = Nonce::assume_unique_for_key(*nonce);
    let text = cipher
        .open_within(nonce, Aad::from(place), &mut sealed, 1 + NONCE_LEN..)
        .map_err(|_| SealError::Mismatch)?;
    let length = text.len();
    sealed.truncate(length);
    Ok(sealed)
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key(…)")
    }
}

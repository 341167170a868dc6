//! AES-256-GCM over short texts. A ciphertext is a format byte, the nonce (12 bytes), the encrypted text, the
//! tag (16 bytes).

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::rand;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

const FORMAT: u8 = 1;
const KEY_BYTES: usize = 32;
const TAG_BYTES: usize = 16;

/// Encryption or decryption failed. The error never contains the text or the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The ciphertext was changed or moved, or it was encrypted with another key.
    #[error("the ciphertext does not match its key and associated data")]
    Mismatch,
    /// The ciphertext has a format that this version does not know.
    #[error("the ciphertext has an unknown format")]
    UnknownFormat,
    /// The system's random number generator or the cipher failed.
    #[error("the random number generator or the cipher failed")]
    Cipher,
}

/// A raw AES-256 key. It is wiped when it is dropped, never printed, and compared in constant time.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub(crate) struct Key([u8; KEY_BYTES]);

impl Key {
    pub(crate) fn random() -> Result<Self, SealError> {
        let mut key = Self([0; KEY_BYTES]);
        rand::fill(&mut key.0).map_err(|_| SealError::Cipher)?;
        Ok(key)
    }

    pub(crate) const fn new(bytes: [u8; KEY_BYTES]) -> Self {
        Self(bytes)
    }

    /// The key of exactly 32 bytes; `None` for any other length.
    pub(crate) fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    pub(crate) const fn as_bytes(&self) -> &[u8; KEY_BYTES] {
        &self.0
    }

    pub(crate) fn cipher(&self) -> Result<LessSafeKey, SealError> {
        UnboundKey::new(&AES_256_GCM, &self.0).map(LessSafeKey::new).map_err(|_| SealError::Cipher)
    }

    /// Encrypts with a random nonce.
    pub(crate) fn seal(&self, aad: &[u8], text: &[u8]) -> Result<Vec<u8>, SealError> {
        let mut nonce = [0; NONCE_LEN];
        rand::fill(&mut nonce).map_err(|_| SealError::Cipher)?;
        self.seal_with(nonce, aad, text)
    }

    /// Encrypts with a nonce derived from key, associated data and text, so that the same input gives the
    /// same ciphertext and a rebuilt read model equals the one it replaces. Two different inputs share a
    /// nonce with probability 2^-96.
    pub(crate) fn seal_repeatably(&self, aad: &[u8], text: &[u8]) -> Result<Vec<u8>, SealError> {
        let nonce_key = Zeroizing::new(blake3::derive_key("colloquy 2026 repeatable nonce", &self.0));
        let mut hasher = blake3::Hasher::new_keyed(&nonce_key);
        hasher.update(&(aad.len() as u64).to_le_bytes());
        hasher.update(aad);
        hasher.update(text);
        let mut nonce = [0; NONCE_LEN];
        hasher.finalize_xof().fill(&mut nonce);
        self.seal_with(nonce, aad, text)
    }

    fn seal_with(&self, nonce: [u8; NONCE_LEN], aad: &[u8], text: &[u8]) -> Result<Vec<u8>, SealError> {
        let mut sealed = Vec::with_capacity(1 + NONCE_LEN + text.len() + TAG_BYTES);
        sealed.push(FORMAT);
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(text);
        let start = 1 + NONCE_LEN;
        let tag = self
            .cipher()?
            .seal_in_place_separate_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(aad),
                sealed.get_mut(start..).ok_or(SealError::Cipher)?,
            )
            .map_err(|_| SealError::Cipher)?;
        sealed.extend_from_slice(tag.as_ref());
        Ok(sealed)
    }

    pub(crate) fn open(&self, aad: &[u8], sealed: &[u8]) -> Result<Vec<u8>, SealError> {
        open(&self.cipher()?, aad, sealed.to_vec())
    }
}

/// Decrypts in the memory of the ciphertext.
pub(crate) fn open(cipher: &LessSafeKey, aad: &[u8], mut sealed: Vec<u8>) -> Result<Vec<u8>, SealError> {
    let (format, rest) = sealed.split_first().ok_or(SealError::UnknownFormat)?;
    if *format != FORMAT {
        return Err(SealError::UnknownFormat);
    }
    let (nonce, _) = rest.split_first_chunk::<NONCE_LEN>().ok_or(SealError::UnknownFormat)?;
    let nonce = Nonce::assume_unique_for_key(*nonce);
    let text = cipher
        .open_within(nonce, Aad::from(aad), &mut sealed, 1 + NONCE_LEN..)
        .map_err(|_| SealError::Mismatch)?;
    let length = text.len();
    sealed.truncate(length);
    Ok(sealed)
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        verify_slices_are_equal(&self.0, &other.0).is_ok()
    }
}

impl Eq for Key {}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key(…)")
    }
}

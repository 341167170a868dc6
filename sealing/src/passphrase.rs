//! Encrypts the secrets of an installation by a passphrase: Argon2id derives a key, AES-256-GCM encrypts.
//!
//! The result is a format byte, the parameters of Argon2id (memory in KiB, passes, lanes; 4 bytes each), a
//! salt of 16 bytes, and a ciphertext as of every other key, bound to all before it.

use argon2::{Algorithm, Argon2, Params, Version};
use aws_lc_rs::rand;
use secrecy::{ExposeSecret as _, SecretString};
use zeroize::Zeroizing;

use crate::cipher::{Key, SealError};

const FORMAT: u8 = 1;
const SALT_BYTES: usize = 16;
const HEADER_BYTES: usize = 1 + 3 * 4 + SALT_BYTES;
/// About a quarter of a second on one core.
const MEMORY_KIB: u32 = 64 << 10;
const PASSES: u32 = 3;
const LANES: u32 = 1;
/// Bounds of what a stored header may ask for.
const MAX_MEMORY_KIB: u32 = 1 << 20;
const MAX_PASSES: u32 = 16;
const MAX_LANES: u32 = 16;

/// Encrypts a secret by a passphrase. Takes about a quarter of a second and 64 MiB.
pub fn seal_with_passphrase(passphrase: &SecretString, secret: &[u8]) -> Result<Vec<u8>, SealError> {
    let mut salt = [0; SALT_BYTES];
    rand::fill(&mut salt).map_err(|_| SealError::Cipher)?;
    let mut sealed = Vec::with_capacity(HEADER_BYTES + secret.len() + 64);
    sealed.push(FORMAT);
    for parameter in [MEMORY_KIB, PASSES, LANES] {
        sealed.extend_from_slice(&parameter.to_be_bytes());
    }
    sealed.extend_from_slice(&salt);
    let key = derive(passphrase, &salt, MEMORY_KIB, PASSES, LANES)?;
    let ciphertext = key.seal(&sealed, secret)?;
    sealed.extend_from_slice(&ciphertext);
    Ok(sealed)
}

/// Decrypts what [`seal_with_passphrase`] encrypted. Another passphrase is [`SealError::Mismatch`].
pub fn open_with_passphrase(
    passphrase: &SecretString,
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>, SealError> {
    let (header, ciphertext) = sealed.split_at_checked(HEADER_BYTES).ok_or(SealError::UnknownFormat)?;
    let (format, parameters) = header.split_first().ok_or(SealError::UnknownFormat)?;
    let (numbers, salt) = parameters.split_at_checked(12).ok_or(SealError::UnknownFormat)?;
    let mut numbers =
        numbers.chunks_exact(4).map(|number| number.try_into().map_or(u32::MAX, u32::from_be_bytes));
    let mut bounded =
        |bound| numbers.next().filter(|number| *number <= bound).ok_or(SealError::UnknownFormat);
    let (memory, passes, lanes) = (bounded(MAX_MEMORY_KIB)?, bounded(MAX_PASSES)?, bounded(MAX_LANES)?);
    if *format != FORMAT {
        return Err(SealError::UnknownFormat);
    }
    derive(passphrase, salt, memory, passes, lanes)?.open(header, ciphertext).map(Zeroizing::new)
}

fn derive(
    passphrase: &SecretString,
    salt: &[u8],
    memory: u32,
    passes: u32,
    lanes: u32,
) -> Result<Key, SealError> {
    let parameters = Params::new(memory, passes, lanes, Some(32)).map_err(|_| SealError::UnknownFormat)?;
    let mut key = Zeroizing::new([0; 32]);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, parameters)
        .hash_password_into(passphrase.expose_secret().as_bytes(), salt, &mut *key)
        .map_err(|_| SealError::Cipher)?;
    Ok(Key::new(*key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_opens_with_its_passphrase_alone_and_no_byte_of_it_may_change() {
        let sealed = seal_with_passphrase(&"correct horse".into(), b"master key").unwrap();
        assert_eq!(*open_with_passphrase(&"correct horse".into(), &sealed).unwrap(), b"master key");
        assert_eq!(open_with_passphrase(&"battery".into(), &sealed), Err(SealError::Mismatch));
        let mut salted = sealed.clone();
        salted[20] ^= 1;
        assert_eq!(open_with_passphrase(&"correct horse".into(), &salted), Err(SealError::Mismatch));
        for end in [0, 1, HEADER_BYTES, sealed.len() - 1] {
            assert!(open_with_passphrase(&"correct horse".into(), &sealed[..end]).is_err(), "{end}");
        }
    }

    #[test]
    fn a_header_that_asks_for_boundless_work_is_refused() {
        let mut sealed = seal_with_passphrase(&"correct horse".into(), b"master key").unwrap();
        sealed[1..5].copy_from_slice(&u32::MAX.to_be_bytes());
        assert_eq!(open_with_passphrase(&"correct horse".into(), &sealed), Err(SealError::UnknownFormat));
    }
}

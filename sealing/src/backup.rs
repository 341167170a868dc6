//! The key of an installation's backups.

use zeroize::Zeroizing;

use crate::cipher::{Key, SealError};
use crate::keys::{DerivedKey, MasterKey};

/// Encrypts backups and names their parts. Derived from the master key, so that a backup can be read as long
/// as somebody keeps the master key of its time.
#[derive(Debug, Clone)]
pub struct BackupKey {
    key: Key,
    naming: DerivedKey,
}

impl BackupKey {
    pub(crate) fn new(master: &MasterKey) -> Self {
        let key = Key::new(*master.derive("backup encryption").as_bytes());
        Self { key, naming: master.derive("backup part names") }
    }

    /// The name of a part by its content: a keyed hash, which tells a reader without the key nothing.
    pub fn name_of(&self, content: &[u8]) -> [u8; 32] {
        *blake3::keyed_hash(self.naming.as_bytes(), content).as_bytes()
    }

    /// Encrypts bytes, bound to their place in the backup.
    pub fn seal(&self, place: &str, bytes: &[u8]) -> Result<Vec<u8>, SealError> {
        self.key.seal(&aad(place), bytes)
    }

    /// Decrypts bytes that were encrypted for the same place.
    pub fn open(&self, place: &str, sealed: Vec<u8>) -> Result<Zeroizing<Vec<u8>>, SealError> {
        crate::cipher::open(&self.key.cipher()?, &aad(place), sealed).map(Zeroizing::new)
    }
}

fn aad(place: &str) -> Vec<u8> {
    [b"backup\0", place.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(digit: &str) -> BackupKey {
        MasterKey::parse(&digit.repeat(64).into()).unwrap().backup_key()
    }

    #[test]
    fn a_part_opens_at_its_place_with_its_key_alone() {
        let sealed = key("a").seal("part/1", b"rows").unwrap();
        assert_eq!(*key("a").open("part/1", sealed.clone()).unwrap(), b"rows");
        assert_eq!(key("a").open("part/2", sealed.clone()), Err(SealError::Mismatch));
        assert_eq!(key("b").open("part/1", sealed), Err(SealError::Mismatch));
    }

    #[test]
    fn equal_content_has_one_name_under_one_key() {
        assert_eq!(key("a").name_of(b"rows"), key("a").name_of(b"rows"));
        assert_ne!(key("a").name_of(b"rows"), key("a").name_of(b"row"));
        assert_ne!(key("a").name_of(b"rows"), key("b").name_of(b"rows"));
    }
}

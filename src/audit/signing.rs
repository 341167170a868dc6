//! Ed25519 signatures over the head of the ledger. The signed content is text, so that any tool
//! can verify it.

use std::fmt;

use aggregates::Position;
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use zeroize::Zeroizing;

/// Characters of a key id.
const KEY_ID_LENGTH: usize = 16;
/// DER prefix of an Ed25519 public key (RFC 8410).
const SPKI_PREFIX: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// A key is not usable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidKey {
    /// Not a private key.
    #[error(
        "the signing key is not Ed25519 as PEM (PKCS#8), or as a seed of 32 bytes in hexadecimal or base64"
    )]
    Private,
    /// Not a public key.
    #[error("the public key is not Ed25519 as PEM, or as 32 bytes in base64 or hexadecimal")]
    Public,
}

/// A private key. AWS-LC owns its memory and wipes it on drop; copies of the key are wiped, too.
pub struct SigningKey(Ed25519KeyPair);

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.public_key().id())
    }
}

impl SigningKey {
    /// Generates a key.
    pub fn generate() -> Result<Self, InvalidKey> {
        Ed25519KeyPair::generate().map(Self).map_err(|_| InvalidKey::Private)
    }

    /// Parses a key: PEM as `openssl genpkey -algorithm ed25519` writes it, or a seed in
    /// hexadecimal or base64.
    pub fn parse(text: &SecretString) -> Result<Self, InvalidKey> {
        let text = text.expose_secret();
        let pair = match pem(text) {
            Some(der) => Ed25519KeyPair::from_pkcs8_maybe_unchecked(&der),
            None => Ed25519KeyPair::from_seed_unchecked(&bytes_of(text).ok_or(InvalidKey::Private)?),
        };
        pair.map(Self).map_err(|_| InvalidKey::Private)
    }

    /// A key from its seed.
    pub fn from_seed(seed: &[u8]) -> Result<Self, InvalidKey> {
        Ed25519KeyPair::from_seed_unchecked(seed).map(Self).map_err(|_| InvalidKey::Private)
    }

    /// The seed, which the caller encrypts at once.
    pub fn seed(&self) -> Result<Zeroizing<Vec<u8>>, InvalidKey> {
        use aws_lc_rs::encoding::AsBigEndian as _;
        let seed = self.0.seed().map_err(|_| InvalidKey::Private)?;
        let bytes: aws_lc_rs::encoding::Curve25519SeedBin<'_> =
            seed.as_be_bytes().map_err(|_| InvalidKey::Private)?;
        Ok(Zeroizing::new(bytes.as_ref().to_vec()))
    }

    /// The public key.
    pub fn public_key(&self) -> PublicKey {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(self.0.public_key().as_ref());
        PublicKey(bytes)
    }

    /// Signs a text; the signature is base64.
    pub fn sign(&self, text: &str) -> String {
        STANDARD.encode(self.0.sign(text.as_bytes()))
    }
}

/// A public key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PublicKey([u8; 32]);

impl PublicKey {
    /// Parses a key: PEM, base64 or hexadecimal.
    pub fn parse(text: &str) -> Result<Self, InvalidKey> {
        let bytes = match pem(text) {
            Some(der) => der.strip_prefix(&SPKI_PREFIX).map(|key| Zeroizing::new(key.to_vec())),
            None => bytes_of(text),
        };
        Self::from_bytes(&bytes.ok_or(InvalidKey::Public)?)
    }

    /// A key from its 32 bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, InvalidKey> {
        bytes.try_into().map(Self).map_err(|_| InvalidKey::Public)
    }

    /// The 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Key id: the first characters of the SHA-256 in hexadecimal.
    pub fn id(&self) -> String {
        let mut id = hex::encode(digest(&SHA256, &self.0));
        id.truncate(KEY_ID_LENGTH);
        id
    }

    /// The key in base64.
    pub fn to_base64(&self) -> String {
        STANDARD.encode(self.0)
    }

    /// Verifies a base64 signature over a text.
    pub fn signed(&self, text: &str, signature: &str) -> bool {
        STANDARD.decode(signature).is_ok_and(|signature| {
            UnparsedPublicKey::new(&ED25519, self.0).verify(text.as_bytes(), &signature).is_ok()
        })
    }
}

/// A signed head of the hash chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Checkpoint {
    /// Last position of the ledger.
    #[schema(value_type = u64)]
    pub position: Position,
    /// Chain hash at this position in hexadecimal; covers all earlier events.
    pub root: String,
    /// Ed25519 over `colloquy checkpoint 1`, position, root, at and `key_id`, each followed by a line feed;
    /// in base64.
    pub signature: String,
    /// Id of the signing key.
    pub key_id: String,
    /// Time of the signature, RFC 3339.
    pub at: String,
}

impl Checkpoint {
    /// Signs a head of the ledger.
    pub fn sign(key: &SigningKey, position: Position, root: &[u8], at: String) -> Self {
        let (root, key_id) = (hex::encode(root), key.public_key().id());
        let signature = key.sign(&checkpoint_text(position, &root, &at, &key_id));
        Self { position, root, signature, key_id, at }
    }

    /// Verifies the signature with a key.
    pub fn is_signed_by(&self, key: &PublicKey) -> bool {
        self.key_id == key.id()
            && key
                .signed(&checkpoint_text(self.position, &self.root, &self.at, &self.key_id), &self.signature)
    }
}

fn checkpoint_text(position: Position, root: &str, at: &str, key_id: &str) -> String {
    format!("colloquy checkpoint 1\n{position}\n{root}\n{at}\n{key_id}\n")
}

/// 32 bytes from 64 lower-case hexadecimal digits: a hash has one text form.
pub(crate) fn parse_hash(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    hex::decode_to_slice(text, &mut bytes).ok()?;
    text.bytes().all(|digit| !digit.is_ascii_uppercase()).then_some(bytes)
}

fn bytes_of(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let text = text.trim();
    // 64 hexadecimal digits are valid base64, too.
    let hexadecimal = hex::decode(text).ok().filter(|bytes| bytes.len() == 32);
    hexadecimal.or_else(|| STANDARD.decode(text).ok()).map(Zeroizing::new)
}

/// The content of a PEM block; `None` if the text is not PEM.
fn pem(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let body = text.trim().strip_prefix("-----BEGIN ")?.split_once("-----")?.1.split_once("-----END ")?.0;
    let base64 = Zeroizing::new(body.split_whitespace().collect::<String>());
    STANDARD.decode(base64.as_bytes()).ok().map(Zeroizing::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkpoint_verifies_with_its_key_alone_and_only_unchanged() {
        let (key, other) = (SigningKey::generate().unwrap(), SigningKey::generate().unwrap());
        let signed = Checkpoint::sign(&key, Position(7), &[1; 32], "2026-01-01T00:00:00.000000Z".into());
        assert!(signed.is_signed_by(&key.public_key()));
        assert!(!signed.is_signed_by(&other.public_key()));
        assert!(!Checkpoint { position: Position(8), ..signed.clone() }.is_signed_by(&key.public_key()));
        assert!(!Checkpoint { root: hex::encode([2; 32]), ..signed.clone() }.is_signed_by(&key.public_key()));
        assert!(!Checkpoint { at: String::new(), ..signed }.is_signed_by(&key.public_key()));
    }

    #[test]
    fn keys_parse_from_every_form_that_they_are_written_in() {
        let key = SigningKey::generate().unwrap();
        let again = SigningKey::from_seed(&key.seed().unwrap()).unwrap();
        assert_eq!(again.public_key(), key.public_key());
        assert_eq!(
            SigningKey::parse(&hex::encode(key.seed().unwrap()).into()).unwrap().public_key(),
            key.public_key()
        );
        let public = key.public_key();
        assert_eq!(PublicKey::parse(&public.to_base64()), Ok(public));
        let der = [SPKI_PREFIX.as_slice(), public.as_bytes()].concat();
        let pem = format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", STANDARD.encode(der));
        assert_eq!(PublicKey::parse(&pem), Ok(public));
        assert_eq!(PublicKey::parse("hello"), Err(InvalidKey::Public));
    }

    #[test]
    fn a_pem_of_openssl_parses() {
        let pem = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n-----END PRIVATE KEY-----\n";
        let key = SigningKey::parse(&pem.into()).unwrap();
        // The first test vector of RFC 8032.
        assert_eq!(
            hex::encode(key.public_key().as_bytes()),
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
        );
    }

    #[test]
    fn a_hash_has_one_text_form() {
        assert_eq!(parse_hash(&hex::encode([0xab; 32])), Some([0xab; 32]));
        assert_eq!(parse_hash(&hex::encode_upper([0xab; 32])), None);
        assert_eq!(parse_hash("ab"), None);
    }
}

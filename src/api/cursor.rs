//! Cursors of pages: opaque to clients, and refused when changed or sent with another query.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sealing::{DerivedKey, MasterKey};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::api::problem::Problem;

const MAC_BYTES: usize = 16;

/// Encodes and decodes cursors: places in results, with a keyed hash over place and query.
#[derive(Debug)]
pub(in crate::api) struct Cursors {
    key: DerivedKey,
}

impl Cursors {
    pub(in crate::api) fn new(master: &MasterKey) -> Self {
        Self { key: master.derive("cursor") }
    }

    /// Encodes a place in the result of a query. The name of the query has the owner and all filters.
    pub(in crate::api) fn encode<P: Serialize>(&self, query: &str, place: &P) -> Result<String, Problem> {
        let mut bytes = serde_json::to_vec(place).map_err(|_| Problem::internal())?;
        let mac = self.mac(query, &bytes);
        bytes.extend_from_slice(&mac);
        Ok(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// The place of a cursor.
    pub(in crate::api) fn decode<P: DeserializeOwned>(
        &self,
        query: &str,
        cursor: &str,
    ) -> Result<P, Problem> {
        let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| Problem::invalid_cursor())?;
        let (place, mac) = bytes.split_last_chunk::<MAC_BYTES>().ok_or_else(Problem::invalid_cursor)?;
        verify_slices_are_equal(mac, &self.mac(query, place)).map_err(|_| Problem::invalid_cursor())?;
        serde_json::from_slice(place).map_err(|_| Problem::invalid_cursor())
    }

    fn mac(&self, query: &str, place: &[u8]) -> [u8; MAC_BYTES] {
        let mut hasher = blake3::Hasher::new_keyed(self.key.as_bytes());
        hasher.update(&(query.len() as u64).to_le_bytes());
        hasher.update(query.as_bytes());
        hasher.update(place);
        let mut mac = [0; MAC_BYTES];
        hasher.finalize_xof().fill(&mut mac);
        mac
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cursors() -> Cursors {
        Cursors::new(&MasterKey::parse(&"01".repeat(32).into()).unwrap())
    }

    #[test]
    fn a_cursor_is_valid_for_its_own_query_alone() {
        let cursor = cursors().encode("list of one", &7).unwrap();
        assert_eq!(cursors().decode::<i32>("list of one", &cursor).unwrap(), 7);
        assert!(cursors().decode::<i32>("list of another", &cursor).is_err());
    }

    #[test]
    fn a_changed_cursor_is_refused() {
        let cursor = cursors().encode("q", &123_456).unwrap();
        for at in 0..cursor.len() {
            let mut changed = cursor.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            assert!(cursors().decode::<i32>("q", &changed).is_err(), "{changed}");
        }
        assert!(cursors().decode::<i32>("q", "").is_err());
        assert!(cursors().decode::<i32>("q", "%%%").is_err());
    }
}

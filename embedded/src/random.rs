//! Random values from the operating system: passwords, keys and a start for the search of a port.

use std::fmt::Write as _;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use crate::{Error, Result};

/// A fresh secret of `bytes` random bytes, in lower-case hex.
pub fn hex_secret(bytes: usize) -> Result<String> {
    let mut secret = String::with_capacity(bytes * 2);
    for byte in random_bytes(bytes)? {
        // Writing to a string cannot fail.
        let _ = write!(secret, "{byte:02x}");
    }
    Ok(secret)
}

/// A random number below `end`, which must not be 0.
pub(crate) fn below(end: u16) -> Result<u16> {
    let bytes = random_bytes(4)?;
    let number = bytes.iter().fold(0_u32, |number, byte| (number << 8) | u32::from(*byte));
    Ok(u16::try_from(number % u32::from(end)).unwrap_or(0))
}

fn random_bytes(count: usize) -> Result<Vec<u8>> {
    let source = Path::new("/dev/urandom");
    let mut bytes = vec![0; count];
    File::open(source).and_then(|mut file| file.read_exact(&mut bytes)).map_err(Error::io("read", source))?;
    Ok(bytes)
}

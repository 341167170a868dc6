//! Decodes bodies that a server or a proxy compressed although no compression was asked for. The output of each
//! step is bounded, so that the reader's own limit ends a body that unpacks to more.

use std::collections::VecDeque;
use std::io::Write;

use bytes::Bytes;
use flate2::write::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};

use super::ApiError;

/// The compressed bytes that one step decodes. They unpack to a thousand times as many at most, which takes less
/// than a millisecond.
const STEP_BYTES: usize = 512;
/// The method of compression in the first byte of a zlib stream.
const ZLIB_METHOD: u8 = 8;

/// A decoder of one body.
pub(super) struct Decoder {
    form: Form,
    /// Bytes that are not decoded yet.
    waiting: VecDeque<Bytes>,
}

enum Form {
    Plain,
    Gzip(Box<MultiGzDecoder<Vec<u8>>>),
    /// `deflate` before its first byte: servers send it with and without the frame of zlib.
    Deflate,
    Zlib(Box<ZlibDecoder<Vec<u8>>>),
    Raw(Box<DeflateDecoder<Vec<u8>>>),
}

impl Decoder {
    /// A decoder of a body with this `Content-Encoding`.
    pub(super) fn new(encoding: &str) -> Result<Self, ApiError> {
        let form = match encoding.trim().to_ascii_lowercase().as_str() {
            "" | "identity" | "none" => Form::Plain,
            "gzip" | "x-gzip" => Form::Gzip(Box::new(MultiGzDecoder::new(Vec::new()))),
            "deflate" => Form::Deflate,
            _ => return Err(ApiError::Encoded),
        };
        Ok(Self { form, waiting: VecDeque::new() })
    }

    /// Adds bytes of the body.
    pub(super) fn push(&mut self, bytes: Bytes) {
        self.waiting.push_back(bytes);
    }

    /// Decodes the next bytes; `None` if more of the body is needed.
    pub(super) fn next(&mut self) -> Result<Option<Bytes>, ApiError> {
        while let Some(mut bytes) = self.waiting.pop_front() {
            if matches!(self.form, Form::Plain) {
                return Ok(Some(bytes));
            }
            let step = bytes.split_to(bytes.len().min(STEP_BYTES));
            if !bytes.is_empty() {
                self.waiting.push_front(bytes);
            }
            let decoded = self.decode(&step)?;
            if !decoded.is_empty() {
                return Ok(Some(decoded.into()));
            }
        }
        Ok(None)
    }

    fn decode(&mut self, bytes: &[u8]) -> Result<Vec<u8>, ApiError> {
        if let (Form::Deflate, Some(first)) = (&self.form, bytes.first()) {
            self.form = if first & 0xf == ZLIB_METHOD {
                Form::Zlib(Box::new(ZlibDecoder::new(Vec::new())))
            } else {
                Form::Raw(Box::new(DeflateDecoder::new(Vec::new())))
            };
        }
        match &mut self.form {
            Form::Plain | Form::Deflate => Ok(bytes.to_vec()),
            Form::Gzip(decoder) => step(decoder.as_mut(), bytes, MultiGzDecoder::get_mut),
            Form::Zlib(decoder) => step(decoder.as_mut(), bytes, ZlibDecoder::get_mut),
            Form::Raw(decoder) => step(decoder.as_mut(), bytes, DeflateDecoder::get_mut),
        }
    }
}

/// Decodes bytes and takes all that they unpack to.
fn step<D: Write>(
    decoder: &mut D,
    bytes: &[u8],
    output: fn(&mut D) -> &mut Vec<u8>,
) -> Result<Vec<u8>, ApiError> {
    decoder.write_all(bytes).and_then(|()| decoder.flush()).map_err(|_| ApiError::Malformed)?;
    Ok(std::mem::take(output(decoder)))
}

#[cfg(test)]
mod tests {
    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};

    use super::*;

    /// Decodes a body that arrives in pieces of this size.
    fn decoded(encoding: &str, body: &[u8], size: usize) -> Result<Vec<u8>, ApiError> {
        let mut decoder = Decoder::new(encoding)?;
        let mut read = Vec::new();
        for piece in body.chunks(size) {
            decoder.push(Bytes::copy_from_slice(piece));
            while let Some(bytes) = decoder.next()? {
                read.extend_from_slice(&bytes);
            }
        }
        Ok(read)
    }

    #[test]
    fn compressed_bodies_are_decoded_however_they_arrive() {
        let text = b"data: {\"choices\":[]}\n\n".repeat(400);
        let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
        let mut zlib = ZlibEncoder::new(Vec::new(), Compression::default());
        let mut raw = DeflateEncoder::new(Vec::new(), Compression::default());
        for writer in [&mut gzip as &mut dyn Write, &mut zlib, &mut raw] {
            writer.write_all(&text).unwrap();
        }
        let (gzip, zlib, raw) = (gzip.finish().unwrap(), zlib.finish().unwrap(), raw.finish().unwrap());
        for (encoding, body) in
            [("gzip", &gzip), ("X-GZIP", &gzip), ("deflate", &zlib), ("deflate", &raw), ("identity", &text)]
        {
            for size in [1, 7, 100_000] {
                assert_eq!(decoded(encoding, body, size).unwrap(), text, "{encoding} by {size}");
            }
        }
    }

    #[test]
    fn the_text_before_a_flush_is_decoded_at_once() {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
        gzip.write_all(b"data: 1\n\n").unwrap();
        gzip.flush().unwrap();
        assert_eq!(decoded("gzip", gzip.get_ref(), 1_000).unwrap(), b"data: 1\n\n");
    }

    #[test]
    fn other_encodings_and_damage_are_errors() {
        assert!(matches!(decoded("br", b"x", 1), Err(ApiError::Encoded)));
        assert!(matches!(decoded("gzip, gzip", b"x", 1), Err(ApiError::Encoded)));
        assert!(matches!(decoded("gzip", b"data: {}\n\n", 4), Err(ApiError::Malformed)));
    }

    #[test]
    fn a_body_that_unpacks_to_much_is_decoded_in_small_steps() {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
        gzip.write_all(&vec![0; 12 << 20]).unwrap();
        let mut decoder = Decoder::new("gzip").unwrap();
        decoder.push(gzip.finish().unwrap().into());
        let (mut read, mut largest) = (0, 0);
        while let Some(bytes) = decoder.next().unwrap() {
            (read, largest) = (read + bytes.len(), largest.max(bytes.len()));
        }
        assert_eq!(read, 12 << 20);
        assert!(largest <= STEP_BYTES * 1_100, "{largest}");
    }
}

//! One HTTP/1.1 connection, kept alive, that does as little as a client can.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const CONTENT_LENGTH: &[u8] = b"content-length: ";

/// A connection and what was read from it.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
    read: Vec<u8>,
}

/// An answer: its status, and where its body is in the connection's buffer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    body: (usize, usize),
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, read: Vec::with_capacity(32 << 10) })
    }

    /// Sends a request and reads the whole answer.
    pub(crate) async fn exchange(&mut self, request: &[u8]) -> io::Result<Reply> {
        self.read.clear();
        self.stream.write_all(request).await?;
        let mut known = None;
        loop {
            if self.stream.read_buf(&mut self.read).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if known.is_none() {
                known = head(&self.read)?;
            }
            if let Some(reply) = known
                && self.read.len() >= reply.body.1
            {
                return Ok(reply);
            }
        }
    }

    /// The body of the answer that was read last.
    pub(crate) fn body(&self, reply: Reply) -> &[u8] {
        self.read.get(reply.body.0..reply.body.1).unwrap_or_default()
    }
}

/// Reads an answer's head once it is there.
fn head(read: &[u8]) -> io::Result<Option<Reply>> {
    let Some(end) = read.windows(4).position(|window| window == b"\r\n\r\n") else {
        return Ok(None);
    };
    let head = read.get(..end).unwrap_or_default();
    let status = head.get(9..12).and_then(number).and_then(|status| u16::try_from(status).ok());
    let status = status.ok_or(io::ErrorKind::InvalidData)?;
    let mut lines = head.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let length = lines.find_map(|line| {
        let name = line.get(..CONTENT_LENGTH.len())?;
        if name.eq_ignore_ascii_case(CONTENT_LENGTH) { number(line.get(name.len()..)?) } else { None }
    });
    // The routes measured answer with a length; a chunked answer would be a change worth noticing.
    let length = length.ok_or(io::ErrorKind::InvalidData)?;
    Ok(Some(Reply { status, body: (end + 4, end + 4 + length) }))
}

fn number(digits: &[u8]) -> Option<usize> {
    std::str::from_utf8(digits).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_once_it_is_whole() {
        let answer = b"HTTP/1.1 202 Accepted\r\nEtag: \"3\"\r\nContent-Length: 5\r\n\r\nhello";
        assert!(head(&answer[..40]).unwrap().is_none());
        let reply = head(answer).unwrap().unwrap();
        assert_eq!((reply.status, &answer[reply.body.0..reply.body.1]), (202, b"hello".as_slice()));
    }

    #[test]
    fn an_answer_without_a_length_is_an_error() {
        assert!(head(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").is_err());
    }
}

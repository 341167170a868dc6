//! Messages between the service and the process that reads a file.
//!
//! The service writes two frames and the bytes of the file to the standard input of the process. The process
//! writes frames to its standard output, the last of which is [`Frame::Done`] or [`Frame::Rejected`]. What
//! the process writes counts as input from outside: a file may have taken it over.

use rag::extract::{ExtractError, MediaType, Omission};
use serde::{Deserialize, Serialize};
use std::io::{self, Read, Write};
use tokio::io::{AsyncRead, AsyncReadExt as _};

/// The longest frame of a process. A passage, with all its headings, has a few kilobytes.
pub(super) const MAX_FRAME_BYTES: usize = 64 << 10;
/// The bytes that a frame without a long payload counts for.
const OVERHEAD_BYTES: usize = 256;
/// The longest frame of the service, which holds the file of a tokenizer.
const MAX_REQUEST_BYTES: usize = 64 << 20;

/// Request of the service for a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Task {
    /// Its title and its passages.
    Passages,
    /// Its title alone.
    Title,
    /// A picture of one of its pages.
    Page(PageView),
}

/// A picture of a page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageView {
    /// The number of the page, from 1.
    pub number: u32,
    /// The width in pixels.
    pub width: u32,
    /// The text that is marked, line by line.
    pub marked: String,
}

/// The first frame of the service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Request {
    pub(super) task: Task,
    pub(super) media_type: MediaType,
    /// The title that the document was given; empty for the one that its text names.
    pub(super) title: String,
    /// The texts of pictures that an earlier process has recognised; no others are read.
    pub(super) recognised: Option<Vec<String>>,
}

#[derive(Serialize, Deserialize)]
struct RequestFrame {
    task: Task,
    media_type: String,
    title: String,
    recognised: Option<Vec<String>>,
}

/// Message of the process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Frame {
    /// Confinement of the process, for the log.
    Jail(String),
    /// The next text of a picture.
    Recognised(String),
    /// The text of the picture is complete.
    PictureEnd,
    /// The text is extracted.
    Splitting,
    /// The title of the document.
    Title(String),
    /// A passage, as `passages` writes it.
    Passage(Vec<u8>),
    /// A part of the file that is left out.
    Omitted(Omission),
    /// The next bytes of a picture.
    Picture(Vec<u8>),
    /// The file yields nothing.
    Rejected(ExtractError),
    /// All was said.
    Done,
}

impl Request {
    pub(super) fn new(task: Task, media_type: MediaType, title: &str) -> Self {
        Self { task, media_type, title: title.to_owned(), recognised: None }
    }

    pub(super) fn to_bytes(&self) -> io::Result<Vec<u8>> {
        let Self { task, media_type, title, recognised } = self;
        let frame = RequestFrame {
            task: task.clone(),
            media_type: media_type.name().to_owned(),
            title: title.clone(),
            recognised: recognised.clone(),
        };
        Ok(serde_json::to_vec(&frame)?)
    }

    pub(super) fn from_bytes(bytes: &[u8]) -> io::Result<Self> {
        let RequestFrame { task, media_type, title, recognised } = serde_json::from_slice(bytes)?;
        let media_type = MediaType::from_name(&media_type).ok_or_else(malformed)?;
        Ok(Self { task, media_type, title, recognised })
    }
}

impl Frame {
    const fn tag(&self) -> u8 {
        match self {
            Self::Jail(_) => b'j',
            Self::Recognised(_) => b'o',
            Self::PictureEnd => b'e',
            Self::Splitting => b's',
            Self::Title(_) => b't',
            Self::Passage(_) => b'p',
            Self::Omitted(_) => b'm',
            Self::Picture(_) => b'i',
            Self::Rejected(_) => b'r',
            Self::Done => b'd',
        }
    }

    pub(super) fn write(&self, output: &mut impl Write) -> io::Result<()> {
        let json;
        let payload = match self {
            Self::Jail(text) | Self::Title(text) | Self::Recognised(text) => text.as_bytes(),
            Self::Omitted(omission) => {
                json = serde_json::to_vec(omission)?;
                &json
            }
            Self::Passage(bytes) | Self::Picture(bytes) => bytes,
            Self::Rejected(reason) => reason.name().as_bytes(),
            Self::PictureEnd | Self::Splitting | Self::Done => &[],
        };
        output.write_all(&[self.tag()])?;
        write_bytes(output, payload)
    }

    /// The next frame; `None` where the output ends. An error for what no process of this program writes.
    pub(super) async fn read(input: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<Self>> {
        let mut head = [0; 5];
        match input.read_exact(&mut head).await {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            Err(error) => return Err(error),
        }
        let [tag, length @ ..] = head;
        let length = u32::from_le_bytes(length) as usize;
        if length > MAX_FRAME_BYTES {
            return Err(malformed());
        }
        let mut payload = vec![0; length];
        match input.read_exact(&mut payload).await {
            Ok(_) => Self::parse(tag, payload).map(Some),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn parse(tag: u8, payload: Vec<u8>) -> io::Result<Self> {
        let text = |bytes| String::from_utf8(bytes).map_err(|_| malformed());
        Ok(match tag {
            b'j' => Self::Jail(text(payload)?),
            b'o' => Self::Recognised(text(payload)?),
            b'e' => Self::PictureEnd,
            b's' => Self::Splitting,
            b't' => Self::Title(text(payload)?),
            b'p' => Self::Passage(payload),
            b'm' => Self::Omitted(serde_json::from_slice(&payload).map_err(|_| malformed())?),
            b'i' => Self::Picture(payload),
            b'r' => Self::Rejected(ExtractError::from_name(&text(payload)?).ok_or_else(malformed)?),
            b'd' => Self::Done,
            _ => return Err(malformed()),
        })
    }

    /// The bytes of the payload, which are kept.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Jail(text) | Self::Title(text) | Self::Recognised(text) => text.len(),
            Self::Passage(bytes) | Self::Picture(bytes) => bytes.len(),
            Self::Omitted(_) | Self::PictureEnd => OVERHEAD_BYTES,
            Self::Splitting | Self::Rejected(_) | Self::Done => 0,
        }
    }
}

/// Reads all that a process or the service writes, and unpacks its passages.
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) async fn read_frames(bytes: &[u8]) {
    let mut passages = super::Passages::default();
    let mut rest = bytes;
    while let Ok(Some(frame)) = Frame::read(&mut rest).await {
        if let Frame::Passage(packed) = frame {
            passages.push(&packed);
        }
    }
    let _ = (passages.language(), passages.count());
    let _ = Request::from_bytes(bytes);
    let _ = read_bytes(&mut &*bytes).map(|bytes| Request::from_bytes(&bytes));
}

/// Writes bytes with their length before them.
pub(super) fn write_bytes(output: &mut impl Write, bytes: &[u8]) -> io::Result<()> {
    output.write_all(&length(bytes)?)?;
    output.write_all(bytes)
}

/// The length of bytes as it stands before them.
pub(super) fn length(bytes: &[u8]) -> io::Result<[u8; 4]> {
    Ok(u32::try_from(bytes.len()).map_err(|_| malformed())?.to_le_bytes())
}

/// Reads what [`write_bytes`] wrote.
pub(super) fn read_bytes(input: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut length = [0; 4];
    input.read_exact(&mut length)?;
    let length = u32::from_le_bytes(length) as usize;
    if length > MAX_REQUEST_BYTES {
        return Err(malformed());
    }
    let mut bytes = vec![0; length];
    input.read_exact(&mut bytes)?;
    Ok(bytes)
}

pub(super) fn malformed() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "a frame is malformed")
}

#[cfg(test)]
mod tests {
    use rag::extract::{OmissionCause, OmittedPart};

    use super::*;

    #[tokio::test]
    async fn each_frame_is_read_as_it_was_written() {
        let frames = [
            Frame::Jail("landlock".into()),
            Frame::Recognised("Lamps".into()),
            Frame::PictureEnd,
            Frame::Omitted(Omission {
                part: OmittedPart::Pages { first: 41, last: 90 },
                file: Some("scan.pdf".into()),
                cause: OmissionCause::RecognitionLimit,
            }),
            Frame::Splitting,
            Frame::Title("Lamps".into()),
            Frame::Passage(vec![0, 255]),
            Frame::Picture(vec![137, 80]),
            Frame::Rejected(ExtractError::Encrypted),
            Frame::Done,
        ];
        let mut bytes = Vec::new();
        for frame in &frames {
            frame.write(&mut bytes).unwrap();
        }
        let mut input = bytes.as_slice();
        for frame in frames {
            assert_eq!(Frame::read(&mut input).await.unwrap(), Some(frame));
        }
        assert_eq!(Frame::read(&mut input).await.unwrap(), None);
    }

    #[tokio::test]
    async fn an_output_of_another_program_is_an_error() {
        for bytes in [
            b"Hello, world".as_slice(),
            b"p\xff\xff\xff\xff",
            b"r\x01\0\0\0x",
            b"t\x01\0\0\0\xff",
            b"m\x01\0\0\0{",
        ] {
            assert!(Frame::read(&mut &*bytes).await.is_err(), "{bytes:?}");
        }
    }
}

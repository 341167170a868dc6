//! The process that reads one file: `colloquy extract`.
//!
//! It confines itself before it reads a byte of the file, reads a request and a file from standard input, and
//! writes frames to standard output. It has one thread, no configuration and no log. Libraries are opened
//! before: afterwards no file can be opened.

use std::io::{self, BufWriter, Read as _, Write};
use std::ops::ControlFlow;
use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use rag::extract::{
    ExtractError, Extracted, Omission, OmissionCause, OmittedPart, OnRecognised, Pdf, Recogniser,
    Recognition, Tools, extract, page_png,
};
use rag::split::Splitter;
use rag::vocabulary::{Part, Place};

use super::protocol::{self, Frame, PageView, Request, Task};
use super::{jail, passages};

/// The largest number of passages of one document. Text beyond is left out.
const MAX_PASSAGES: usize = 100_000;
/// The largest file. Uploads have a lower limit.
const MAX_FILE_BYTES: u64 = 64 << 20;

/// Limits of the process, set by the process that starts it.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Memory, in MiB.
    #[arg(long)]
    memory_mib: u64,
    /// Processor time, in seconds.
    #[arg(long)]
    seconds: u32,
    /// Shared library of PDFium, for a file that is or may hold a PDF document.
    #[arg(long)]
    pdfium: Option<PathBuf>,
    /// Recognise text in pictures, where Tesseract is installed.
    #[arg(long)]
    recognise: bool,
}

impl Arguments {
    /// Opens the libraries that reading needs. A missing one is reported only if the file needs it.
    fn tools(&self) -> Tools {
        let pdf = self.pdfium.as_deref().and_then(|library| Pdf::open(library).ok());
        let recognition = if self.recognise {
            Recogniser::open().map_or(Recognition::Missing, Recognition::Ready)
        } else {
            Recognition::Later
        };
        let on_recognised = self.recognise.then(|| Box::new(recognised) as OnRecognised);
        Tools { pdf, recognition, on_recognised }
    }
}

/// Writes the text of a picture. A service that does not read any more has ended this process.
fn recognised(text: &str) {
    let mut output = io::stdout().lock();
    let mut rest = text;
    let mut write = || -> io::Result<()> {
        while !rest.is_empty() {
            let (piece, after) = rest.split_at(rest.floor_char_boundary(protocol::MAX_FRAME_BYTES));
            Frame::Recognised(piece.to_owned()).write(&mut output)?;
            rest = after;
        }
        Frame::PictureEnd.write(&mut output)?;
        output.flush()
    };
    let _ = write();
}

/// Reads one file. Ends the process abnormally at a limit.
pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    // The message of a panic may quote the file.
    std::panic::set_hook(Box::new(|_| {}));
    match confined(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn confined(arguments: &Arguments) -> io::Result<()> {
    let mut tools = arguments.tools();
    let jail = jail::enter(arguments.memory_mib, arguments.seconds)?;
    let mut output = BufWriter::new(io::stdout().lock());
    Frame::Jail(jail).write(&mut output)?;
    output.flush()?;
    let mut input = io::stdin().lock();
    let mut request = Request::from_bytes(&protocol::read_bytes(&mut input)?)?;
    if let Some(texts) = request.recognised.take() {
        tools.recognition = Recognition::known(texts);
    }
    let tokenizer = protocol::read_bytes(&mut input)?;
    let mut file = Vec::new();
    input.take(MAX_FILE_BYTES).read_to_end(&mut file)?;
    // A parser that panics on a file panics again: the file is damaged.
    let reading = AssertUnwindSafe(|| read(&request, &tokenizer, file, &tools, &mut output));
    let read = std::panic::catch_unwind(reading).unwrap_or(Ok(Err(ExtractError::Damaged)))?;
    match read {
        Ok(()) => Frame::Done,
        Err(reason) => Frame::Rejected(reason),
    }
    .write(&mut output)?;
    output.flush()
}

fn read(
    request: &Request,
    tokenizer: &[u8],
    file: Vec<u8>,
    tools: &Tools,
    output: &mut impl Write,
) -> io::Result<Result<(), ExtractError>> {
    if let Task::Page(PageView { number, width, marked }) = &request.task {
        let picture = match page_png(&file, tools, *number, *width, marked) {
            Ok(picture) => picture.unwrap_or_default(),
            Err(reason) => return Ok(Err(reason)),
        };
        for bytes in picture.chunks(protocol::MAX_FRAME_BYTES) {
            Frame::Picture(bytes.to_vec()).write(output)?;
        }
        return Ok(Ok(()));
    }
    let Extracted { title, parts, omissions } = match extract(request.media_type, &file, tools) {
        Ok(extracted) => extracted,
        Err(reason) => return Ok(Err(reason)),
    };
    drop(file);
    match request.task {
        Task::Title | Task::Page(_) => {
            Frame::Title(title.unwrap_or_default()).write(output)?;
            Ok(Ok(()))
        }
        Task::Passages => {
            for omission in omissions {
                Frame::Omitted(omission).write(output)?;
            }
            Frame::Splitting.write(output)?;
            output.flush()?;
            let splitter = Splitter::from_file(tokenizer).map_err(|_| protocol::malformed())?;
            let given = Some(request.title.trim().to_owned()).filter(|title| !title.is_empty());
            split(&splitter, &given.or(title).unwrap_or_default(), &parts, output)
        }
    }
}

/// Splits the parts into passages.
fn split(
    splitter: &Splitter,
    title: &str,
    parts: &[Part],
    output: &mut impl Write,
) -> io::Result<Result<(), ExtractError>> {
    let (mut count, mut page) = (0, None);
    let end = splitter.visit_parts(title, parts, |passage| {
        let written = match count {
            0 => Frame::Title(passage.title.clone()).write(output),
            MAX_PASSAGES => return ControlFlow::Break(None),
            _ => Ok(()),
        };
        count += 1;
        page = passage.place.as_ref().and_then(Place::last_page).or(page);
        let packed = written.and_then(|()| passages::pack(&passage));
        match packed.and_then(|packed| Frame::Passage(packed).write(output)) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => ControlFlow::Break(Some(error)),
        }
    });
    match end {
        ControlFlow::Continue(()) if count == 0 => return Ok(Err(ExtractError::NoText)),
        ControlFlow::Continue(()) => {}
        ControlFlow::Break(Some(error)) => return Err(error),
        ControlFlow::Break(None) => {
            let part = OmittedPart::Rest(page);
            Frame::Omitted(Omission { part, file: None, cause: OmissionCause::Limit }).write(output)?;
        }
    }
    Ok(Ok(()))
}

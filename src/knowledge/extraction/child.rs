//! The process that reads one file: `colloquy extract`.
//!
//! It confines itself before it reads a byte, reads a request and a file from standard input, and writes
//! frames to standard output. It has one thread, no configuration and no log.

use std::io::{self, BufWriter, Read as _, Write};
use std::ops::ControlFlow;
use std::panic::AssertUnwindSafe;
use std::process::ExitCode;

use clap::Args;
use rag::extract::{ExtractError, Extracted, extract};
use rag::split::{Splitter, title};

use super::protocol::{self, Frame, Request, Task};
use super::{jail, passages};

/// The largest number of passages of one document.
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
    let jail = jail::enter(arguments.memory_mib, arguments.seconds)?;
    let mut output = BufWriter::new(io::stdout().lock());
    Frame::Jail(jail).write(&mut output)?;
    output.flush()?;
    let mut input = io::stdin().lock();
    let request = Request::from_bytes(&protocol::read_bytes(&mut input)?)?;
    let tokenizer = protocol::read_bytes(&mut input)?;
    let mut file = Vec::new();
    input.take(MAX_FILE_BYTES).read_to_end(&mut file)?;
    // A parser that panics on a file panics again: the file is damaged.
    let reading = AssertUnwindSafe(|| read(&request, &tokenizer, file, &mut output));
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
    output: &mut impl Write,
) -> io::Result<Result<(), ExtractError>> {
    let Extracted { markup, text } = match extract(request.media_type, &file) {
        Ok(extracted) => extracted,
        Err(reason) => return Ok(Err(reason)),
    };
    drop(file);
    match request.task {
        Task::Title => {
            Frame::Title(title(markup, &text).unwrap_or_default()).write(output)?;
            Ok(Ok(()))
        }
        Task::Passages => {
            Frame::Splitting.write(output)?;
            output.flush()?;
            let splitter = Splitter::from_file(tokenizer).map_err(|_| protocol::malformed())?;
            let mut count = 0;
            let end = splitter.visit_passages(&request.title, markup, &text, |passage| {
                let written = match count {
                    0 => Frame::Title(passage.title.clone()).write(output),
                    MAX_PASSAGES => return ControlFlow::Break(Err(ExtractError::TooManyPassages)),
                    _ => Ok(()),
                };
                count += 1;
                let packed = written.and_then(|()| passages::pack(&passage));
                match packed.and_then(|packed| Frame::Passage(packed).write(output)) {
                    Ok(()) => ControlFlow::Continue(()),
                    Err(error) => ControlFlow::Break(Ok(error)),
                }
            });
            match end {
                ControlFlow::Continue(()) if count == 0 => Ok(Err(ExtractError::NoText)),
                ControlFlow::Continue(()) => Ok(Ok(())),
                ControlFlow::Break(Ok(error)) => Err(error),
                ControlFlow::Break(Err(reason)) => Ok(Err(reason)),
            }
        }
    }
}

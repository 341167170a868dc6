//! A running process that reads a file: started, fed, listened to and killed.

use std::ffi::OsString;
use std::io::{self, ErrorKind};
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{ExitStatus, Stdio};

use rag::extract::ExtractError;
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};

use super::protocol::{self, Frame, Request};
use super::{AbnormalEnd, ExtractionError, Input};

/// Bytes of standard error that are read.
const MAX_ERROR_BYTES: u64 = 4_096;

/// A process with a process group of its own, which is killed when this value is dropped.
pub(super) struct Running {
    child: Child,
    error: String,
}

/// The last word of a process.
pub(super) enum Said {
    Done,
    Rejected(ExtractError),
    /// The output is longer than its limit.
    Full,
    /// The output ended without one, or is not one of this program.
    Nothing,
}

impl Running {
    /// Starts the program with an empty environment.
    pub(super) fn start(
        program: &Path,
        memory_mib: u64,
        seconds: u32,
        libraries: &[OsString],
    ) -> io::Result<Self> {
        let child = Command::new(program)
            .arg("extract")
            .args(["--memory-mib", &memory_mib.to_string(), "--seconds", &seconds.to_string()])
            .args(libraries)
            .env_clear()
            // Tesseract's threads would be refused.
            .env("OMP_THREAD_LIMIT", "1")
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()?;
        Ok(Self { child, error: String::new() })
    }

    /// Feeds the process and hands over what it says, until its last word or the end of its output.
    pub(super) async fn talk(
        &mut self,
        request: &Request,
        tokenizer: &[u8],
        file: Input,
        max_output: usize,
        receive: impl FnMut(Frame) + Send,
    ) -> Result<Said, ExtractionError> {
        let pipes = (self.child.stdin.take(), self.child.stdout.take(), self.child.stderr.take());
        let (Some(stdin), Some(stdout), Some(stderr)) = pipes else {
            return Err(io::Error::from(ErrorKind::BrokenPipe).into());
        };
        let feeding = feed(stdin, request, tokenizer, file);
        let listening = listen(stdout, max_output, receive);
        let (fed, said, error) = tokio::join!(feeding, listening, errors(stderr));
        self.error = error;
        // A process that ended does not read its input to the end.
        match fed {
            Err(ExtractionError::Process(error)) if error.kind() == ErrorKind::BrokenPipe => {}
            fed => fed?,
        }
        said
    }

    /// End of a process without a last message.
    pub(super) async fn end(&mut self, memory_mib: u64, seconds: u32) -> io::Result<AbnormalEnd> {
        // Its output ended, so it has ended or is up to no good.
        self.kill();
        let status = self.child.wait().await?;
        Ok(classify(status, &self.error, memory_mib, seconds))
    }

    fn kill(&mut self) {
        let group = self.child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
        if let Some(group) = group {
            // It fails where no process of the group is left.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Reads the end of a process from its status and from what the runtime wrote to standard error.
fn classify(status: ExitStatus, error: &str, memory_mib: u64, seconds: u32) -> AbnormalEnd {
    if error.contains("memory allocation of") {
        return AbnormalEnd::Memory(memory_mib);
    }
    if error.contains("overflowed its stack") {
        return AbnormalEnd::Nesting;
    }
    match status.signal().and_then(Signal::from_named_raw) {
        Some(Signal::XCPU) => AbnormalEnd::Time(seconds),
        Some(Signal::SEGV | Signal::BUS) => AbnormalEnd::Nesting,
        // PDFium and Tesseract end so where they cannot allocate. Rust's runtime says why it ends.
        Some(Signal::ABORT | Signal::ILL | Signal::TRAP) => AbnormalEnd::Memory(memory_mib),
        _ => AbnormalEnd::Crash,
    }
}

async fn feed(
    mut stdin: ChildStdin,
    request: &Request,
    tokenizer: &[u8],
    mut file: Input,
) -> Result<(), ExtractionError> {
    for frame in [&*request.to_bytes()?, tokenizer] {
        stdin.write_all(&protocol::length(frame)?).await?;
        stdin.write_all(frame).await?;
    }
    while let Some(bytes) = file.next().await? {
        stdin.write_all(&bytes).await?;
    }
    stdin.shutdown().await?;
    Ok(())
}

async fn listen(
    stdout: ChildStdout,
    max_output: usize,
    mut receive: impl FnMut(Frame) + Send,
) -> Result<Said, ExtractionError> {
    let mut stdout = BufReader::new(stdout);
    let mut received = 0;
    loop {
        match Frame::read(&mut stdout).await {
            Ok(Some(Frame::Done)) => return Ok(Said::Done),
            Ok(Some(Frame::Rejected(reason))) => return Ok(Said::Rejected(reason)),
            Ok(Some(frame)) => {
                received += frame.len();
                if received > max_output {
                    return Ok(Said::Full);
                }
                receive(frame);
            }
            Ok(None) => return Ok(Said::Nothing),
            Err(error) if error.kind() == ErrorKind::InvalidData => return Ok(Said::Nothing),
            Err(error) => return Err(error.into()),
        }
    }
}

/// Reads standard error up to its limit. The text is not logged: it may quote the file.
async fn errors(stderr: ChildStderr) -> String {
    let mut start = Vec::new();
    let mut limited = stderr.take(MAX_ERROR_BYTES);
    let _ = limited.read_to_end(&mut start).await;
    String::from_utf8_lossy(&start).into_owned()
}

//! Reads uploaded files in a process of their own, which extracts the text and splits it into passages.
//!
//! A file comes from anybody, and its parsers are not written for hostile input: a small file can exhaust the
//! stack, the memory or the processor. So the service starts its own program as `colloquy extract` for each
//! file (`child`), with limits and without access to anything but its input (`jail`), and kills it with
//! its process group when the time is over or nobody waits any more (`process`).

pub(crate) mod child;
mod input;
mod jail;
mod passages;
mod process;
mod protocol;

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rag::extract::{ExtractError, MediaType, Omission, OmissionCause, OmittedPart};
use tokio::sync::Semaphore;

use crate::config::ExtractionConfig;
use crate::knowledge::files::FilesError;
pub use child::Arguments as ChildArguments;
pub use input::Input;
pub use passages::Passages;
use process::Running;
pub use protocol::PageView;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use protocol::read_frames;
use protocol::{Frame, Request, Task};

/// Time by the clock that a file may take, in multiples of its processor time: the processor is shared.
const CLOCK_FACTOR: u32 = 5;
/// Pictures of pages that are made at the same time.
const MAX_VIEWS: usize = 3;
/// The longest output of one file. Text beyond is left out.
const MAX_OUTPUT_BYTES: usize = 96 << 20;

/// Starts the processes that read files. Clones share the number of processes at a time.
#[derive(Debug, Clone)]
pub struct Extractor {
    program: PathBuf,
    pdfium: PathBuf,
    memory_mib: u64,
    seconds: u32,
    slots: Arc<Semaphore>,
    /// Places for pictures of pages, for which a person waits.
    views: Arc<Semaphore>,
    reported: Arc<AtomicBool>,
}

/// Whether text in pictures is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pictures {
    /// A file with pages of pictures ends as [`ExtractError::Unrecognised`].
    Later,
    /// They are read, where Tesseract is installed.
    Now,
    /// These texts are taken, in the order of the pictures, and the other pictures are left out.
    Known(Vec<String>),
}

/// Content of a file, or the reason why it has none, in words for its owner.
pub type Extracted<T> = Result<T, ExtractError>;

/// Why a file was not read to its end.
#[derive(Debug, thiserror::Error)]
pub enum ExtractionError {
    /// The process that read the file ended before it had finished. Shown to the owner after a second time.
    #[error(transparent)]
    Ended(#[from] AbnormalEnd),
    /// The same at a limit, and a part of the file was read.
    #[error("{end}")]
    Interrupted {
        /// The limit.
        end: AbnormalEnd,
        /// The part.
        part: Part,
    },
    /// The bytes of the file could not be read.
    #[error("the file could not be read")]
    Input(#[from] FilesError),
    /// The process could not be started, or its pipes failed.
    #[error("the process that reads files failed")]
    Process(#[from] std::io::Error),
    /// The process ended before it read the file.
    #[error("the process that reads files does not start: EXTRACTION_PROGRAM")]
    NotStarted,
    /// The service is ending.
    #[error("the service is ending")]
    Closed,
}

/// The part of a file that was read before a limit.
#[derive(Debug)]
pub enum Part {
    /// The texts of pictures, in their order. [`Pictures::Known`] reads the file with them alone.
    Pictures(Vec<String>),
    /// The first passages.
    Passages(Passages),
}

/// End of the process that read a file. The message is shown to the document's owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AbnormalEnd {
    /// The limit of memory.
    #[error("Reading the file needs more memory than the limit of {0} MiB.")]
    Memory(u64),
    /// The limit of processor time, or of time by the clock.
    #[error("Reading the file takes longer than the limit of {0} s.")]
    Time(u32),
    /// The stack.
    #[error("The file is nested too deeply.")]
    Nesting,
    /// Another signal, or an output that is not one of this program.
    #[error("The file ends the program that reads it.")]
    Crash,
}

impl Extractor {
    /// Starts nothing yet.
    pub fn new(config: &ExtractionConfig) -> std::io::Result<Self> {
        let program = config.extraction_program.clone().map_or_else(std::env::current_exe, Ok)?;
        Ok(Self {
            program,
            pdfium: std::path::absolute(&config.pdfium_library)
                .ok()
                .filter(|path| path.is_file())
                .unwrap_or_else(|| config.pdfium_library.clone()),
            memory_mib: config.extraction_memory,
            seconds: config.extraction_seconds.max(1),
            slots: Arc::new(Semaphore::new(config.indexing_concurrency.max(1))),
            views: Arc::new(Semaphore::new(MAX_VIEWS)),
            reported: Arc::default(),
        })
    }

    /// Extracts the text of a file and splits it into passages by a tokenizer, whose file is given.
    /// `splitting` is called when the text is extracted. Waits for a free place first. The process is killed
    /// when the future is dropped.
    ///
    /// # Errors
    /// [`ExtractionError::Interrupted`] holds what was read before a limit of time or memory.
    pub async fn passages(
        &self,
        media_type: MediaType,
        title: &str,
        tokenizer: &[u8],
        (file, pictures): (Input, Pictures),
        splitting: impl Fn() + Send + Sync,
    ) -> Result<Extracted<Passages>, ExtractionError> {
        let request = Request::new(Task::Passages, media_type, title);
        let (mut passages, mut recognised, mut picture) = (Passages::default(), Vec::new(), String::new());
        let end = self
            .run(&request, tokenizer, (file, pictures), |frame| match frame {
                Frame::Recognised(text) => picture.push_str(&text),
                Frame::PictureEnd => recognised.push(std::mem::take(&mut picture)),
                Frame::Splitting => splitting(),
                Frame::Title(title) => passages.set_title(title),
                Frame::Omitted(omission) => passages.omit(omission),
                Frame::Passage(bytes) => passages.push(&bytes),
                _ => {}
            })
            .await;
        let end = match end {
            Err(ExtractionError::Ended(end @ (AbnormalEnd::Time(_) | AbnormalEnd::Memory(_)))) => {
                let part = match (recognised.is_empty(), passages.len()) {
                    (false, _) => Part::Pictures(recognised),
                    (true, 0) => return Err(end.into()),
                    (true, _) => Part::Passages(without_rest(passages)),
                };
                return Err(ExtractionError::Interrupted { end, part });
            }
            end => end?,
        };
        Ok(match end {
            Ok(Extent::Whole) => Ok(passages),
            Ok(Extent::Beginning) => Ok(without_rest(passages)),
            Err(reason) => Err(reason),
        })
    }

    /// The title that a file names, if it names one.
    pub async fn title(
        &self,
        media_type: MediaType,
        file: Input,
    ) -> Result<Extracted<Option<String>>, ExtractionError> {
        let request = Request::new(Task::Title, media_type, "");
        let mut found = None;
        let end = self.run(&request, &[], (file, Pictures::Later), |frame| {
            if let Frame::Title(title) = frame {
                found = Some(title).filter(|title| !title.trim().is_empty());
            }
        });
        Ok(end.await?.and_then(Extent::whole).map(|()| found))
    }
}

impl Extractor {
    /// A picture of a page of a PDF document, as PNG; `None` if it has no such page.
    pub async fn page(
        &self,
        view: PageView,
        file: Input,
    ) -> Result<Extracted<Option<Vec<u8>>>, ExtractionError> {
        let request = Request::new(Task::Page(view), MediaType::Pdf, "");
        let mut picture = Vec::new();
        let end = self.run(&request, &[], (file, Pictures::Later), |frame| {
            if let Frame::Picture(bytes) = frame {
                picture.extend_from_slice(&bytes);
            }
        });
        Ok(end.await?.and_then(Extent::whole).map(|()| Some(picture).filter(|picture| !picture.is_empty())))
    }
}

impl Extractor {
    /// Runs one process to its end, and hands over what it says.
    async fn run(
        &self,
        request: &Request,
        tokenizer: &[u8],
        (file, pictures): (Input, Pictures),
        mut receive: impl FnMut(Frame) + Send,
    ) -> Result<Extracted<Extent>, ExtractionError> {
        let places = if matches!(request.task, Task::Page(_)) { &self.views } else { &self.slots };
        let _slot = places.acquire().await.map_err(|_| ExtractionError::Closed)?;
        let libraries = self.libraries(request.media_type, &pictures);
        let request = &match pictures {
            Pictures::Known(texts) => Request { recognised: Some(texts), ..request.clone() },
            Pictures::Later | Pictures::Now => request.clone(),
        };
        let mut running = Running::start(&self.program, self.memory_mib, self.seconds, &libraries)?;
        let time = Duration::from_secs(u64::from(self.seconds)) * CLOCK_FACTOR;
        let mut is_confined = false;
        let talking = running.talk(request, tokenizer, file, MAX_OUTPUT_BYTES, |frame| match frame {
            Frame::Jail(jail) => {
                is_confined = true;
                self.report(&jail);
            }
            frame => receive(frame),
        });
        let Ok(talked) = tokio::time::timeout(time, talking).await else {
            return Err(AbnormalEnd::Time(self.seconds).into());
        };
        match talked? {
            process::Said::Done => Ok(Ok(Extent::Whole)),
            process::Said::Full => Ok(Ok(Extent::Beginning)),
            process::Said::Rejected(reason) => Ok(Err(reason)),
            // The file is not to blame for what happens before it is read.
            process::Said::Nothing if !is_confined => Err(ExtractionError::NotStarted),
            process::Said::Nothing => Err(running.end(self.memory_mib, self.seconds).await?.into()),
        }
    }

    /// The arguments that name the libraries which a file needs.
    fn libraries(&self, media_type: MediaType, pictures: &Pictures) -> Vec<OsString> {
        let mut arguments = Vec::new();
        if media_type.may_hold_pdf() {
            arguments.extend([OsString::from("--pdfium"), self.pdfium.clone().into_os_string()]);
        }
        if *pictures == Pictures::Now {
            arguments.push(OsString::from("--recognise"));
        }
        arguments
    }

    /// Logs once what confines the process beside its limits.
    fn report(&self, jail: &str) {
        if !self.reported.swap(true, Ordering::Relaxed) {
            tracing::info!(
                jail,
                memory_mib = self.memory_mib,
                seconds = self.seconds,
                "files are read in a process of their own"
            );
        }
    }
}

/// Whether the output of a process is whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Extent {
    Whole,
    Beginning,
}

impl Extent {
    /// Rejects what is of use only as a whole.
    fn whole(self) -> Extracted<()> {
        match self {
            Self::Whole => Ok(()),
            Self::Beginning => Err(ExtractError::TooLarge),
        }
    }
}

/// The first passages of a file whose others are left out.
fn without_rest(mut passages: Passages) -> Passages {
    let part = OmittedPart::Rest(passages.pages());
    passages.omit(Omission { part, file: None, cause: OmissionCause::Limit });
    passages
}

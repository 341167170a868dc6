//! The libraries that reading needs, opened before a process confines itself: PDFium for PDF documents, and
//! Tesseract, where it is installed, for pictures of text.

mod tesseract;

use std::cell::RefCell;
use std::collections::VecDeque;
use std::path::Path;

use pdfium_render::prelude::{Pdfium, PdfiumError};

use super::archive::Inside;
use super::{ExtractError, OmissionCause, encoding};
use crate::vocabulary::{Markup, Part};
pub use tesseract::Recogniser;

/// PDFium.
pub struct Pdf(pub(super) Pdfium);

/// Opened libraries.
#[derive(Default)]
pub struct Tools {
    /// PDFium; without it PDF documents are rejected.
    pub pdf: Option<Pdf>,
    /// Treatment of pictures of text.
    pub recognition: Recognition,
    /// Receives the text of each picture that is read, empty where there is none, so that it is kept if a limit
    /// ends the process.
    pub on_recognised: Option<OnRecognised>,
}

/// Receives the text of a picture.
pub type OnRecognised = Box<dyn Fn(&str)>;

/// Treatment of pictures of text.
#[derive(Default)]
pub enum Recognition {
    /// Report them, see [`ExtractError::Unrecognised`].
    #[default]
    Later,
    /// Read them.
    Ready(Recogniser),
    /// Take the texts that an earlier process has read, in the order of the pictures, and leave the others out.
    Known(RefCell<VecDeque<String>>),
    /// Leave them out.
    Missing,
}

impl Pdf {
    /// Opens the shared library at a path.
    pub fn open(library: &Path) -> Result<Self, PdfiumError> {
        let bindings = Pdfium::bind_to_library(library)?;
        Ok(Self(Pdfium::new(bindings)))
    }
}

/// A picture as 32 bits a pixel.
pub(super) struct Picture<'a> {
    pub(super) pixels: &'a [u8],
    pub(super) width: i32,
    pub(super) height: i32,
    /// Dots per inch.
    pub(super) resolution: i32,
}

impl Recognition {
    /// The treatment that takes the texts of an earlier process.
    pub fn known(texts: Vec<String>) -> Self {
        Self::Known(RefCell::new(texts.into()))
    }
}

/// Reads the text of a picture; the reason where this is not possible. The picture is made where it is read.
pub(super) fn recognise(
    tools: &Tools,
    read: impl FnOnce(&Recogniser) -> Option<String>,
) -> Result<Result<String, OmissionCause>, ExtractError> {
    Ok(match &tools.recognition {
        Recognition::Later => return Err(ExtractError::Unrecognised),
        Recognition::Missing => Err(OmissionCause::NoRecognition),
        Recognition::Known(texts) => texts.borrow_mut().pop_front().ok_or(OmissionCause::RecognitionLimit),
        Recognition::Ready(recogniser) => {
            let text = read(recogniser).map(|text| encoding::nfc(&text));
            if let Some(on_recognised) = &tools.on_recognised {
                on_recognised(text.as_deref().unwrap_or_default());
            }
            text.ok_or(OmissionCause::Damaged)
        }
    })
}

/// Reads the text in a file that is a picture.
pub(super) fn picture(bytes: &[u8], inside: &Inside<'_>) -> Result<Vec<Part>, ExtractError> {
    match recognise(inside.tools, |recogniser| recogniser.file(bytes))? {
        Ok(text) => Ok(vec![Part::text(Markup::Plain, text)]),
        Err(OmissionCause::NoRecognition) => Err(ExtractError::Scan),
        Err(OmissionCause::RecognitionLimit) => {
            inside.omit_self(OmissionCause::RecognitionLimit);
            Ok(Vec::new())
        }
        Err(_) => Err(ExtractError::Damaged),
    }
}

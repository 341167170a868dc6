//! The libraries that reading needs, opened before a process confines itself: PDFium for PDF documents, and
//! Tesseract, where it is installed, for pictures of text.

mod tesseract;

use std::path::Path;

use pdfium_render::prelude::{Pdfium, PdfiumError};

use super::{ExtractError, encoding};
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
}

/// Treatment of pictures of text.
#[derive(Default)]
pub enum Recognition {
    /// Report them, see [`ExtractError::Unrecognised`].
    #[default]
    Later,
    /// Read them.
    Ready(Recogniser),
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

/// Reads the text in a page of pictures; `None` where this is not possible.
pub(super) fn recognise(picture: &Picture<'_>, tools: &Tools) -> Result<Option<String>, ExtractError> {
    match &tools.recognition {
        Recognition::Later => Err(ExtractError::Unrecognised),
        Recognition::Ready(recogniser) => Ok(recogniser.picture(picture).map(|text| encoding::nfc(&text))),
        Recognition::Missing => Ok(None),
    }
}

/// Reads the text in a file that is a picture.
pub(super) fn picture(bytes: &[u8], tools: &Tools) -> Result<Vec<Part>, ExtractError> {
    match &tools.recognition {
        Recognition::Later => Err(ExtractError::Unrecognised),
        Recognition::Ready(recogniser) => {
            let text = recogniser.file(bytes).ok_or(ExtractError::Damaged)?;
            Ok(vec![Part::text(Markup::Plain, encoding::nfc(&text))])
        }
        Recognition::Missing => Err(ExtractError::Scan),
    }
}

//! Extracts the text of documents, with the places of its parts. Reads bytes, not files. The messages of its
//! errors are shown to users.

mod archive;
mod blobs;
mod compound;
mod delimited;
mod docx;
mod encoding;
mod epub;
mod grid;
mod html;
mod mail;
mod media_type;
mod merged;
mod omitted;
mod opendocument;
mod package;
mod pdf;
mod pptx;
mod raised;
mod rtf;
mod sheets;
mod sniff;
#[cfg(test)]
mod tests;
mod tools;
mod xml;

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::vocabulary::{Content, Markup, Part};
use archive::{Document, Inside};
use package::Package;

pub use media_type::MediaType;
pub use omitted::{Omission, OmissionCause, OmittedPart};
pub use pdf::page_png;
pub use sniff::Sniffer;
pub use tools::{OnRecognised, Pdf, Recogniser, Recognition, Tools};

/// The longest extracted text. Parts beyond are left out.
const MAX_TEXT_BYTES: usize = 64 << 20;

/// The text of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extracted {
    /// The title that the document names.
    pub title: Option<String>,
    /// The parts in reading order, each with text.
    pub parts: Vec<Part>,
    /// The parts that were left out.
    pub omissions: Vec<Omission>,
}

/// The reason for which a document has no text. The message is shown to the document's owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ExtractError {
    /// A password protects the file.
    #[error("A password protects the file. Save it without the password and add it again.")]
    Encrypted,
    /// The file violates its format.
    #[error("The file is damaged and cannot be read.")]
    Damaged,
    /// The file has no letters or digits.
    #[error("The file holds no text.")]
    NoText,
    /// The text is longer than the limit.
    #[error("The file unpacks to more than 64 MiB of text.")]
    TooLarge,
    /// The archive has more files than are looked at.
    #[error("The archive has more than 20,000 files.")]
    TooManyFiles,
    /// The file has pages without text, and their pictures were not read. Never shown: the caller reads the
    /// file again with [`Recognition::Ready`] or [`Recognition::Missing`].
    #[error("The file is a scan.")]
    Unrecognised,
    /// The file is a scan, and this installation reads no pictures.
    #[error(
        "The file is a scan, and Tesseract, which recognises text in pictures, is not installed here. \
         Add a version with recognised text."
    )]
    Scan,
    /// The library that reads PDF documents is missing.
    #[error("PDF documents cannot be read here: the library PDFium is missing.")]
    NoPdf,
}

impl ExtractError {
    const ALL: [Self; 8] = [
        Self::Encrypted,
        Self::Damaged,
        Self::NoText,
        Self::TooLarge,
        Self::TooManyFiles,
        Self::Unrecognised,
        Self::Scan,
        Self::NoPdf,
    ];

    /// The name of the reason, which one process tells another.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Encrypted => "encrypted",
            Self::Damaged => "damaged",
            Self::NoText => "no_text",
            Self::TooLarge => "too_large",
            Self::TooManyFiles => "too_many_files",
            Self::Unrecognised => "unrecognised",
            Self::Scan => "scan",
            Self::NoPdf => "no_pdf",
        }
    }

    /// The reason for which a file inside another one is left out.
    const fn as_cause(self) -> OmissionCause {
        match self {
            Self::Encrypted => OmissionCause::Encrypted,
            Self::TooLarge | Self::TooManyFiles => OmissionCause::Limit,
            Self::Unrecognised | Self::Scan => OmissionCause::NoRecognition,
            Self::NoPdf => OmissionCause::Unsupported,
            Self::Damaged | Self::NoText => OmissionCause::Damaged,
        }
    }

    /// Returns the reason with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.name() == name)
    }
}

/// The language of a text, by its code of ISO 639-1; `None` if its words tell nothing. Looks at
/// its beginning alone.
pub fn language_code(text: &str) -> Option<&'static str> {
    words::Language::of(text).map(words::Language::code)
}

/// Extracts the text of a document. On a hostile file a parser may exhaust the stack or the memory, or not
/// end, so that only a process with limits may call this function.
pub fn extract(media_type: MediaType, bytes: &[u8], tools: &Tools) -> Result<Extracted, ExtractError> {
    guarded(|| extract_unguarded(media_type, bytes, tools))
}

/// The result of a parser. A parser that panics has met what its format does not allow.
fn guarded<T>(parse: impl FnOnce() -> Result<T, ExtractError>) -> Result<T, ExtractError> {
    catch_unwind(AssertUnwindSafe(parse)).unwrap_or(Err(ExtractError::Damaged))
}

fn extract_unguarded(media_type: MediaType, bytes: &[u8], tools: &Tools) -> Result<Extracted, ExtractError> {
    let document = Document::default();
    let inside = Inside::new(tools, &document);
    let (page_title, mut parts) = if media_type == MediaType::Html {
        let page = html::convert(&encoding::decode_markup(bytes));
        (page.title, vec![Part::text(Markup::Markdown, page.markdown)])
    } else {
        (None, parts_of(media_type, bytes, &inside)?)
    };
    parts.retain(Part::has_text);
    if parts.is_empty() {
        return Err(ExtractError::NoText);
    }
    let fitting = fitting(&parts);
    if fitting < parts.len() {
        let page = parts[..fitting].iter().rev().find_map(Part::last_page);
        inside.omit(OmittedPart::Rest(page), OmissionCause::Limit);
        parts.truncate(fitting);
    }
    if parts.is_empty() {
        return Err(ExtractError::TooLarge);
    }
    let title = crate::split::title_of(&parts).or(page_title);
    Ok(Extracted { title, parts, omissions: document.into_omissions() })
}

/// The number of parts whose text is within the limit.
fn fitting(parts: &[Part]) -> usize {
    let mut left = MAX_TEXT_BYTES;
    let fits = |part: &&Part| match left.checked_sub(part.len()) {
        Some(rest) => {
            left = rest;
            true
        }
        None => false,
    };
    parts.iter().take_while(fits).count()
}

/// The parts of a file of any type. The contents of an archive or a compound file decide over its type.
fn parts_of(media_type: MediaType, bytes: &[u8], inside: &Inside<'_>) -> Result<Vec<Part>, ExtractError> {
    let text = |markup: Markup, text| vec![Part::text(markup, blobs::left_out(text))];
    Ok(match media_type {
        MediaType::Markdown => text(Markup::Markdown, encoding::decode(bytes)),
        MediaType::Json => text(Markup::Plain, encoding::decode(bytes)),
        MediaType::Plain => {
            let read = if bytes.trim_ascii_start().starts_with(b"<?xml") {
                encoding::decode_markup(bytes)
            } else {
                encoding::decode(bytes)
            };
            let flat = Some(&read).filter(|read| xml::is_xml(read)).and_then(|read| xml::text(read).ok());
            text(Markup::Plain, flat.unwrap_or(read))
        }
        MediaType::Csv => delimited::parts(bytes, None)?,
        MediaType::Tsv => delimited::parts(bytes, Some(b'\t'))?,
        MediaType::Html => {
            vec![Part::text(Markup::Markdown, html::convert(&encoding::decode_markup(bytes)).markdown)]
        }
        MediaType::Pdf => pdf::parts(bytes, inside)?,
        MediaType::Rtf => rtf::parts(bytes),
        MediaType::Mail => mail::parts(bytes, inside)?,
        MediaType::Png | MediaType::Jpeg | MediaType::Tiff => tools::picture(bytes, inside)?,
        MediaType::Docx
        | MediaType::Xlsx
        | MediaType::Pptx
        | MediaType::Doc
        | MediaType::Xls
        | MediaType::Ppt
        | MediaType::Msg
        | MediaType::Odt
        | MediaType::Ods
        | MediaType::Odp
        | MediaType::Epub
        | MediaType::Zip => {
            if bytes.starts_with(b"PK") {
                archive(bytes, inside)?
            } else {
                compound::parts(bytes, inside)?
            }
        }
    })
}

/// Reads an archive as what its parts make it.
fn archive(bytes: &[u8], inside: &Inside<'_>) -> Result<Vec<Part>, ExtractError> {
    let mut package = Package::open(bytes)?;
    if let Some(kind) = package.part("mimetype")?.filter(|kind| kind.len() < 200) {
        let kind = String::from_utf8_lossy(&kind).into_owned();
        if kind.contains("epub") {
            return epub::read(&mut package, inside);
        }
        if kind.contains("opendocument.spreadsheet") {
            return sheets::parts(bytes, inside);
        }
        if kind.contains("opendocument") {
            return opendocument::parts(&mut package);
        }
    }
    let Some(main) = package.main_part()? else { return archive::parts(&mut package, inside) };
    match kind_of(&mut package, &main)? {
        MediaType::Pptx => pptx::parts(&mut package, &main, inside),
        MediaType::Xlsx => sheets::parts(bytes, inside),
        _ => docx::parts(&mut package, &main),
    }
}

/// The kind of an office file, by the type of its main part or, where that is not said, by its root element.
fn kind_of(package: &mut Package<'_>, main: &str) -> Result<MediaType, ExtractError> {
    let types = package.xml("[Content_Types].xml")?.unwrap_or_default();
    let mut said = None;
    package::for_each_tag(&types, |tag| {
        let names_main = package::attribute(tag, b"PartName")
            .is_some_and(|name| name.trim_start_matches('/').eq_ignore_ascii_case(main));
        if names_main {
            said = package::attribute(tag, b"ContentType");
        }
    })?;
    let said = said.unwrap_or_default();
    for (part, kind) in [
        ("wordprocessing", MediaType::Docx),
        ("presentation", MediaType::Pptx),
        ("spreadsheet", MediaType::Xlsx),
        ("ms-excel", MediaType::Xlsx),
        ("ms-powerpoint", MediaType::Pptx),
    ] {
        if said.contains(part) {
            return Ok(kind);
        }
    }
    let xml = package.xml(main)?.unwrap_or_default();
    let mut root = Vec::new();
    package::for_each_tag(&xml, |tag| {
        if root.is_empty() {
            root = tag.local_name().as_ref().to_vec();
        }
    })?;
    Ok(match root.as_slice() {
        b"presentation" => MediaType::Pptx,
        b"workbook" => MediaType::Xlsx,
        _ => MediaType::Docx,
    })
}

/// Text as Markdown that means the same: a line that begins like a heading, a quotation, code or a rule does
/// not become one.
fn escaped(text: &str) -> String {
    let mut lines = Vec::new();
    for line in text.split('\n') {
        let is_rule =
            line.len() > 1 && line.trim().bytes().all(|byte| matches!(byte, b'-' | b'=' | b'*' | b'_'));
        let is_markup = line.starts_with(['#', '>']) || line.starts_with("```") || line.starts_with("~~~");
        if is_rule || is_markup {
            lines.push(format!("\\{line}"));
        } else {
            lines.push(line.to_owned());
        }
    }
    lines.join("\n")
}

/// The whole text of parts, for tests and for the fuzz targets.
impl Extracted {
    /// The text of all parts, one after the other.
    pub fn text(&self) -> String {
        let texts = self.parts.iter().map(|part| match &part.content {
            Content::Text(_, text) => text.clone(),
            Content::Table(table) => table.to_markdown(),
        });
        texts.collect::<Vec<_>>().join("\n\n")
    }
}

//! Reads PDF documents by PDFium: a part for each page, with headings by the size of their letters and tables
//! by the places of their cells, and behind the pages the parts of the attached files.

mod attachments;
mod fields;
mod layout;
mod lines;
mod render;
mod tables;
mod turned;

use pdfium_render::prelude::{PdfDocument, PdfPage, PdfPageObjectType, PdfPageObjectsCommon as _};
use pdfium_render::prelude::{PdfRenderConfig, PdfiumError, PdfiumInternalError};

use super::archive::Inside;
use super::tools::{Picture, Recogniser, Tools, recognise};
use super::{ExtractError, OmissionCause, OmittedPart, Recognition};
use crate::vocabulary::{Content, Markup, Part, Place};
use layout::Layout;
use lines::{Row, rows};
pub use render::page_png;
use turned::{Character, Turn};

/// The largest number of pages that are read.
const MAX_PAGES: i32 = 20_000;
/// The largest number of pages whose pictures are read.
const MAX_RECOGNISED: u32 = 300;
/// The longest end of a sentence that the page before repeats.
const MAX_REST_CHARS: usize = 400;
/// Letters of a page below which its pictures are read.
const MIN_LETTERS: usize = 16;
/// The resolution at which pictures are read, in dots per inch, and the largest side of the picture.
const RESOLUTION: f32 = 300.0;
const POINTS_PER_INCH: f32 = 72.0;
const MAX_SIDE: f32 = 6_000.0;

/// Content of a page.
enum Page {
    Rows(Vec<Row>),
    /// Text that was recognised in a picture.
    Recognised(String),
}

/// Reads the pages of a document. Pages that cannot be read are left out.
pub(super) fn parts(bytes: &[u8], inside: &Inside<'_>) -> Result<Vec<Part>, ExtractError> {
    let document = open(bytes, inside.tools)?;
    let count = document.pages().len();
    let (mut pages, mut recognised, mut is_scan) = (Vec::new(), 0, false);
    for index in 0..count.min(MAX_PAGES) {
        let omit = |cause| {
            let number = index.unsigned_abs() + 1;
            inside.omit(OmittedPart::Pages { first: number, last: number }, cause);
        };
        let page = document.pages().get(index).ok();
        let read = page.and_then(|page| characters(&page).map(|characters| (page, characters)));
        let Some((page, characters)) = read else {
            omit(OmissionCause::Damaged);
            pages.push(Page::Rows(Vec::new()));
            continue;
        };
        let fields = fields::of(&page);
        let letters = characters.iter().filter(|character| character.c.is_alphanumeric()).count();
        if letters < MIN_LETTERS && has_picture(&page) {
            is_scan = true;
            let text = if recognised < MAX_RECOGNISED {
                recognise(inside.tools, |recogniser| recognised_text(&page, recogniser))?
            } else {
                Err(OmissionCause::RecognitionLimit)
            };
            match text {
                Ok(text) => {
                    recognised += 1;
                    pages.push(Page::Recognised(text));
                    continue;
                }
                Err(cause) => omit(cause),
            }
        }
        let lines = turned::by_direction(&characters).into_iter();
        let rows = lines.flat_map(|glyphs| rows(&turned::written_down(glyphs))).collect();
        pages.push(Page::Rows(fields::placed(rows, fields)));
    }
    if count > MAX_PAGES {
        let (first, last) = (MAX_PAGES.unsigned_abs() + 1, count.unsigned_abs());
        inside.omit(OmittedPart::Pages { first, last }, OmissionCause::Limit);
    }
    let mut parts = written(pages);
    attachments::read(&document, inside, &mut parts)?;
    let is_unread = is_scan && matches!(inside.tools.recognition, Recognition::Missing);
    if is_unread && !parts.iter().any(Part::has_text) { Err(ExtractError::Scan) } else { Ok(parts) }
}

fn open<'a>(bytes: &'a [u8], tools: &'a Tools) -> Result<PdfDocument<'a>, ExtractError> {
    let pdf = tools.pdf.as_ref().ok_or(ExtractError::NoPdf)?;
    pdf.0.load_pdf_from_byte_slice(bytes, None).map_err(|error| match error {
        PdfiumError::PdfiumLibraryInternalError(PdfiumInternalError::PasswordError) => {
            ExtractError::Encrypted
        }
        _ => ExtractError::Damaged,
    })
}

/// The characters of a page in the order of its text; `None` if the page cannot be read.
fn characters(page: &PdfPage<'_>) -> Option<Vec<Character>> {
    let text = page.text().ok()?;
    let mut characters = Vec::new();
    let mut turn = Turn::None;
    for character in text.chars().iter() {
        let Some(c) = character.unicode_char() else { continue };
        if !c.is_whitespace() {
            turn = character.angle_degrees().map_or(Turn::None, Turn::of);
        }
        let bounds = character.loose_bounds().ok();
        characters.push(Character { c, turn, bounds, said_size: character.unscaled_font_size().value });
    }
    Some(characters)
}

/// Whether the page or a form on it shows a picture.
fn has_picture(page: &PdfPage<'_>) -> bool {
    page.objects().iter().any(|object| {
        matches!(object.object_type(), PdfPageObjectType::Image | PdfPageObjectType::XObjectForm)
    })
}

/// The text in the picture of a page.
fn recognised_text(page: &PdfPage<'_>, recogniser: &Recogniser) -> Option<String> {
    let (width, height) = (page.width().value, page.height().value);
    let scale = (RESOLUTION / POINTS_PER_INCH).min(MAX_SIDE / width.max(height).max(1.0));
    let config = PdfRenderConfig::new().scale_page_by_factor(scale);
    let bitmap = page.render_with_config(&config).ok()?;
    let pixels = bitmap.as_rgba_bytes();
    #[expect(clippy::cast_possible_truncation, reason = "a resolution is a small number")]
    let resolution = (scale * POINTS_PER_INCH) as i32;
    let picture = Picture { pixels: &pixels, width: bitmap.width(), height: bitmap.height(), resolution };
    recogniser.picture(&picture)
}

/// The pages as text, with the headings above each page.
fn written(pages: Vec<Page>) -> Vec<Part> {
    let layout = Layout::of(pages.iter().filter_map(|page| match page {
        Page::Rows(rows) => Some(rows.as_slice()),
        Page::Recognised(_) => None,
    }));
    let mut headings = Vec::new();
    let mut parts = Vec::new();
    for (number, page) in (1..).zip(pages) {
        let heading = headings.iter().map(|(_, heading): &(usize, String)| heading.clone()).collect();
        let content = match page {
            Page::Rows(rows) => Content::Text(Markup::Markdown, layout.markdown(&rows, &mut headings)),
            Page::Recognised(text) => Content::Text(Markup::Plain, text),
        };
        parts.push(Part { heading, content, place: Some(Place::Pages { first: number, last: number }) });
    }
    complete_sentences(&mut parts);
    parts
}

/// Repeats the end of a sentence that goes on on the next page, so that the sentence stands on
/// its page whole.
fn complete_sentences(parts: &mut [Part]) {
    for index in 1..parts.len() {
        let Content::Text(Markup::Markdown, next) = &parts[index].content else { continue };
        let rest: String = next.chars().take(MAX_REST_CHARS).collect();
        let end = rest
            .find(['.', '!', '?', '。'])
            .map(|end| end + rest[end..].chars().next().map_or(0, char::len_utf8));
        let Some(rest) = end.map(|end| rest[..end].to_owned()) else { continue };
        if let Content::Text(Markup::Markdown, text) = &mut parts[index - 1].content {
            let is_open = text.trim_end().ends_with(|c: char| c.is_alphanumeric() || matches!(c, ',' | '-'));
            if is_open && rest.starts_with(char::is_lowercase) && !rest.contains("\n\n") {
                let whole = lines::joined(text.trim_end(), &rest, "\n");
                *text = whole + "\n\n";
            }
        }
    }
}

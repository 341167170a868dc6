//! Makes text with headings of what people bring: Markdown, plain text, HTML, PDF, Word. It reads bytes, no files, and what it
//! cannot read it says so in words for a person.

mod docx;
mod sniff;

use crate::vocabulary::Markup;

pub use sniff::{MediaType, Sniffer};

/// The most text taken out of one document: what is packed more densely is not a document.
const MOST_TEXT: usize = 64 << 20;

/// What a document says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extracted {
    /// How the text is written.
    pub markup: Markup,
    /// All of it.
    pub text: String,
}

/// Why a document cannot be read, for the person who brought it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// A PDF that wants a password.
    #[error("The file is encrypted. Save it without a password and add it again.")]
    Encrypted,
    /// A file that breaks its own format.
    #[error("The file is damaged and cannot be read.")]
    Broken,
    /// There is no text.
    #[error("The file holds no text. If it is a scan, add a version with recognised text.")]
    Empty,
    /// It unpacks to more than a document holds.
    #[error("The file unpacks to more text than can be taken in.")]
    TooLarge,
}

/// Takes the text out of a document. Blocking, and of a length the document decides: run it where that is allowed, with a
/// time limit; other people's parsers may panic.
pub fn extract(media_type: MediaType, bytes: &[u8]) -> Result<Extracted, Unreadable> {
    let (markup, text) = match media_type {
        MediaType::Markdown => (Markup::Markdown, sniff::decode(bytes)),
        MediaType::Plain => (Markup::Plain, sniff::decode(bytes)),
        MediaType::Html => (Markup::Markdown, html(&sniff::decode(bytes))?),
        MediaType::Pdf => (Markup::Plain, pdf(bytes)?),
        MediaType::Docx => (Markup::Markdown, docx::markdown(bytes)?),
    };
    if text.len() > MOST_TEXT {
        return Err(Unreadable::TooLarge);
    }
    if !text.chars().any(char::is_alphanumeric) {
        return Err(Unreadable::Empty);
    }
    Ok(Extracted { markup, text })
}

fn html(text: &str) -> Result<String, Unreadable> {
    let skipped = vec![
        "script", "style", "noscript", "nav", "header", "footer", "aside", "form", "svg", "iframe", "head",
    ];
    let converter = htmd::HtmlToMarkdown::builder().skip_tags(skipped).build();
    converter.convert(text).map_err(|_| Unreadable::Broken)
}

fn pdf(bytes: &[u8]) -> Result<String, Unreadable> {
    use pdf_extract::{Document, Error, OutputError};
    let document = Document::load_mem(bytes).map_err(|_| Unreadable::Broken)?;
    if document.is_encrypted() {
        return Err(Unreadable::Encrypted);
    }
    match pdf_extract::extract_text_from_mem(bytes) {
        Ok(text) => Ok(text),
        Err(OutputError::PdfError(Error::Decryption(_))) => Err(Unreadable::Encrypted),
        Err(_) => Err(Unreadable::Broken),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn html_keeps_headings_and_drops_what_is_around() {
        let page = "<!doctype html><html><head><title>T</title></head><body><nav>Menu</nav><h1>Tea</h1>\
                    <p>Steep for <b>four</b> minutes.</p><script>x()</script></body></html>";
        let text = extract(MediaType::Html, page.as_bytes()).unwrap().text;
        assert!(
            text.contains("# Tea")
                && text.contains("four")
                && !text.contains("Menu")
                && !text.contains("x()")
        );
    }

    #[test]
    fn what_holds_no_text_or_is_broken_is_refused_in_words() {
        assert_eq!(extract(MediaType::Plain, b" \n"), Err(Unreadable::Empty));
        assert_eq!(extract(MediaType::Pdf, b"%PDF-1.4 nothing"), Err(Unreadable::Broken));
        assert_eq!(extract(MediaType::Docx, b"PK\x03\x04 nothing"), Err(Unreadable::Broken));
    }
}

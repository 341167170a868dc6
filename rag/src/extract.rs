//! Extracts the text of Markdown, plain text, HTML, PDF and Word documents. Reads bytes, not files. The
//! messages of its errors are shown to users.

mod docx;
mod sniff;

use crate::vocabulary::Markup;

pub use sniff::{MediaType, Sniffer};

/// The longest extracted text. A file that unpacks to more is rejected.
const MAX_TEXT_BYTES: usize = 64 << 20;

/// The text of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extracted {
    /// The markup language of the text.
    pub markup: Markup,
    /// The whole text.
    pub text: String,
}

/// The reason for which a document has no text. The message is shown to the document's owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ExtractError {
    /// A password protects the file.
    #[error("The file is encrypted. Save it without a password and add it again.")]
    Encrypted,
    /// The file violates its format.
    #[error("The file is damaged and cannot be read.")]
    Damaged,
    /// The file has no letters or digits.
    #[error("The file holds no text. If it is a scan, add a version with recognised text.")]
    NoText,
    /// The text is longer than the limit.
    #[error("The file unpacks to more than 64 MiB of text.")]
    TooLarge,
    /// The text has more passages than the index takes of one document.
    #[error("The file has more text than 100,000 passages. Divide it and add the parts.")]
    TooManyPassages,
}

impl ExtractError {
    const ALL: [Self; 5] =
        [Self::Encrypted, Self::Damaged, Self::NoText, Self::TooLarge, Self::TooManyPassages];

    /// The name of the reason, which one process tells another.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Encrypted => "encrypted",
            Self::Damaged => "damaged",
            Self::NoText => "no_text",
            Self::TooLarge => "too_large",
            Self::TooManyPassages => "too_many_passages",
        }
    }

    /// Returns the reason with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.name() == name)
    }
}

/// Extracts the text of a document. On a hostile file a parser may panic, exhaust the stack or the memory, or
/// not end, so that only a process with limits may call this function.
pub fn extract(media_type: MediaType, bytes: &[u8]) -> Result<Extracted, ExtractError> {
    let (markup, text) = match media_type {
        MediaType::Markdown => (Markup::Markdown, sniff::decode(bytes)),
        MediaType::Plain => (Markup::Plain, sniff::decode(bytes)),
        MediaType::Html => (Markup::Markdown, html(&sniff::decode(bytes))?),
        MediaType::Pdf => (Markup::Plain, pdf(bytes)?),
        MediaType::Docx => (Markup::Markdown, docx::markdown(bytes)?),
    };
    if text.len() > MAX_TEXT_BYTES {
        return Err(ExtractError::TooLarge);
    }
    if !text.chars().any(char::is_alphanumeric) {
        return Err(ExtractError::NoText);
    }
    Ok(Extracted { markup, text })
}

fn html(text: &str) -> Result<String, ExtractError> {
    let skipped = vec![
        "script", "style", "noscript", "nav", "header", "footer", "aside", "form", "svg", "iframe", "head",
    ];
    let converter = htmd::HtmlToMarkdown::builder().skip_tags(skipped).build();
    converter.convert(text).map_err(|_| ExtractError::Damaged)
}

fn pdf(bytes: &[u8]) -> Result<String, ExtractError> {
    use pdf_extract::{Document, Error, OutputError};
    let document = Document::load_mem(bytes).map_err(|_| ExtractError::Damaged)?;
    if document.is_encrypted() {
        return Err(ExtractError::Encrypted);
    }
    match pdf_extract::extract_text_from_mem(bytes) {
        Ok(text) => Ok(text),
        Err(OutputError::PdfError(Error::Decryption(_))) => Err(ExtractError::Encrypted),
        Err(_) => Err(ExtractError::Damaged),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn html_keeps_headings_and_loses_navigation_and_scripts() {
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
    fn a_file_without_text_and_a_damaged_file_are_errors() {
        assert_eq!(extract(MediaType::Plain, b" \n"), Err(ExtractError::NoText));
        assert_eq!(extract(MediaType::Pdf, b"%PDF-1.4 nothing"), Err(ExtractError::Damaged));
        assert_eq!(extract(MediaType::Docx, b"PK\x03\x04 nothing"), Err(ExtractError::Damaged));
    }
}

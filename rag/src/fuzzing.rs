//! The parsers of input from outside as functions of bytes, for `fuzz/` and for the tests below.

mod containers;

use tokenizers::Tokenizer;
use tokenizers::models::wordlevel::WordLevel;
use tokenizers::pre_tokenizers::whitespace::Whitespace;

use crate::cite::filter;
use crate::extract::{MediaType, Sniffer, Tools, extract};
use crate::generate::read_response;
use crate::split::{Splitter, title};
use crate::vocabulary::Markup;

/// Detects the media type of a file that comes in two parts.
pub fn sniff(bytes: &[u8]) {
    let mut sniffer = Sniffer::default();
    let (first, second) = bytes.split_at(bytes.len() / 2);
    sniffer.update(first);
    sniffer.update(second);
    let _ = sniffer.media_type("a.md");
}

/// Reads a Word document.
pub fn docx(bytes: &[u8]) {
    let _ = extract(MediaType::Docx, bytes, &Tools::default());
}

/// Reads a file of any type, as its bytes and some names tell it.
pub fn document(bytes: &[u8]) {
    let mut sniffer = Sniffer::default();
    sniffer.update(bytes);
    for name in ["a.txt", "a.csv", "a.html", "a.eml", "a.rtf", "a.md"] {
        if let Some(media_type) = sniffer.media_type(name) {
            let _ = extract(media_type, bytes, &Tools::default());
        }
    }
}

/// Reads an office file or a book whose parts hold the bytes.
pub fn office(bytes: &[u8]) {
    if let Some(file) = containers::archive(bytes) {
        let _ = extract(MediaType::Zip, &file, &Tools::default());
    }
}

/// Reads an office file of before 2007, or a mail of Outlook, whose streams hold the bytes.
pub fn compound(bytes: &[u8]) {
    if let Some(file) = containers::compound(bytes) {
        let _ = extract(MediaType::Doc, &file, &Tools::default());
    }
}

/// Reads a page.
pub fn html(bytes: &[u8]) {
    let _ = extract(MediaType::Html, bytes, &Tools::default());
}

/// Reads a mail.
pub fn mail(bytes: &[u8]) {
    let _ = extract(MediaType::Mail, bytes, &Tools::default());
}

/// Reads a text in Rich Text Format.
pub fn rtf(bytes: &[u8]) {
    let _ = extract(MediaType::Rtf, bytes, &Tools::default());
}

/// Reads a table whose cells a character separates, in any encoding.
pub fn delimited(bytes: &[u8]) {
    let _ = extract(MediaType::Csv, bytes, &Tools::default());
    let _ = extract(MediaType::Tsv, bytes, &Tools::default());
}

/// Finds the language, the sentences and the terms of a question, and what it is about.
///
/// # Panics
/// If the sentences have other characters than the question.
pub fn question(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let language = words::Language::of(&text);
    let _ = (words::of_question(&text), words::of_passage(&text, language), words::is_question(&text));
    let _ = crate::followup::is_followup(&text);
    let letters = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
    assert_eq!(letters(&words::sentences(&text).concat()), letters(&text), "a sentence is lost");
}

/// Divides a passage into the segments that are quoted, and shortens it.
///
/// # Panics
/// If the short form is longer than it may be.
pub fn quoted(bytes: &[u8]) {
    const MAX_CHARS: usize = 40;
    let text = String::from_utf8_lossy(bytes);
    let _ = crate::markdown::segments(&text);
    let snippet = crate::markdown::snippet(&text, MAX_CHARS);
    assert!(
        snippet.chars().count() <= MAX_CHARS + 1,
        "the snippet has {} characters",
        snippet.chars().count()
    );
}

/// Splits a text, both as Markdown and as plain text, and finds its title.
///
/// # Panics
/// If a passage is longer than the model reads.
pub fn split(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let splitter = splitter();
    for markup in [Markup::Markdown, Markup::Plain] {
        let _ = title(markup, &text);
        for passage in splitter.split(markup, &text) {
            assert!(passage.text.len() < 16 << 10, "a passage has {} bytes", passage.text.len());
        }
    }
}

/// Reads the stream of a language model in pieces.
///
/// # Panics
/// If the pieces are read as another stream than the whole.
pub fn model_events(bytes: &[u8]) {
    // A comment tells that the rest are events.
    let events = [b":\n", bytes].concat();
    let whole = read_response([events.as_slice()]);
    assert_eq!(whole, read_response(events.chunks(3)), "pieces are read as the whole");
}

/// Filters the citations of an answer in pieces.
///
/// # Panics
/// If the pieces are filtered as another answer than the whole, or a number without a source is cited.
pub fn citations(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let chars: Vec<char> = text.chars().collect();
    let pieces: Vec<String> = chars.chunks(3).map(|piece| piece.iter().collect()).collect();
    let whole = filter([text.as_ref()], 3);
    assert_eq!(whole, filter(pieces.iter().map(String::as_str), 3), "pieces are filtered as the whole");
    assert!(whole.1.iter().all(|number| (1..=3).contains(number)), "only sources are cited");
}

/// A splitter that counts words.
fn splitter() -> Splitter {
    let vocabulary = std::iter::once(("[UNK]".to_owned(), 0)).collect();
    let words = WordLevel::builder().vocab(vocabulary).unk_token("[UNK]".into()).build().unwrap_or_default();
    let mut tokenizer = Tokenizer::new(words);
    tokenizer.with_pre_tokenizer(Some(Whitespace {}));
    Splitter::new(tokenizer)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Bytes of any kind, and texts of characters that mean something to a parser.
    fn input() -> impl Strategy<Value = Vec<u8>> {
        prop_oneof![
            prop::collection::vec(any::<u8>(), 0..400),
            "[-#>*_`~|\\[\\]()<>!:\"'&;= \n\ta0]{0,400}".prop_map(String::into_bytes),
            "(data: ?[a-z{}\"\n\r]{0,20}[\n\r]{0,3}){0,20}".prop_map(String::into_bytes),
            "(\\[[0-9,^ -]{0,5}\\]|[a-z$`\\\\(){}|<>:\n ]){0,60}".prop_map(String::into_bytes),
            prop::collection::vec(any::<u8>(), 0..200)
                .prop_map(|rest| [b"PK\x03\x04".as_slice(), &rest].concat()),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]

        #[test]
        fn no_parser_panics(bytes in input()) {
            sniff(&bytes);
            docx(&bytes);
            document(&bytes);
            office(&bytes);
            compound(&bytes);
            html(&bytes);
            mail(&bytes);
            rtf(&bytes);
            delimited(&bytes);
            question(&bytes);
            quoted(&bytes);
            split(&bytes);
            model_events(&bytes);
            citations(&bytes);
        }
    }
}

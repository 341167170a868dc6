//! The parsers of input from outside as functions of bytes, for `fuzz/` and for the tests below.

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
            split(&bytes);
            model_events(&bytes);
            citations(&bytes);
        }
    }
}

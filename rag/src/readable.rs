//! Reads a passage's Markdown as a person would: sentences, list items, table rows and code, without markup. Pure text
//! in, pure text out.

use pulldown_cmark::{BrokenLink, CodeBlockKind, CowStr, Event, LinkType, Options, Parser, Tag, TagEnd};
use unicode_segmentation::UnicodeSegmentation as _;

/// Something that can be quoted by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Piece {
    /// One sentence of the paragraph of this number.
    Sentence {
        /// What it says, on one line.
        text: String,
        /// Sentences with the same number belong to one paragraph.
        paragraph: usize,
    },
    /// One item of a list, or row of a table.
    Item(String),
    /// A code block with the language it names.
    Code {
        /// The lines.
        text: String,
        /// Such as `rust`; may be empty.
        language: String,
    },
}

impl Piece {
    /// The text by itself.
    pub(crate) fn text(&self) -> &str {
        match self {
            Self::Sentence { text, .. } | Self::Item(text) | Self::Code { text, .. } => text,
        }
    }
}

/// The pieces of a Markdown text in order. Headings are left out: they name what follows, and say nothing themselves.
pub(crate) fn pieces(markdown: &str) -> Vec<Piece> {
    let mut reader = Reader::default();
    // `[text][name]` whose definition stands elsewhere is a link all the same; `[name]` alone may be just brackets.
    let elsewhere = |link: BrokenLink<'_>| {
        matches!(link.link_type, LinkType::Reference | LinkType::Collapsed)
            .then(|| (CowStr::Borrowed(""), CowStr::Borrowed("")))
    };
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH;
    for event in Parser::new_with_broken_link_callback(markdown, options, Some(elsewhere)) {
        reader.read(event);
    }
    reader.end_block();
    reader.pieces
}

/// A Markdown text on one line, cut after this many characters.
pub(crate) fn snippet(markdown: &str, most: usize) -> String {
    let mut line = String::new();
    for piece in pieces(markdown) {
        for word in piece.text().split_whitespace() {
            if line.chars().count() + word.chars().count() >= most {
                line.push('…');
                return line;
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    line
}

#[derive(Default)]
struct Reader {
    pieces: Vec<Piece>,
    text: String,
    paragraph: usize,
    items: usize,
    in_row: bool,
    code: Option<String>,
    skipping: bool,
}

impl Reader {
    fn read(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.start(&tag),
            Event::End(tag) => self.end(tag),
            Event::Text(text) if !self.skipping => self.text.push_str(&text),
            Event::Code(code) if !self.skipping => {
                self.text.push('`');
                self.text.push_str(&code);
                self.text.push('`');
            }
            Event::SoftBreak | Event::HardBreak => self.text.push(' '),
            Event::InlineHtml(html) if !html.starts_with("<!--") => self.text.push_str(&html),
            _ => {}
        }
    }

    fn start(&mut self, tag: &Tag<'_>) {
        match tag {
            Tag::Item => {
                self.end_block();
                self.items += 1;
            }
            Tag::TableHead | Tag::TableRow => {
                self.end_block();
                self.in_row = true;
            }
            Tag::CodeBlock(kind) => {
                self.end_block();
                let language = match kind {
                    CodeBlockKind::Fenced(info) => {
                        info.split([',', ' ']).next().unwrap_or_default().to_owned()
                    }
                    CodeBlockKind::Indented => String::new(),
                };
                self.code = Some(language);
            }
            Tag::Heading { .. } => {
                self.end_block();
                self.skipping = true;
            }
            Tag::Paragraph | Tag::BlockQuote(_) | Tag::List(_) | Tag::HtmlBlock => self.end_block(),
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Item => {
                self.end_block();
                self.items = self.items.saturating_sub(1);
            }
            TagEnd::TableCell => self.text.push_str(" | "),
            TagEnd::TableHead => {
                self.text.clear();
                self.in_row = false;
            }
            TagEnd::TableRow => {
                self.end_block();
                self.in_row = false;
            }
            TagEnd::CodeBlock => self.end_code(),
            TagEnd::Heading(_) => {
                self.text.clear();
                self.skipping = false;
            }
            TagEnd::Paragraph | TagEnd::BlockQuote(_) | TagEnd::HtmlBlock => self.end_block(),
            _ => {}
        }
    }

    fn end_code(&mut self) {
        let text = std::mem::take(&mut self.text).trim_matches('\n').to_owned();
        if let Some(language) = self.code.take()
            && !text.trim().is_empty()
        {
            self.pieces.push(Piece::Code { text, language });
        }
    }

    fn end_block(&mut self) {
        let text = std::mem::take(&mut self.text);
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let text = text.trim_end_matches(" |");
        if !text.chars().any(char::is_alphanumeric) {
            return;
        }
        if self.items > 0 || self.in_row {
            self.pieces.push(Piece::Item(text.to_owned()));
            return;
        }
        self.paragraph += 1;
        let paragraph = self.paragraph;
        self.pieces.extend(sentences(text).into_iter().map(|text| Piece::Sentence { text, paragraph }));
    }
}

/// Abbreviations a sentence does not end with.
const ABBREVIATIONS: [&str; 10] = ["e.g.", "i.e.", "etc.", "cf.", "vs.", "dr.", "mr.", "mrs.", "no.", "fig."];

/// The sentences of a paragraph. What is in backticks is never cut.
pub(crate) fn sentences(paragraph: &str) -> Vec<String> {
    let mut sentences: Vec<String> = Vec::new();
    let mut open = String::new();
    for part in paragraph.split_sentence_bounds() {
        open.push_str(part);
        if open.matches('`').count().is_multiple_of(2) && !ends_with_abbreviation(&open) {
            push_trimmed(&mut sentences, &open);
            open.clear();
        }
    }
    push_trimmed(&mut sentences, &open);
    sentences
}

fn ends_with_abbreviation(text: &str) -> bool {
    let last = text.trim_end().rsplit([' ', '(']).next().unwrap_or_default().to_lowercase();
    ABBREVIATIONS.contains(&last.as_str())
}

fn push_trimmed(sentences: &mut Vec<String>, text: &str) {
    let text = text.trim();
    if !text.is_empty() {
        sentences.push(text.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(markdown: &str) -> Vec<String> {
        pieces(markdown).iter().map(|piece| piece.text().to_owned()).collect()
    }

    #[test]
    fn hard_wrapped_paragraphs_become_sentences() {
        assert_eq!(
            texts(
                "One sentence goes\non here. Another, e.g. This one, with `a. B` in it! *Third* [one](http://x) [a][b] [c]?"
            ),
            ["One sentence goes on here.", "Another, e.g. This one, with `a. B` in it!", "Third one a [c]?"]
        );
    }

    #[test]
    fn lists_tables_and_code_are_pieces_of_their_own() {
        let markdown = "# Heading\n\nIntro:\n\n- first item. Still first\n- second\n\n| a | b |\n|---|---|\n| x | y |\n\n```rust,ignore\nfn main() {}\n```\n";
        assert_eq!(
            pieces(markdown),
            [
                Piece::Sentence { text: "Intro:".into(), paragraph: 1 },
                Piece::Item("first item. Still first".into()),
                Piece::Item("second".into()),
                Piece::Item("x | y".into()),
                Piece::Code { text: "fn main() {}".into(), language: "rust".into() },
            ]
        );
    }

    #[test]
    fn a_snippet_is_one_short_line() {
        assert_eq!(snippet("Some *words*\nhere and there.", 12), "Some words…");
        assert_eq!(snippet("Short.", 100), "Short.");
        assert_eq!(snippet("", 100), "");
    }
}

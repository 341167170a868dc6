//! Splits the Markdown of a passage into segments of plain text: sentences, list items, table rows and
//! code blocks.

use pulldown_cmark::{BrokenLink, CodeBlockKind, CowStr, Event, LinkType, Options, Parser, Tag, TagEnd};
use unicode_segmentation::UnicodeSegmentation as _;

/// The smallest part of a passage that can be quoted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Segment {
    /// One sentence of a paragraph.
    Sentence {
        /// The sentence on one line.
        text: String,
        /// The number of the paragraph in the passage, from 1.
        paragraph: usize,
    },
    /// One list item or table row on one line.
    Item(String),
    /// A code block.
    Code {
        /// The lines without fences.
        text: String,
        /// The language of the fence, such as `rust`; empty if it names none.
        language: String,
    },
}

impl Segment {
    /// The text without markup.
    pub(crate) fn text(&self) -> &str {
        match self {
            Self::Sentence { text, .. } | Self::Item(text) | Self::Code { text, .. } => text,
        }
    }
}

/// Returns the segments of a Markdown text in order. Headings are left out, because they hold no statement.
pub(crate) fn segments(markdown: &str) -> Vec<Segment> {
    let mut builder = SegmentBuilder::default();
    // The definition of `[text][name]` may stand in another passage. `[name]` alone may be plain brackets.
    let undefined = |link: BrokenLink<'_>| {
        matches!(link.link_type, LinkType::Reference | LinkType::Collapsed)
            .then(|| (CowStr::Borrowed(""), CowStr::Borrowed("")))
    };
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH;
    for event in Parser::new_with_broken_link_callback(markdown, options, Some(undefined)) {
        builder.push(event);
    }
    builder.end_block();
    builder.segments
}

/// Returns the beginning of a Markdown text as plain text on one line, cut after about
/// `max_chars` characters.
pub(crate) fn snippet(markdown: &str, max_chars: usize) -> String {
    let mut line = String::new();
    for segment in segments(markdown) {
        for word in segment.text().split_whitespace() {
            if line.chars().count() + word.chars().count() >= max_chars {
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
struct SegmentBuilder {
    segments: Vec<Segment>,
    /// The text of the current block.
    text: String,
    paragraph: usize,
    /// The nesting of list items.
    item_depth: usize,
    in_row: bool,
    /// The language of the current code block.
    code: Option<String>,
    in_heading: bool,
}

impl SegmentBuilder {
    fn push(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.start(&tag),
            Event::End(tag) => self.end(tag),
            Event::Text(text) if !self.in_heading => self.text.push_str(&text),
            Event::Code(code) if !self.in_heading => {
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
                self.item_depth += 1;
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
                self.in_heading = true;
            }
            Tag::Paragraph | Tag::BlockQuote(_) | Tag::List(_) | Tag::HtmlBlock => self.end_block(),
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Item => {
                self.end_block();
                self.item_depth = self.item_depth.saturating_sub(1);
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
                self.in_heading = false;
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
            self.segments.push(Segment::Code { text, language });
        }
    }

    fn end_block(&mut self) {
        let text = std::mem::take(&mut self.text);
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let text = text.trim_end_matches(" |");
        if !text.chars().any(char::is_alphanumeric) {
            return;
        }
        if self.item_depth > 0 || self.in_row {
            self.segments.push(Segment::Item(text.to_owned()));
            return;
        }
        self.paragraph += 1;
        let paragraph = self.paragraph;
        self.segments.extend(sentences(text).into_iter().map(|text| Segment::Sentence { text, paragraph }));
    }
}

/// Abbreviations whose full stop does not end a sentence.
const ABBREVIATIONS: [&str; 10] = ["e.g.", "i.e.", "etc.", "cf.", "vs.", "dr.", "mr.", "mrs.", "no.", "fig."];

/// Splits a paragraph into sentences. Text in backticks is never split.
fn sentences(paragraph: &str) -> Vec<String> {
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
        segments(markdown).iter().map(|segment| segment.text().to_owned()).collect()
    }

    #[test]
    fn wrapped_paragraphs_are_split_into_sentences() {
        assert_eq!(
            texts(
                "One sentence goes\non here. Another, e.g. This one, with `a. B` in it! *Third* [one](http://x) [a][b] [c]?"
            ),
            ["One sentence goes on here.", "Another, e.g. This one, with `a. B` in it!", "Third one a [c]?"]
        );
    }

    #[test]
    fn list_items_table_rows_and_code_blocks_are_segments() {
        let markdown = "# Heading\n\nIntro:\n\n- first item. Still first\n- second\n\n| a | b |\n|---|---|\n| x | y |\n\n```rust,ignore\nfn main() {}\n```\n";
        assert_eq!(
            segments(markdown),
            [
                Segment::Sentence { text: "Intro:".into(), paragraph: 1 },
                Segment::Item("first item. Still first".into()),
                Segment::Item("second".into()),
                Segment::Item("x | y".into()),
                Segment::Code { text: "fn main() {}".into(), language: "rust".into() },
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

//! Splits a document into passages along its structure: at headings first, then between paragraphs, lists and
//! code blocks, in long tables between rows. Blocks within the budget of tokens stay whole. Reads no files.

mod normalize;
mod parts;
mod sections;
mod sizer;
mod tables;
mod windows;

use std::borrow::Cow;
use std::ops::{ControlFlow, Range};

use text_splitter::ChunkSizer as _;
use tokenizers::Tokenizer;

use crate::vocabulary::{Markup, PassageText};
use parts::below;
pub use parts::title_of;
use sections::Section;
use sizer::Sizer;
use windows::Windows;

/// The length to which passages are filled.
const TARGET_TOKENS: usize = 180;
/// The longest passage. The embedding model's limit of 256 tokens leaves space for title and headings.
pub const MAX_TOKENS: usize = 220;
/// A shorter section is joined with the next one.
const MIN_SECTION_TOKENS: usize = 32;
/// The tokens of the fences that are added to a part of a split code block.
const FENCE_TOKENS: usize = 12;
/// The tokenizer counts an unknown word as one token, so the length in bytes limits a passage too.
const MAX_BYTES_PER_TOKEN: usize = 8;
/// The longest title and the longest heading.
const MAX_TITLE_CHARS: usize = 200;

/// A passage without its document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passage {
    /// The position in the document, from 0 without gaps.
    pub ordinal: u32,
    /// The headings above the passage, outermost first.
    pub heading: Vec<String>,
    /// The passage as Markdown.
    pub text: String,
}

/// A part of a document with the headings above it.
struct Part {
    heading: Vec<String>,
    text: String,
}

/// A section with its size in tokens.
struct MeasuredSection {
    section: Section,
    tokens: usize,
    /// The size with what stands between the section before and this one: the heading.
    tokens_with_heading: usize,
}

impl MeasuredSection {
    /// Whether a short section is joined with the next one: both fit into one passage.
    fn can_join(&self, next: &Self) -> bool {
        next.section.heading.starts_with(&self.section.heading)
            && self.tokens < MIN_SECTION_TOKENS
            && self.tokens + next.tokens_with_heading <= TARGET_TOKENS
    }
}

/// Splits documents by the tokens of the embedding model.
pub struct Splitter {
    sizer: Sizer,
}

impl Splitter {
    /// Counts tokens with this tokenizer, without its truncation and padding.
    pub fn new(mut tokenizer: Tokenizer) -> Self {
        tokenizer.with_padding(None);
        // Removing the truncation cannot fail.
        let _ = tokenizer.with_truncation(None);
        Self { sizer: Sizer(tokenizer) }
    }

    /// Loads the tokenizer from the bytes of its file.
    pub fn from_file(bytes: &[u8]) -> Result<Self, tokenizers::Error> {
        Tokenizer::from_bytes(bytes).map(Self::new)
    }

    /// Returns the passages of a document in order; none if it has no letters or digits. Blocks for a time
    /// that grows with the length of the document, a second for some megabytes.
    pub fn split(&self, markup: Markup, document: &str) -> Vec<Passage> {
        let mut passages = Vec::new();
        let ControlFlow::Continue(()) = self.visit(markup, document, |passage| {
            passages.push(passage);
            ControlFlow::<std::convert::Infallible>::Continue(())
        });
        passages
    }

    /// Returns the passages of [`Self::visit_passages`].
    pub fn passages(&self, title: &str, markup: Markup, document: &str) -> Vec<PassageText> {
        let mut passages = Vec::new();
        let ControlFlow::Continue(()) = self.visit_passages(title, markup, document, |passage| {
            passages.push(passage);
            ControlFlow::<std::convert::Infallible>::Continue(())
        });
        passages
    }

    /// Visits the passages of a document as they are indexed, in order, until `visit` breaks. The title is
    /// the given one or, if that is empty, the one that the document names.
    pub fn visit_passages<B>(
        &self,
        title: &str,
        markup: Markup,
        document: &str,
        mut visit: impl FnMut(PassageText) -> ControlFlow<B>,
    ) -> ControlFlow<B> {
        let given = Some(title.trim().to_owned()).filter(|title| !title.is_empty());
        let title = given.or_else(|| self::title(markup, document)).unwrap_or_default();
        self.visit(markup, document, |Passage { heading, text, .. }| {
            let heading = below(&title, heading);
            visit(PassageText { heading, title: title.clone(), text, ..PassageText::default() })
        })
    }

    /// Visits the passages of a document in order, until `visit` breaks.
    fn visit<B>(
        &self,
        markup: Markup,
        document: &str,
        mut visit: impl FnMut(Passage) -> ControlFlow<B>,
    ) -> ControlFlow<B> {
        let mut ordinal = 0;
        let visit_part = |Part { heading, text }: Part| {
            if !text.chars().any(char::is_alphanumeric) {
                return ControlFlow::Continue(());
            }
            let passage = Passage { ordinal, heading, text };
            ordinal += 1;
            visit(passage)
        };
        match markup {
            Markup::Markdown => self.split_markdown(document, visit_part),
            Markup::Plain => self.split_plain(document, visit_part),
        }
    }

    fn split_plain<B>(
        &self,
        document: &str,
        mut visit: impl FnMut(Part) -> ControlFlow<B>,
    ) -> ControlFlow<B> {
        let document = normalize::unix_lines(document);
        for range in Windows::new(&self.sizer, MAX_TOKENS).plain(&document, 0..document.len()) {
            visit(Part { heading: Vec::new(), text: document[range].to_owned() })?;
        }
        ControlFlow::Continue(())
    }

    fn split_markdown<B>(
        &self,
        document: &str,
        mut visit: impl FnMut(Part) -> ControlFlow<B>,
    ) -> ControlFlow<B> {
        let document = normalize::normalize(document);
        let windows = Windows::new(&self.sizer, MAX_TOKENS - FENCE_TOKENS);
        let mut split = |section: &Section| {
            for text in self.texts(&windows, &document[section.body.clone()]) {
                visit(Part { heading: section.heading.clone(), text })?;
            }
            ControlFlow::Continue(())
        };
        let mut waiting: Option<MeasuredSection> = None;
        sections::visit_sections(&document, |section| {
            let next = self.measured(section, &document, waiting.as_ref());
            match &mut waiting {
                Some(short) if short.can_join(&next) => {
                    short.section.body.end = next.section.body.end;
                    short.tokens += next.tokens_with_heading;
                }
                _ => {
                    if let Some(MeasuredSection { section, .. }) = waiting.replace(next) {
                        split(&section)?;
                    }
                }
            }
            ControlFlow::Continue(())
        })?;
        waiting.map_or(ControlFlow::Continue(()), |last| split(&last.section))
    }

    fn measured(
        &self,
        section: Section,
        document: &str,
        before: Option<&MeasuredSection>,
    ) -> MeasuredSection {
        let start = before.map_or(section.body.start, |before| before.section.body.end);
        let size = |range: Range<usize>| self.sizer.size(document[range].trim());
        let (tokens, tokens_with_heading) = (size(section.body.clone()), size(start..section.body.end));
        MeasuredSection { section, tokens, tokens_with_heading }
    }

    /// Moves the end of a passage that ends in a colon to the next passage, which it introduces: the last
    /// paragraph, or the last sentence if the paragraph is too long.
    fn keep_introductions(&self, text: &str, mut ranges: Vec<Range<usize>>) -> Vec<Range<usize>> {
        for next in 1..ranges.len() {
            let previous = ranges[next - 1].clone();
            let (before, end) = (&text[previous.clone()], ranges[next].end);
            let starts =
                [before.rfind("\n\n"), before.rfind(". ").max(before.rfind(".\n")).map(|dot| dot + 1)];
            let fits = |start: &usize| self.sizer.size(&text[*start..end]) <= MAX_TOKENS - FENCE_TOKENS;
            let start = starts.into_iter().flatten().map(|start| previous.start + start).find(fits);
            if let Some(start) = start.filter(|_| before.ends_with(':')) {
                ranges[next].start = start + text[start..].len() - text[start..].trim_start().len();
                ranges[next - 1].end = start;
            }
        }
        ranges
    }
}

/// Returns the title that a document names: that of its front matter, or its only heading of the highest
/// level. For plain text it is the first line. Several headings of the highest level name parts of the
/// document, so there is no title.
pub fn title(markup: Markup, document: &str) -> Option<String> {
    let title = match markup {
        Markup::Markdown => normalize::front_matter_title(document)
            .or_else(|| sections::title(&normalize::normalize(document))),
        Markup::Plain => document.lines().map(str::trim).find(|line| !line.is_empty()).map(str::to_owned),
    };
    // Code, data and settings begin with no title.
    let title = title.filter(|title| markup == Markup::Markdown || !title.starts_with(['{', '[', '<']));
    title.map(|title| title.chars().take(MAX_TITLE_CHARS).collect())
}

/// Returns a part of the text, with fences added where it starts or ends inside a code block.
fn with_fences<'a>(text: &'a str, part: Range<usize>, blocks: &[sections::CodeBlock]) -> Cow<'a, str> {
    let split_at = |index: usize| {
        let block = blocks.get(blocks.partition_point(|block| block.range.end <= index));
        block.filter(|block| block.range.start < index)
    };
    let opened = split_at(part.start);
    let unclosed =
        split_at(part.end).filter(|block| !text[part.end..block.range.end].chars().all(char::is_whitespace));
    let part = &text[part];
    let is_closing_fence = opened.is_some_and(|block| part.trim() == block.fence);
    match (opened, unclosed) {
        _ if is_closing_fence => Cow::Borrowed(""),
        (None, None) => Cow::Borrowed(part),
        (Some(first), None) => Cow::Owned(format!("{}{}\n{part}", first.fence, first.info)),
        (None, Some(last)) => Cow::Owned(format!("{part}\n{}", last.fence)),
        (Some(first), Some(last)) => {
            Cow::Owned(format!("{}{}\n{part}\n{}", first.fence, first.info, last.fence))
        }
    }
}

#[cfg(test)]
mod tests;

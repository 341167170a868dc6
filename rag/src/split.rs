//! Splits a document into passages along its structure: at headings first, then between paragraphs, lists and
//! code blocks. Blocks within the budget of tokens stay whole. Reads no files.

mod normalize;
mod sections;

use std::borrow::Cow;
use std::ops::Range;

use text_splitter::{ChunkCapacity, ChunkConfig, ChunkSizer, MarkdownSplitter, TextSplitter};
use tokenizers::Tokenizer;

use crate::vocabulary::Markup;
use sections::Section;

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
/// The longest title.
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

    /// Returns the passages of a document in order; none if it has no letters or digits.
    pub fn split(&self, markup: Markup, document: &str) -> Vec<Passage> {
        let parts = match markup {
            Markup::Markdown => self.split_markdown(document),
            Markup::Plain => self.split_plain(document),
        };
        parts
            .into_iter()
            .filter(|part| part.text.chars().any(char::is_alphanumeric))
            .zip(0..)
            .map(|(Part { heading, text }, ordinal)| Passage { ordinal, heading, text })
            .collect()
    }

    fn split_plain(&self, document: &str) -> Vec<Part> {
        let document = document.replace("\r\n", "\n");
        TextSplitter::new(self.config(MAX_TOKENS))
            .chunks(&document)
            .map(|text| Part { heading: Vec::new(), text: text.to_owned() })
            .collect()
    }

    fn split_markdown(&self, document: &str) -> Vec<Part> {
        let document = normalize::normalize(document);
        let splitter = MarkdownSplitter::new(self.config(MAX_TOKENS - FENCE_TOKENS));
        let mut parts = Vec::new();
        for section in self.join_short_sections(sections::sections(&document), &document) {
            let text = &document[section.body.clone()];
            let blocks = sections::code_blocks(text);
            let ranges =
                splitter.chunk_indices(text).map(|(start, chunk)| start..start + chunk.len()).collect();
            for range in self.keep_introductions(text, ranges) {
                let text = with_fences(text, range, &blocks).into_owned();
                parts.push(Part { heading: section.heading.clone(), text });
            }
        }
        parts
    }

    /// Joins each short section with the next one if they fit into one passage.
    fn join_short_sections(&self, sections: Vec<Section>, document: &str) -> Vec<Section> {
        let mut joined: Vec<Section> = Vec::with_capacity(sections.len());
        for section in sections {
            match joined.last_mut() {
                Some(last) if self.can_join(last, &section, document) => last.body.end = section.body.end,
                _ => joined.push(section),
            }
        }
        joined
    }

    fn can_join(&self, short: &Section, next: &Section, document: &str) -> bool {
        let text = document[short.body.clone()].trim();
        !text.is_empty()
            && next.heading.starts_with(&short.heading)
            && self.sizer.size(text) < MIN_SECTION_TOKENS
            && self.sizer.size(&document[short.body.start..next.body.end]) <= TARGET_TOKENS
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

    fn config(&self, max_tokens: usize) -> ChunkConfig<&Sizer> {
        let target = ChunkCapacity::new(TARGET_TOKENS.min(max_tokens));
        let capacity = target.with_max(max_tokens).unwrap_or(ChunkCapacity::new(max_tokens));
        ChunkConfig::new(capacity).with_sizer(&self.sizer)
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
    title.map(|title| title.chars().take(MAX_TITLE_CHARS).collect())
}

/// Returns a part of the text, with fences added where it starts or ends inside a code block.
fn with_fences<'a>(text: &'a str, part: Range<usize>, blocks: &[sections::CodeBlock]) -> Cow<'a, str> {
    let split_at =
        |index: usize| blocks.iter().find(|block| block.range.start < index && index < block.range.end);
    let opened = split_at(part.start);
    let unclosed = split_at(part.end).filter(|block| !text[part.end..block.range.end].trim().is_empty());
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

/// Measures texts in tokens.
struct Sizer(Tokenizer);

impl ChunkSizer for Sizer {
    fn size(&self, text: &str) -> usize {
        let tokens = self.0.encode_fast(text, false).map_or(text.len(), |encoding| encoding.len());
        tokens.max(text.len() / MAX_BYTES_PER_TOKEN)
    }
}

#[cfg(test)]
mod tests;

//! Cuts a document into passages along its structure: headings first, then paragraphs, lists and code blocks, kept
//! whole where they fit into the token budget. It reads no files and knows no index.

mod clean;
mod sections;

use std::borrow::Cow;
use std::ops::Range;

use text_splitter::{ChunkCapacity, ChunkConfig, ChunkSizer, MarkdownSplitter, TextSplitter};
use tokenizers::Tokenizer;

use crate::vocabulary::Markup;
use sections::Section;

/// A passage is filled up to this many tokens where its section has them …
pub const TARGET_TOKENS: usize = 180;
/// … and never holds more than this many, which leaves the headings room within the embedding model's 256.
pub const MAX_TOKENS: usize = 220;
/// A section shorter than this is read together with the next one.
const SCANT_TOKENS: usize = 32;
/// What repeating a cut code block's fences may cost.
const FENCE_TOKENS: usize = 12;
/// A word no tokenizer knows counts as one token however long it is; bytes bound it.
const MAX_BYTES_PER_TOKEN: usize = 8;

/// A piece of a document, small enough to embed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passage {
    /// The place in the document, from 0 without gaps.
    pub ordinal: u32,
    /// The headings above it, outermost first.
    pub heading: Vec<String>,
    /// What it says.
    pub text: String,
}

/// Splits documents by the embedding model's own tokens.
pub struct Splitter {
    sizer: Sizer,
}

impl Splitter {
    /// Counts with this tokenizer; its truncation and padding are switched off.
    pub fn new(mut tokenizer: Tokenizer) -> Self {
        tokenizer.with_padding(None);
        // Only setting a truncation can fail, not taking it away.
        let _ = tokenizer.with_truncation(None);
        Self { sizer: Sizer(tokenizer) }
    }

    /// The passages of a document in order; none for one that says nothing.
    pub fn split(&self, markup: Markup, document: &str) -> Vec<Passage> {
        let pieces = match markup {
            Markup::Markdown => self.markdown(document),
            Markup::Plain => self.plain(document),
        };
        pieces
            .into_iter()
            .filter(|(_, text)| text.chars().any(char::is_alphanumeric))
            .zip(0..)
            .map(|((heading, text), ordinal)| Passage { ordinal, heading, text })
            .collect()
    }

    fn plain(&self, document: &str) -> Vec<(Vec<String>, String)> {
        let document = document.replace("\r\n", "\n");
        TextSplitter::new(self.config(MAX_TOKENS))
            .chunks(&document)
            .map(|text| (Vec::new(), text.to_owned()))
            .collect()
    }

    fn markdown(&self, document: &str) -> Vec<(Vec<String>, String)> {
        let cleaned = clean::readable(document);
        let splitter = MarkdownSplitter::new(self.config(MAX_TOKENS - FENCE_TOKENS));
        let mut pieces = Vec::new();
        for section in self.worth_a_passage(sections::sections(&cleaned), &cleaned) {
            let text = &cleaned[section.body.clone()];
            let blocks = sections::code_blocks(text);
            let cuts =
                splitter.chunk_indices(text).map(|(start, chunk)| start..start + chunk.len()).collect();
            for cut in self.announcing_together(text, cuts) {
                pieces.push((section.heading.clone(), fenced(text, cut, &blocks).into_owned()));
            }
        }
        pieces
    }

    /// Joins sections too short to stand alone with the one behind them.
    fn worth_a_passage(&self, sections: Vec<Section>, document: &str) -> Vec<Section> {
        let mut joined: Vec<Section> = Vec::with_capacity(sections.len());
        for section in sections {
            match joined.last_mut() {
                Some(last) if self.fit_together(last, &section, document) => last.body.end = section.body.end,
                _ => joined.push(section),
            }
        }
        joined
    }

    fn fit_together(&self, scant: &Section, next: &Section, document: &str) -> bool {
        let said = document[scant.body.clone()].trim();
        !said.is_empty()
            && next.heading.starts_with(&scant.heading)
            && self.sizer.size(said) < SCANT_TOKENS
            && self.sizer.size(&document[scant.body.start..next.body.end]) <= TARGET_TOKENS
    }

    /// What ends in a colon goes with what it announces: its paragraph, or its sentence where that is too much.
    fn announcing_together(&self, text: &str, mut cuts: Vec<Range<usize>>) -> Vec<Range<usize>> {
        for next in 1..cuts.len() {
            let cut = cuts[next - 1].clone();
            let (before, after) = (&text[cut.clone()], cuts[next].end);
            let starts =
                [before.rfind("\n\n"), before.rfind(". ").max(before.rfind(".\n")).map(|dot| dot + 1)];
            let fits = |start: &usize| self.sizer.size(&text[*start..after]) <= MAX_TOKENS - FENCE_TOKENS;
            let start = starts.into_iter().flatten().map(|at| cut.start + at).find(fits);
            if let Some(start) = start.filter(|_| before.ends_with(':')) {
                cuts[next].start = start + text[start..].len() - text[start..].trim_start().len();
                cuts[next - 1].end = start;
            }
        }
        cuts
    }

    fn config(&self, max: usize) -> ChunkConfig<&Sizer> {
        let capacity =
            ChunkCapacity::new(TARGET_TOKENS.min(max)).with_max(max).unwrap_or(ChunkCapacity::new(max));
        ChunkConfig::new(capacity).with_sizer(&self.sizer)
    }
}

/// What a document calls itself: by its metadata or by the one heading that all others stand under; a plain one by its
/// first line. Nothing where the first heading is one of several alike: it names a part, not the whole.
pub fn title(markup: Markup, document: &str) -> Option<String> {
    let title = match markup {
        Markup::Markdown => clean::named(document).or_else(|| sections::title(&clean::readable(document))),
        Markup::Plain => document.lines().map(str::trim).find(|line| !line.is_empty()).map(str::to_owned),
    };
    title.map(|title| title.chars().take(200).collect())
}

/// Gives a piece cut out of a code block its fences back, so that it still reads as code.
fn fenced<'a>(text: &'a str, piece: Range<usize>, blocks: &[sections::CodeBlock]) -> Cow<'a, str> {
    let cut_by = |at: usize| blocks.iter().find(|block| block.range.start < at && at < block.range.end);
    let opened = cut_by(piece.start);
    let left_open = cut_by(piece.end).filter(|block| !text[piece.end..block.range.end].trim().is_empty());
    let piece = &text[piece];
    let is_closing_fence = opened.is_some_and(|block| piece.trim() == block.fence);
    match (opened, left_open) {
        _ if is_closing_fence => Cow::Borrowed(""),
        (None, None) => Cow::Borrowed(piece),
        (Some(first), None) => Cow::Owned(format!("{}{}\n{piece}", first.fence, first.info)),
        (None, Some(last)) => Cow::Owned(format!("{piece}\n{}", last.fence)),
        (Some(first), Some(last)) => {
            Cow::Owned(format!("{}{}\n{piece}\n{}", first.fence, first.info, last.fence))
        }
    }
}

/// Counts tokens for the splitter.
struct Sizer(Tokenizer);

impl ChunkSizer for Sizer {
    fn size(&self, text: &str) -> usize {
        let tokens = self.0.encode_fast(text, false).map_or(text.len(), |encoding| encoding.len());
        tokens.max(text.len() / MAX_BYTES_PER_TOKEN)
    }
}

#[cfg(test)]
mod tests;

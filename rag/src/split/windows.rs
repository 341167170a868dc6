//! Applies the splitters of `text_splitter` to windows of a text.
//!
//! These splitters look at the rest of their text for each chunk, so that their time grows with the square of
//! its length. A window bounds it. The last chunk of a window is split again at the start of the next one, so
//! that a window cuts no chunk short.

use std::ops::Range;

use text_splitter::{ChunkCapacity, ChunkConfig, ChunkSizer as _, MarkdownSplitter, TextSplitter};

use super::sizer::{CountedText, Sizer};
use super::{MAX_BYTES_PER_TOKEN, TARGET_TOKENS};

/// The longest text that a splitter sees at once. Much longer than a chunk, which has at most
/// `MAX_TOKENS * MAX_BYTES_PER_TOKEN` bytes.
const WINDOW_BYTES: usize = 16 << 10;

/// A run of characters without a break that is longer than this is cut anywhere.
const LONG_RUN_BYTES: usize = 4 << 10;

/// Splits texts window by window.
pub(super) struct Windows<'a> {
    sizer: &'a Sizer,
    max_tokens: usize,
}

impl<'a> Windows<'a> {
    /// The longest chunk has so many tokens.
    pub(super) const fn new(sizer: &'a Sizer, max_tokens: usize) -> Self {
        Self { sizer, max_tokens }
    }

    /// Returns the chunks of a part of a text, split between paragraphs, lines, sentences and words.
    pub(super) fn plain(&self, text: &str, part: Range<usize>) -> Vec<Range<usize>> {
        let mut chunks = Vec::new();
        let mut start = part.start;
        while start < part.end {
            let run = unbroken_run(&text[start..part.end]);
            if run > LONG_RUN_BYTES {
                self.slice(text, start..start + run, &mut chunks);
                start += run;
                continue;
            }
            let end = text.floor_char_boundary(start + WINDOW_BYTES).min(part.end);
            let window = &text[start..end];
            let counted = self.sizer.count(window);
            let splitter = TextSplitter::new(self.config(&counted));
            chunks.extend(splitter.chunk_indices(window).map(|chunk| range_of(start, chunk)));
            start = match chunks.last() {
                Some(last) if end < part.end && last.start > start => {
                    let restart = last.start;
                    chunks.pop();
                    restart
                }
                _ => end,
            };
        }
        chunks
    }

    /// Cuts a run of characters without a break, such as Base64, anywhere: no place in it is better.
    fn slice(&self, text: &str, run: Range<usize>, chunks: &mut Vec<Range<usize>>) {
        let mut start = run.start;
        while start < run.end {
            let mut length = (TARGET_TOKENS * MAX_BYTES_PER_TOKEN).min(run.end - start);
            while self.sizer.size(&text[start..start + length]) > self.max_tokens && length > 1 {
                length /= 2;
            }
            chunks.push(start..start + length);
            start += length;
        }
    }

    /// Returns the chunks of a Markdown text with these outermost blocks. A block longer than a window is
    /// split as plain text.
    pub(super) fn markdown(&self, text: &str, blocks: &[Range<usize>]) -> Vec<Range<usize>> {
        let mut chunks = Vec::new();
        if text.len() <= WINDOW_BYTES {
            self.split_markdown(text, 0..text.len(), &mut chunks);
            return chunks;
        }
        let (mut start, mut next) = (0, 0);
        while let Some(first) = blocks.get(next) {
            let fitting = blocks[next..].partition_point(|block| block.end <= start + WINDOW_BYTES);
            if fitting == 0 {
                chunks.extend(self.plain(text, start..first.end));
                (start, next) = (first.end.max(start), next + 1);
                continue;
            }
            let after = next + fitting;
            let end = blocks[after - 1].end;
            self.split_markdown(text, start..end, &mut chunks);
            let restart = chunks.last().and_then(|last| block_at(&blocks[next + 1..after], last.start));
            match restart {
                Some(offset) if after < blocks.len() => {
                    chunks.pop();
                    next += 1 + offset;
                    start = blocks[next].start;
                }
                _ => (start, next) = (end, after),
            }
        }
        chunks.extend(self.plain(text, start..text.len()));
        chunks
    }

    fn split_markdown(&self, text: &str, window: Range<usize>, chunks: &mut Vec<Range<usize>>) {
        let start = window.start;
        let window = &text[window];
        let counted = self.sizer.count(window);
        let splitter = MarkdownSplitter::new(self.config(&counted));
        chunks.extend(splitter.chunk_indices(window).map(|chunk| range_of(start, chunk)));
    }

    fn config<'b>(&self, counted: &'b CountedText<'b>) -> ChunkConfig<&'b CountedText<'b>> {
        let target = ChunkCapacity::new(TARGET_TOKENS.min(self.max_tokens));
        let capacity = target.with_max(self.max_tokens).unwrap_or(ChunkCapacity::new(self.max_tokens));
        ChunkConfig::new(capacity).with_sizer(counted)
    }
}

/// The bytes of printable ASCII characters at the start of a text, without spaces.
fn unbroken_run(text: &str) -> usize {
    text.bytes().take_while(u8::is_ascii_graphic).count()
}

/// The number of the block that starts at an index.
fn block_at(blocks: &[Range<usize>], index: usize) -> Option<usize> {
    blocks.binary_search_by_key(&index, |block| block.start).ok()
}

fn range_of(offset: usize, (start, chunk): (usize, &str)) -> Range<usize> {
    offset + start..offset + start + chunk.len()
}

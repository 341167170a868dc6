//! Measures texts in tokens.

use std::ops::Range;

use text_splitter::ChunkSizer;
use tokenizers::Tokenizer;

use super::{MAX_BYTES_PER_TOKEN, MAX_TOKENS};

/// Counts the tokens of any text.
pub(super) struct Sizer(pub(super) Tokenizer);

/// Counts the tokens of parts of one text, which is tokenized once.
pub(super) struct CountedText<'a> {
    sizer: &'a Sizer,
    text: &'a str,
    /// The bytes of all tokens, in order; empty if they are not known.
    tokens: Vec<Range<usize>>,
}

impl Sizer {
    /// Counts the tokens of the parts of a text.
    pub(super) fn count<'a>(&'a self, text: &'a str) -> CountedText<'a> {
        let encoding = self.0.encode(text, false);
        let offsets = encoding.map(|encoding| encoding.get_offsets().to_vec()).unwrap_or_default();
        let mut tokens: Vec<_> = offsets.into_iter().map(|(start, end)| start..end).collect();
        if !tokens.is_sorted_by(|a, b| a.start <= b.start && a.end <= b.end) {
            tokens.clear();
        }
        CountedText { sizer: self, text, tokens }
    }
}

/// The least number of tokens of a text, by its length.
const fn least_tokens(text: &str) -> usize {
    text.len() / MAX_BYTES_PER_TOKEN
}

impl ChunkSizer for Sizer {
    fn size(&self, text: &str) -> usize {
        let least = least_tokens(text);
        // Above the limit the exact number has no effect, and counting takes time and memory.
        if least > MAX_TOKENS {
            return least;
        }
        let tokens = self.0.encode_fast(text, false).map_or(text.len(), |encoding| encoding.len());
        tokens.max(least)
    }
}

impl CountedText<'_> {
    /// The number of tokens in a part of the text; `None` where the part cuts a token.
    fn whole_tokens(&self, part: &Range<usize>) -> Option<usize> {
        if self.tokens.is_empty() {
            return None;
        }
        let first = self.tokens.partition_point(|token| token.end <= part.start);
        let after = self.tokens.partition_point(|token| token.start < part.end);
        let tokens = self.tokens.get(first..after).unwrap_or_default();
        let (Some(start), Some(end)) = (tokens.first(), tokens.last()) else { return Some(0) };
        (start.start >= part.start && end.end <= part.end).then_some(tokens.len())
    }
}

impl ChunkSizer for CountedText<'_> {
    /// The size of a part, which must be a slice of the text.
    fn size(&self, part: &str) -> usize {
        let least = least_tokens(part);
        if least > MAX_TOKENS {
            return least;
        }
        let start = part.as_ptr().addr().wrapping_sub(self.text.as_ptr().addr());
        let range = start..start.saturating_add(part.len());
        let counted = if range.end <= self.text.len() { self.whole_tokens(&range) } else { None };
        counted.map_or_else(|| self.sizer.size(part), |tokens| tokens.max(least))
    }
}

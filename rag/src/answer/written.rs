//! An answer while the language model writes it: reasoning apart from the text, marks judged, both
//! bounded in size.

use super::{AnswerChunk, CutOff, MAX_ANSWER_BYTES, MAX_REASONING_BYTES};
use crate::cite::CitationFilter;
use crate::generate::{FinishReason, Finished, ModelEvent, ReportedUsage};

/// What has been written.
pub(super) struct Written {
    source_count: usize,
    filter: CitationFilter,
    text: String,
    /// The beginning of the text as the model wrote it, which may turn out to be reasoning.
    unfiltered: String,
    reasoning: String,
    is_full: bool,
    end: Option<Finished>,
}

/// The end of an answer.
pub(super) struct End {
    pub(super) text: String,
    pub(super) reasoning: String,
    /// The cited numbers.
    pub(super) numbers: Vec<u32>,
    pub(super) cut_off: Option<CutOff>,
    pub(super) usage: ReportedUsage,
}

impl Written {
    /// Begins an answer from this many sources.
    pub(super) fn new(source_count: usize) -> Self {
        let filter = CitationFilter::new(source_count);
        let (text, unfiltered, reasoning) = Default::default();
        Self { source_count, filter, text, unfiltered, reasoning, is_full: false, end: None }
    }

    /// Whether the text has its largest size. Nothing is taken any more.
    pub(super) const fn is_full(&self) -> bool {
        self.is_full
    }

    /// Takes what the model wrote. Returns what that adds to the answer.
    pub(super) fn take(&mut self, event: ModelEvent) -> Vec<AnswerChunk> {
        match event {
            ModelEvent::Reasoning(reasoning) => self.reason(&reasoning).into_iter().collect(),
            ModelEvent::Delta(delta) => {
                let room = MAX_REASONING_BYTES - self.unfiltered.len();
                self.unfiltered.push_str(beginning(&delta, room));
                let filtered = self.filter.push(&delta);
                self.write(&filtered).into_iter().collect()
            }
            ModelEvent::TextWasReasoning => {
                self.filter = CitationFilter::new(self.source_count);
                self.text.clear();
                let mut reasoning = std::mem::take(&mut self.reasoning);
                reasoning.push_str(&std::mem::take(&mut self.unfiltered));
                let again = self.reason(&reasoning);
                std::iter::once(AnswerChunk::Void).chain(again).collect()
            }
            ModelEvent::Finished(end) => {
                self.end = Some(end);
                vec![]
            }
        }
    }

    /// Ends the answer. Returns the text held back and the whole.
    pub(super) fn finish(mut self) -> (Option<AnswerChunk>, End) {
        let filter = std::mem::replace(&mut self.filter, CitationFilter::new(0));
        let (rest, numbers) = filter.finish();
        let rest = if self.is_full { None } else { self.write(&rest) };
        let reason = self.end.map_or(FinishReason::Stop, |end| end.reason);
        let cut_off = match reason {
            _ if self.is_full => Some(CutOff::Size),
            FinishReason::Length => Some(CutOff::Tokens),
            FinishReason::ContentFilter => Some(CutOff::Filter),
            FinishReason::Stop | FinishReason::ToolCall => None,
        };
        let usage = self.end.map_or_else(ReportedUsage::default, |end| end.usage);
        (rest, End { text: self.text, reasoning: self.reasoning, numbers, cut_off, usage })
    }

    fn write(&mut self, text: &str) -> Option<AnswerChunk> {
        let delta = beginning(text, MAX_ANSWER_BYTES - self.text.len());
        self.is_full = delta.len() < text.len();
        self.text.push_str(delta);
        (!delta.is_empty()).then(|| AnswerChunk::Delta(delta.to_owned()))
    }

    fn reason(&mut self, reasoning: &str) -> Option<AnswerChunk> {
        let kept = beginning(reasoning, MAX_REASONING_BYTES - self.reasoning.len());
        self.reasoning.push_str(kept);
        (!kept.is_empty()).then(|| AnswerChunk::Reasoning(kept.to_owned()))
    }
}

/// Returns the longest beginning of a text that has at most this many bytes.
fn beginning(text: &str, max_bytes: usize) -> &str {
    &text[..text.floor_char_boundary(max_bytes)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finished(reason: FinishReason) -> ModelEvent {
        ModelEvent::Finished(Finished { usage: ReportedUsage::default(), reason })
    }

    #[test]
    fn text_that_turns_out_to_be_reasoning_is_void_and_cites_nothing() {
        let mut written = Written::new(2);
        written.take(ModelEvent::Delta("Not [9], so [".into()));
        let chunks = written.take(ModelEvent::TextWasReasoning);
        assert_eq!(chunks, [AnswerChunk::Void, AnswerChunk::Reasoning("Not [9], so [".into())]);
        written.take(ModelEvent::Delta("At eight [2].".into()));
        written.take(finished(FinishReason::Length));
        let (rest, end) = written.finish();
        assert_eq!((rest, end.text.as_str(), end.numbers), (None, "At eight [2].", vec![2]));
        assert_eq!(end.cut_off, Some(CutOff::Tokens));
    }

    #[test]
    fn text_and_reasoning_are_bounded() {
        let mut written = Written::new(0);
        for _ in 0..3 {
            written.take(ModelEvent::Reasoning("é".repeat(MAX_REASONING_BYTES / 4)));
        }
        assert!(!written.is_full());
        written.take(ModelEvent::Delta("é".repeat(MAX_ANSWER_BYTES)));
        assert!(written.is_full());
        let (_, end) = written.finish();
        assert_eq!((end.text.len(), end.reasoning.len()), (MAX_ANSWER_BYTES, MAX_REASONING_BYTES));
        assert_eq!(end.cut_off, Some(CutOff::Size));
    }
}

//! An answer while the language model writes it: reasoning apart from the text, marks judged, both
//! bounded in size.

use super::begun::{Begun, Joined, Joint};
use super::{AnswerChunk, CutOff, MAX_ANSWER_BYTES, MAX_REASONING_BYTES};
use crate::cite::CitationFilter;
use crate::generate::{FinishReason, Finished, ModelEvent, ReportedUsage};
use crate::prompt;

/// What has been written.
pub(super) struct Written {
    source_count: usize,
    filter: CitationFilter,
    text: String,
    /// The beginning of the text as the model wrote it, which may turn out to be reasoning.
    unfiltered: String,
    reasoning: String,
    /// The part that an earlier attempt wrote.
    begun: Option<Begun>,
    /// Bytes of it in the text and in the reasoning.
    earlier_bytes: (usize, usize),
    joint: Option<Joint>,
    is_full: bool,
    is_repeated: bool,
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
    /// The estimated tokens that this attempt wrote.
    pub(super) estimated_tokens: u32,
}

impl Written {
    /// Begins an answer from this many sources, or continues it.
    pub(super) fn new(source_count: usize, begun: Option<&Begun>) -> Self {
        let mut written = Self {
            source_count,
            filter: CitationFilter::new(source_count),
            text: String::new(),
            unfiltered: String::new(),
            reasoning: begun.map(|begun| begun.reasoning().to_owned()).unwrap_or_default(),
            begun: begun.cloned(),
            earlier_bytes: begun.map_or((0, 0), |begun| (begun.text().len(), begun.reasoning().len())),
            joint: None,
            is_full: false,
            is_repeated: false,
            end: None,
        };
        written.rewind();
        written
    }

    /// Moves behind the text of the earlier attempt.
    fn rewind(&mut self) {
        self.filter = CitationFilter::new(self.source_count);
        self.joint = self.begun.as_ref().map(Joint::behind);
        self.text.clear();
        if let Some(begun) = &self.begun {
            self.filter.resume(begun.text());
            self.text.push_str(begun.text());
        }
    }

    /// Whether the text has its largest size. Nothing is taken any more.
    pub(super) const fn is_full(&self) -> bool {
        self.is_full
    }

    /// Whether the model starts the answer over in place of continuing it.
    pub(super) const fn is_repeated(&self) -> bool {
        self.is_repeated
    }

    /// Takes what the model wrote. Returns what that adds to the answer.
    pub(super) fn take(&mut self, event: ModelEvent) -> Vec<AnswerChunk> {
        match event {
            ModelEvent::Reasoning(reasoning) => self.reason(&reasoning).into_iter().collect(),
            ModelEvent::Delta(delta) => {
                let room = MAX_REASONING_BYTES - self.unfiltered.len();
                self.unfiltered.push_str(beginning(&delta, room));
                let joined = self.joint.as_mut().map(|joint| joint.push(&delta));
                let delta = match joined {
                    None => delta,
                    Some(Joined::Text(delta)) => delta,
                    Some(Joined::Held) => return vec![],
                    Some(Joined::Repeated) => {
                        self.is_repeated = true;
                        return vec![];
                    }
                };
                let filtered = self.filter.push(&delta);
                self.write(&filtered).into_iter().collect()
            }
            ModelEvent::TextWasReasoning => self.take_text_as_reasoning(),
            ModelEvent::Finished(end) => {
                self.end = Some(end);
                vec![]
            }
        }
    }

    /// The text so far was reasoning. That of an earlier attempt as well, unless reasoning had ended before it.
    fn take_text_as_reasoning(&mut self) -> Vec<AnswerChunk> {
        let mut reasoning = std::mem::take(&mut self.reasoning);
        if let Some(begun) = self.begun.take_if(|begun| begun.reasoning().is_empty()) {
            let earlier = begun.as_reasoning();
            self.earlier_bytes = (0, earlier.len());
            reasoning.insert_str(0, &earlier);
        }
        reasoning.push_str(&std::mem::take(&mut self.unfiltered));
        self.rewind();
        let again = self.reason(&reasoning);
        let text = Some(AnswerChunk::Delta(self.text.clone())).filter(|_| !self.text.is_empty());
        std::iter::once(AnswerChunk::Void).chain(again).chain(text).collect()
    }

    /// Ends the answer. Returns the text held back and the whole.
    pub(super) fn finish(mut self) -> (Option<AnswerChunk>, End) {
        let held = self.joint.take().map(|mut joint| joint.close()).unwrap_or_default();
        let mut rest = self.filter.push(&held);
        let filter = std::mem::replace(&mut self.filter, CitationFilter::new(0));
        let (last, numbers) = filter.finish();
        rest.push_str(&last);
        let rest = if self.is_full { None } else { self.write(&rest) };
        let reason = self.end.map_or(FinishReason::Stop, |end| end.reason);
        let cut_off = match reason {
            _ if self.is_full => Some(CutOff::Size),
            FinishReason::Length => Some(CutOff::Tokens),
            FinishReason::ContentFilter => Some(CutOff::Filter),
            FinishReason::Stop | FinishReason::ToolCall => None,
        };
        let usage = self.end.map_or_else(ReportedUsage::default, |end| end.usage);
        let estimated_tokens = self.estimated_tokens();
        (rest, End { text: self.text, reasoning: self.reasoning, numbers, cut_off, usage, estimated_tokens })
    }

    fn estimated_tokens(&self) -> u32 {
        let (text, reasoning) = self.earlier_bytes;
        let new = [self.text.get(text..), self.reasoning.get(reasoning..)];
        new.into_iter().flatten().map(prompt::estimate_tokens).sum()
    }

    fn write(&mut self, text: &str) -> Option<AnswerChunk> {
        let delta = beginning(text, MAX_ANSWER_BYTES.saturating_sub(self.text.len()));
        self.is_full = delta.len() < text.len();
        self.text.push_str(delta);
        (!delta.is_empty()).then(|| AnswerChunk::Delta(delta.to_owned()))
    }

    fn reason(&mut self, reasoning: &str) -> Option<AnswerChunk> {
        let kept = beginning(reasoning, MAX_REASONING_BYTES.saturating_sub(self.reasoning.len()));
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

    fn delta(text: &str) -> ModelEvent {
        ModelEvent::Delta(text.to_owned())
    }

    #[test]
    fn text_that_turns_out_to_be_reasoning_is_void_and_cites_nothing() {
        let mut written = Written::new(2, None);
        written.take(delta("Not [9], so ["));
        let chunks = written.take(ModelEvent::TextWasReasoning);
        assert_eq!(chunks, [AnswerChunk::Void, AnswerChunk::Reasoning("Not [9], so [".into())]);
        written.take(delta("At eight [2]."));
        written.take(finished(FinishReason::Length));
        let (rest, end) = written.finish();
        assert_eq!((rest, end.text.as_str(), end.numbers), (None, "At eight [2].", vec![2]));
        assert_eq!(end.cut_off, Some(CutOff::Tokens));
    }

    #[test]
    fn text_and_reasoning_are_bounded() {
        let mut written = Written::new(0, None);
        for _ in 0..3 {
            written.take(ModelEvent::Reasoning("é".repeat(MAX_REASONING_BYTES / 4)));
        }
        assert!(!written.is_full());
        written.take(delta(&"é".repeat(MAX_ANSWER_BYTES)));
        assert!(written.is_full());
        let (_, end) = written.finish();
        assert_eq!((end.text.len(), end.reasoning.len()), (MAX_ANSWER_BYTES, MAX_REASONING_BYTES));
        assert_eq!(end.cut_off, Some(CutOff::Size));
    }

    #[test]
    fn a_continuation_adds_to_the_text_its_marks_and_its_reasoning() {
        let begun = Begun::new("At eight [2], or ", "Hm.".into()).unwrap();
        let mut written = Written::new(2, Some(&begun));
        assert_eq!(written.take(ModelEvent::Reasoning("So.".into())), [AnswerChunk::Reasoning("So.".into())]);
        assert_eq!(written.take(delta("nine [1].")), [AnswerChunk::Delta(" nine [1].".into())]);
        written.take(finished(FinishReason::Stop));
        let (_, end) = written.finish();
        assert_eq!((end.text.as_str(), end.numbers), ("At eight [2], or nine [1].", vec![2, 1]));
        assert_eq!((end.reasoning.as_str(), end.estimated_tokens), ("Hm.So.", 4 + 1));
    }

    #[test]
    fn a_continuation_in_a_code_block_leaves_its_brackets() {
        let begun = Begun::new("So:\n\n```rust\nlet first =", String::new()).unwrap();
        let mut written = Written::new(1, Some(&begun));
        written.take(delta(" rows [7];\n```\nDone [7]."));
        let (_, end) = written.finish();
        assert_eq!(end.text, "So:\n\n```rust\nlet first = rows [7];\n```\nDone.");
    }

    #[test]
    fn a_closing_tag_makes_the_text_of_the_earlier_attempt_reasoning_unless_reasoning_had_ended() {
        let begun = Begun::new("The first source", String::new()).unwrap();
        let mut written = Written::new(1, Some(&begun));
        written.take(delta(" counts them."));
        let chunks = written.take(ModelEvent::TextWasReasoning);
        let thought = "The first source counts them.".to_owned();
        assert_eq!(chunks, [AnswerChunk::Void, AnswerChunk::Reasoning(thought)]);
        written.take(delta("Sixty-one."));
        assert_eq!(written.finish().1.text, "Sixty-one.");

        let begun = Begun::new("It has", "Hm.".into()).unwrap();
        let mut written = Written::new(1, Some(&begun));
        written.take(delta("Go on."));
        let chunks = written.take(ModelEvent::TextWasReasoning);
        let reasoning = AnswerChunk::Reasoning("Hm.Go on.".into());
        assert_eq!(chunks, [AnswerChunk::Void, reasoning, AnswerChunk::Delta("It has".into())]);
        written.take(delta(" sixty-one."));
        assert_eq!(written.finish().1.text, "It has sixty-one.");
    }
}

//! Counts the tokens of requests to a language model while they run, so that those of a request that fails or
//! is dropped are known.

use std::sync::{Arc, Mutex, PoisonError};

use super::{MAX_TOKENS, ModelError, ModelEvent, ReportedUsage, Usage};

/// Counts the tokens of all requests of the models that have it. Clones share the count.
#[derive(Debug, Clone, Default)]
pub struct Meter(Arc<Mutex<Usage>>);

impl Meter {
    /// The tokens so far: as the servers report them, and estimated where they do not, or not yet.
    pub fn total(&self) -> Usage {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn replace(&self, old: Usage, new: Usage) {
        let mut total = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        total.prompt_tokens = replaced(total.prompt_tokens, old.prompt_tokens, new.prompt_tokens);
        total.completion_tokens =
            replaced(total.completion_tokens, old.completion_tokens, new.completion_tokens);
    }
}

fn replaced(total: u32, old: u32, new: u32) -> u32 {
    total.saturating_sub(old).saturating_add(new).min(MAX_TOKENS)
}

/// The count of one request.
pub(super) struct Count {
    meter: Option<Meter>,
    counted: Usage,
    /// Tokens of the answer that the server reported last, and the text since then.
    reported_completion: u32,
    ascii: u32,
    other: u32,
}

impl Count {
    /// Counts the prompt.
    pub(super) fn begin(meter: Option<Meter>, prompt_tokens: u32) -> Self {
        let counted = Usage::default();
        let mut count = Self { meter, counted, reported_completion: 0, ascii: 0, other: 0 };
        count.set(Usage { prompt_tokens, completion_tokens: 0 });
        count
    }

    /// Takes the count back: the server did not read the prompt.
    pub(super) fn take_back(&mut self) {
        self.set(Usage::default());
    }

    /// Counts what was read of the response, and then what the server reports of it.
    pub(super) fn read(
        &mut self,
        events: &Result<Vec<ModelEvent>, ModelError>,
        usage: Option<ReportedUsage>,
    ) {
        for event in events.iter().flatten() {
            match event {
                ModelEvent::Reasoning(text) | ModelEvent::Delta(text) => self.text(text),
                ModelEvent::Finished(_) | ModelEvent::TextWasReasoning => {}
            }
        }
        if let Some(usage) = usage {
            self.reported(usage);
        }
    }

    /// Counts more text, estimated like [`crate::prompt::estimate_tokens`] estimates the whole.
    fn text(&mut self, text: &str) {
        if self.meter.is_none() {
            return;
        }
        let ascii = text.bytes().filter(u8::is_ascii).count();
        let other = text.chars().filter(|c| !c.is_ascii()).count();
        self.ascii = self.ascii.saturating_add(u32::try_from(ascii).unwrap_or(u32::MAX));
        self.other = self.other.saturating_add(u32::try_from(other).unwrap_or(u32::MAX));
        let since = self.ascii.div_ceil(3).saturating_add(self.other);
        let completion_tokens = self.reported_completion.saturating_add(since);
        self.set(Usage { completion_tokens, ..self.counted });
    }

    /// Replaces the estimates so far by what the server reports. Text that follows is estimated on top.
    fn reported(&mut self, reported: ReportedUsage) {
        if let Some(tokens) = reported.completion_tokens {
            (self.reported_completion, self.ascii, self.other) = (tokens, 0, 0);
        }
        let Usage { prompt_tokens, completion_tokens } = self.counted;
        self.set(Usage {
            prompt_tokens: reported.prompt_tokens.unwrap_or(prompt_tokens),
            completion_tokens: reported.completion_tokens.unwrap_or(completion_tokens),
        });
    }

    fn set(&mut self, usage: Usage) {
        if let Some(meter) = &self.meter {
            meter.replace(self.counted, usage);
        }
        self.counted = usage;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_add_up_and_a_report_replaces_the_estimate_of_its_own_request() {
        let meter = Meter::default();
        let mut broken = Count::begin(Some(meter.clone()), 100);
        broken.text("six le");
        broken.text("tters");
        drop(broken);
        assert_eq!(meter.total(), Usage { prompt_tokens: 100, completion_tokens: 4 });
        let mut whole = Count::begin(Some(meter.clone()), 90);
        whole.text("text");
        whole.reported(ReportedUsage { prompt_tokens: Some(80), completion_tokens: None });
        assert_eq!(meter.total(), Usage { prompt_tokens: 180, completion_tokens: 6 });
    }

    #[test]
    fn a_report_in_the_middle_counts_with_the_text_behind_it() {
        let meter = Meter::default();
        let mut count = Count::begin(Some(meter.clone()), 100);
        count.text("Four tokens.");
        count.reported(ReportedUsage { prompt_tokens: Some(90), completion_tokens: Some(1) });
        count.text("six letters");
        assert_eq!(meter.total(), Usage { prompt_tokens: 90, completion_tokens: 1 + 4 });
        count.take_back();
        assert_eq!(meter.total(), Usage::default());
    }
}

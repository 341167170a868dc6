//! Counts the tokens of requests to a language model while they run, so that those of a request that fails or
//! is dropped are known.

use std::sync::{Arc, Mutex, PoisonError};

use super::{MAX_TOKENS, ModelEvent, ReportedUsage, Usage};

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

/// The count of one request that the server has accepted.
pub(super) struct Count {
    meter: Option<Meter>,
    counted: Usage,
    ascii: u32,
    other: u32,
}

impl Count {
    /// Counts the prompt.
    pub(super) fn begin(meter: Option<Meter>, prompt_tokens: u32) -> Self {
        let mut count = Self { meter, counted: Usage::default(), ascii: 0, other: 0 };
        count.set(Usage { prompt_tokens, completion_tokens: 0 });
        count
    }

    /// Counts a part of the response.
    pub(super) fn event(&mut self, event: &ModelEvent) {
        match event {
            ModelEvent::Reasoning(text) | ModelEvent::Delta(text) => self.text(text),
            ModelEvent::Finished(end) => self.reported(end.usage),
            ModelEvent::TextWasReasoning => {}
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
        let completion_tokens = self.ascii.div_ceil(3).saturating_add(self.other);
        self.set(Usage { completion_tokens, ..self.counted });
    }

    /// Replaces the estimates by what the server reports.
    fn reported(&mut self, reported: ReportedUsage) {
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
}

//! Reads one response as it arrives, and decides when the model counts as silent.

use std::time::Duration;

use tokio::time::Instant;
use tokio::time::error::Elapsed;

use super::body::Body;
use super::completion::Completion;
use super::{ChatConfig, ModelError, ModelEvent, ReportedUsage};
use crate::openai::ApiError;

/// The time in which usage and the last event follow the finish reason. Some servers keep the connection open
/// and never send them.
const LAST_EVENTS_TIMEOUT: Duration = Duration::from_secs(1);
/// The reading of one response.
pub(super) struct Reading<'a> {
    config: &'a ChatConfig,
    body: Body,
    pub(super) completion: Completion,
    /// The time at which the model counts as silent, unless a token comes before.
    pub(super) silent_until: Instant,
    limit: Duration,
    /// A failure behind events that were read with it.
    failure: Option<ModelError>,
}

/// The end of a response.
pub(super) struct Ended {
    pub(super) events: Result<Vec<ModelEvent>, ModelError>,
    /// The usage that was reported last.
    pub(super) usage: Option<ReportedUsage>,
    pub(super) reasons: bool,
}

impl<'a> Reading<'a> {
    /// Reads an answer, or its continuation behind this text.
    pub(super) fn new(config: &'a ChatConfig, begun: Option<&str>) -> Self {
        let limit = config.first_token_timeout;
        let silent_until = Instant::now() + limit;
        Self {
            config,
            body: Body::default(),
            completion: begun.map(Completion::behind).unwrap_or_default(),
            silent_until,
            limit,
            failure: None,
        }
    }

    /// Reads the next bytes, or their absence until the model counts as silent; `None` at the end
    /// of the response.
    pub(super) fn read<B: AsRef<[u8]>>(
        &mut self,
        next: Result<Result<Option<B>, ApiError>, Elapsed>,
    ) -> Option<Result<Vec<ModelEvent>, ModelError>> {
        if let Some(failure) = self.failure.take() {
            return Some(Err(failure));
        }
        let is_late = Instant::now() >= self.silent_until;
        let chunk = match next {
            // The answer is whole; only the usage may be missing.
            Err(_) | Ok(Err(_)) if self.completion.is_finished() => return None,
            Ok(Ok(Some(_))) if self.completion.is_finished() && is_late => return None,
            Err(_) => return Some(Err(self.completion.interrupted(ApiError::Timeout(self.limit)))),
            Ok(Ok(None)) => return None,
            Ok(Err(error)) => return Some(Err(self.completion.interrupted(error))),
            Ok(Ok(Some(chunk))) => chunk,
        };
        let events = self.push(chunk.as_ref());
        let has_token = events.as_ref().is_ok_and(|events| !events.is_empty());
        if is_late && !has_token {
            return Some(Err(self.completion.interrupted(ApiError::Timeout(self.limit))));
        }
        Some(events)
    }

    fn push(&mut self, chunk: &[u8]) -> Result<Vec<ModelEvent>, ModelError> {
        let data = self.body.push(chunk).map_err(|_| self.completion.interrupted(ApiError::Malformed))?;
        let was_finished = self.completion.is_finished();
        let mut events = Vec::new();
        for event in data {
            match self.completion.push(&event) {
                Ok(more) => events.extend(more),
                Err(failure) if events.is_empty() => return Err(failure),
                Err(failure) => {
                    self.failure = Some(failure);
                    self.silent_until = Instant::now();
                    return Ok(events);
                }
            }
        }
        if self.completion.is_finished() && !was_finished {
            self.silent_until = Instant::now() + LAST_EVENTS_TIMEOUT;
        } else if !events.is_empty() && !was_finished {
            self.limit = self.config.idle_timeout;
            self.silent_until = Instant::now() + self.limit;
        }
        Ok(events)
    }

    pub(super) fn finish(mut self) -> Ended {
        let mut events = match self.body.finish().map(|event| self.completion.push(&event)) {
            Some(Err(error)) => {
                let (usage, reasons) = (self.completion.take_usage(), self.completion.has_reasoning());
                return Ended { events: Err(error), usage, reasons };
            }
            Some(Ok(events)) => events,
            None => vec![],
        };
        let (usage, reasons) = (self.completion.take_usage(), self.completion.has_reasoning());
        let events = self.completion.finish().map(|rest| {
            events.extend(rest);
            events
        });
        Ended { events, usage, reasons }
    }
}

/// Reads a response that comes in these pieces. Returns the answer's reasoning and text, and whether
/// it is complete.
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) fn read_response<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> (String, String, bool) {
    let (mut body, mut completion) = (Body::default(), Completion::default());
    let (mut reasoning, mut text) = (String::new(), String::new());
    let mut note = |events: Vec<ModelEvent>| {
        for event in events {
            match event {
                ModelEvent::Reasoning(more) => reasoning.push_str(&more),
                ModelEvent::Delta(more) => text.push_str(&more),
                ModelEvent::TextWasReasoning => reasoning.push_str(&std::mem::take(&mut text)),
                ModelEvent::Finished(_) => {}
            }
        }
    };
    let mut is_whole = true;
    'reading: for piece in pieces {
        let Ok(events) = body.push(piece) else {
            is_whole = false;
            break;
        };
        for event in events {
            let Ok(events) = completion.push(&event) else {
                is_whole = false;
                break 'reading;
            };
            note(events);
            if completion.is_done() {
                break 'reading;
            }
        }
    }
    match completion.finish() {
        Ok(events) => note(events),
        Err(_) => is_whole = false,
    }
    (reasoning, text, is_whole)
}

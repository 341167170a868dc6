//! Collects the state of one chat completion from the data of its events.

use serde_json::Value;

use super::chunk::{Chunk, End, FinishReason, Part};
use super::repair::{HalfPairs, repair};
use super::sse::Event;
use super::thought::{Separated, ThoughtFilter};
use super::{Finished, ModelError, ModelEvent, ReportedUsage};
use crate::openai::ApiError;

/// The data of the event behind the last chunk.
const DONE: &str = "[DONE]";

/// A chat completion as far as it has arrived.
#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(super) struct Completion {
    /// Whether anything but white space has arrived as text.
    has_text: bool,
    has_reasoning: bool,
    calls_tool: bool,
    finish_reason: Option<FinishReason>,
    is_done: bool,
    usage: ReportedUsage,
    /// The usage since it was last taken.
    new_usage: ReportedUsage,
    halves: HalfPairs,
    thoughts: ThoughtFilter,
}

impl Completion {
    /// A completion that continues this text.
    pub(super) fn behind(text: &str) -> Self {
        Self { thoughts: ThoughtFilter::behind(text), ..Self::default() }
    }

    /// Reads one event. Data that is no JSON object, such as a sign of life, adds nothing.
    pub(super) fn push(&mut self, event: &Event) -> Result<Vec<ModelEvent>, ModelError> {
        let mut events = Vec::new();
        let (values, is_repaired) = match values(&event.data) {
            Ok(read) => read,
            Err(_) if self.is_finished() => return Ok(events),
            Err(error) => return Err(self.interrupted(error)),
        };
        for value in values {
            match value {
                Data::Done => self.is_done = true,
                Data::Object(value) => match Chunk::read(&value, event.is_error) {
                    Ok(chunk) => self.push_chunk(chunk, is_repaired, &mut events)?,
                    // The answer is whole, whatever follows it.
                    Err(_) if self.is_finished() => {}
                    Err(error) => return Err(self.interrupted(error)),
                },
            }
        }
        Ok(events)
    }

    fn push_chunk(
        &mut self,
        chunk: Chunk,
        is_repaired: bool,
        events: &mut Vec<ModelEvent>,
    ) -> Result<(), ModelError> {
        for usage in [&mut self.usage, &mut self.new_usage] {
            usage.prompt_tokens = chunk.prompt_tokens.or(usage.prompt_tokens);
            usage.completion_tokens = chunk.completion_tokens.or(usage.completion_tokens);
        }
        self.calls_tool |= chunk.calls_tool;
        // Some servers repeat the whole message at the end of the stream.
        let is_repetition = chunk.is_whole && (self.has_text || self.has_reasoning);
        for part in chunk.parts.into_iter().filter(|_| !is_repetition) {
            match part {
                Part::Reasoning(text) => self.add(vec![Separated::Reasoning(text)], events),
                Part::Text(text) => {
                    let text = self.halves.join(text, is_repaired);
                    let separated = self.thoughts.push(&text);
                    self.add(separated, events);
                }
            }
        }
        match chunk.end {
            Some(End::Finished(reason)) => self.finish_reason = Some(reason),
            Some(End::Broken) if !self.is_finished() => return Err(self.interrupted(ApiError::Reported)),
            Some(End::Broken) | None => {}
        }
        Ok(())
    }

    fn add(&mut self, separated: Vec<Separated>, events: &mut Vec<ModelEvent>) {
        for part in separated {
            let event = match part {
                Separated::Reasoning(text) => ModelEvent::Reasoning(without_control_characters(text)),
                Separated::Text(text) => ModelEvent::Delta(without_control_characters(text)),
                Separated::TextWasReasoning => ModelEvent::TextWasReasoning,
            };
            match &event {
                ModelEvent::Reasoning(text) | ModelEvent::Delta(text) if text.is_empty() => continue,
                ModelEvent::Reasoning(_) => self.has_reasoning = true,
                ModelEvent::Delta(text) => self.has_text |= !text.trim().is_empty(),
                ModelEvent::TextWasReasoning => {
                    self.has_text = false;
                    self.has_reasoning = true;
                }
                ModelEvent::Finished(_) => {}
            }
            events.push(event);
        }
    }

    /// Whether the model reasons before it answers.
    pub(super) fn has_reasoning(&self) -> bool {
        self.has_reasoning
    }

    /// Whether the whole text has arrived.
    pub(super) fn is_finished(&self) -> bool {
        self.finish_reason.is_some()
    }

    /// Whether the last event has arrived.
    pub(super) fn is_done(&self) -> bool {
        self.is_done
    }

    /// The usage that the server has reported since the last call, also for an answer that fails.
    pub(super) fn take_usage(&mut self) -> Option<ReportedUsage> {
        Some(std::mem::take(&mut self.new_usage)).filter(|usage| *usage != ReportedUsage::default())
    }

    /// Checks that the answer is complete and has a text. Returns the text held back and the end.
    pub(super) fn finish(mut self) -> Result<Vec<ModelEvent>, ModelError> {
        if !self.is_done && self.finish_reason.is_none() {
            return Err(self.interrupted(ApiError::EndedEarly));
        }
        let mut events = Vec::new();
        let rest = self.thoughts.finish();
        self.add(rest, &mut events);
        self.calls_tool |= self.thoughts.calls_tool();
        let reason = match self.finish_reason {
            Some(FinishReason::Stop) | None if self.calls_tool && !self.has_text => FinishReason::ToolCall,
            reason => reason.unwrap_or(FinishReason::Stop),
        };
        if !self.has_text {
            return Err(ModelError::NoText(reason));
        }
        events.push(ModelEvent::Finished(Finished { usage: self.usage, reason }));
        Ok(events)
    }

    /// Classifies a failure: before the first text the model is unavailable, after it the answer
    /// is interrupted.
    pub(super) fn interrupted(&self, error: ApiError) -> ModelError {
        if self.has_text { ModelError::Interrupted(error) } else { error.into() }
    }
}

/// Data of an event.
enum Data {
    Done,
    Object(Value),
}

/// The objects in the data of one event, and whether they had to be repaired. Several objects may stand on
/// lines of their own. Data that does not begin like JSON holds none.
fn values(data: &str) -> Result<(Vec<Data>, bool), ApiError> {
    if let Some(value) = parse(data) {
        return Ok((value, false));
    }
    if let Some(value) = parse(&repair(data)) {
        return Ok((value, true));
    }
    let (mut values, mut is_repaired) = (Vec::new(), false);
    for line in data.lines() {
        let repaired = || parse(&repair(line)).inspect(|_| is_repaired = true);
        match parse(line).or_else(repaired) {
            Some(value) => values.extend(value),
            None if line.trim_start().starts_with(['{', '[']) => return Err(ApiError::Malformed),
            None => {}
        }
    }
    Ok((values, is_repaired))
}

/// Parses one JSON value; `None` if it is not JSON. Values other than objects and lists of
/// objects hold nothing.
fn parse(data: &str) -> Option<Vec<Data>> {
    let data = data.trim();
    if data == DONE {
        return Some(vec![Data::Done]);
    }
    Some(match serde_json::from_str(data).ok()? {
        value @ Value::Object(_) => vec![Data::Object(value)],
        Value::Array(values) => values.into_iter().filter(Value::is_object).map(Data::Object).collect(),
        _ => vec![],
    })
}

/// Removes the control characters that no text shows. In the JSON of an event each takes six bytes.
fn without_control_characters(mut text: String) -> String {
    text.retain(|c| !c.is_control() || matches!(c, '\n' | '\t' | '\r'));
    text
}

#[cfg(test)]
mod tests;

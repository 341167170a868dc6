//! The spans of an attempt: it continues the trace of the request, with the search, the language model and
//! the record of the end below it.

use std::time::SystemTime;

use aggregates::conversation::{Provenance, Usage};
use opentelemetry::Value;
use store::{AnswerLease, Requested};
use tracing::Span;

use crate::telemetry::traces::{self, Ended, Kind};

/// The span of an attempt. Log lines of the attempt carry its trace id.
pub(super) fn span_of(lease: &AnswerLease, requested: Option<&Requested>) -> Span {
    let traceparent = requested.and_then(|requested| requested.traceparent.as_deref());
    let trace_id = traceparent.and_then(|traceparent| traceparent.split('-').nth(1));
    let (answer, attempt) = (lease.answer.answer_id, lease.attempt);
    let span = if traces::samples(traceparent) {
        tracing::info_span!("answer", otel.kind = "consumer", trace_id, answer.id = %answer, attempt)
    } else {
        tracing::info_span!("answer", trace_id, answer.id = %answer, attempt)
    };
    traces::continue_from(&span, traceparent);
    span
}

/// The request to the language model and the sending of its text, while they last.
pub(super) struct Writing {
    began: SystemTime,
    first_text: Option<SystemTime>,
    parent: Option<String>,
}

impl Writing {
    pub(super) fn begin() -> Self {
        let parent = traces::traceparent_of(&Span::current());
        Self { began: SystemTime::now(), first_text: None, parent }
    }

    pub(super) fn text(&mut self) {
        self.first_text.get_or_insert_with(SystemTime::now);
    }

    /// Records both. A quoted answer has no request.
    pub(super) fn end(&self, provenance: &Provenance, usage: Usage) {
        let parent = self.parent.as_deref();
        if let Some(model) = &provenance.language_model {
            let attributes: [(&'static str, Value); 5] = [
                ("gen_ai.operation.name", "chat".into()),
                ("gen_ai.provider.name", "openai".into()),
                ("gen_ai.request.model", model.clone().into()),
                ("gen_ai.usage.input_tokens", i64::from(usage.prompt_tokens).into()),
                ("gen_ai.usage.output_tokens", i64::from(usage.completion_tokens).into()),
            ];
            traces::record(ended(format!("chat {model}"), Kind::Client, parent, self.began), attributes);
        }
        if let Some(began) = self.first_text {
            traces::record(ended("send deltas".to_owned(), Kind::Producer, parent, began), []);
        }
    }
}

/// Records that the request for an answer was received.
pub(super) fn received(traceparent: Option<&str>, began: SystemTime) {
    traces::record(ended("receive".to_owned(), Kind::Consumer, traceparent, began), []);
}

fn ended(name: String, kind: Kind, parent: Option<&str>, began: SystemTime) -> Ended<'_> {
    Ended { name, kind, parent, began, failed: false }
}

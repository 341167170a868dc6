//! The part of an answer that earlier attempts have shown, as the live stream has it. A later attempt continues
//! it where its language model can.

use std::pin::pin;

use aggregates::conversation::Citation;
use futures::StreamExt as _;
use nats::{LiveKind, LiveMessage, append_piece};
use rag::answer::Begun;
use rag::error_chain::ErrorChain;
use sealing::AssociatedData;
use tokio::time::Instant;

use super::delta_publisher::Attempt;
use super::processor::AnswerProcessor;
use crate::runtime::live_messages;

/// Time limit of reading what was shown. After it the answer starts over.
const TIMEOUT: std::time::Duration = std::time::Duration::from_secs(5);

/// The text of an unfinished answer that a language model can continue.
pub(super) struct Shown {
    pub(super) begun: Begun,
    sources: Vec<Citation>,
}

impl Shown {
    /// Whether the sources that the text cites are those with the same numbers now.
    pub(super) fn has_sources(&self, sources: &[Citation]) -> bool {
        let cited = |source: &&Citation| self.begun.text().contains(&format!("[{}]", source.number));
        self.sources.iter().filter(cited).all(|earlier| {
            sources.iter().any(|source| {
                (source.number, source.document_id, source.passage)
                    == (earlier.number, earlier.document_id, earlier.passage)
                    && (&source.title, &source.snippet) == (&earlier.title, &earlier.snippet)
            })
        })
    }
}

/// The newest beginning of an answer, while messages are read.
#[derive(Default)]
struct Telling {
    /// The attempt and the number of the beginning within it.
    beginning: (u32, u32),
    can_continue: bool,
    text: String,
    reasoning: String,
    sources: Vec<Citation>,
}

impl Telling {
    /// Takes the next message. A piece behind a missing one adds nothing.
    fn take(&mut self, message: &LiveMessage, opened: Vec<u8>) {
        let beginning = (message.attempt, message.beginning);
        if beginning < self.beginning {
            return;
        }
        if beginning > self.beginning {
            *self = Self { beginning, ..std::mem::take(self).kept(message.kind) };
        }
        match message.kind {
            LiveKind::Started { .. } => {}
            LiveKind::Sources => self.sources = serde_json::from_slice(&opened).unwrap_or_default(),
            LiveKind::Delta { offset } => drop(append_piece(&mut self.text, offset, opened)),
            LiveKind::Reasoning { offset } => drop(append_piece(&mut self.reasoning, offset, opened)),
        }
    }

    /// What a new beginning keeps. Its own messages repeat that, unless its worker died before.
    fn kept(self, kind: LiveKind) -> Self {
        let LiveKind::Started { from, can_continue } = kind else { return Self::default() };
        let text = usize::try_from(from).ok().filter(|from| *from > 0).and_then(|from| self.text.get(..from));
        match text.map(ToOwned::to_owned) {
            Some(text) => Self { can_continue, text, ..self },
            None => Self { can_continue, ..Self::default() },
        }
    }

    fn shown(self) -> Option<Shown> {
        let begun = Begun::new(&self.text, self.reasoning).filter(|_| self.can_continue)?;
        Some(Shown { begun, sources: self.sources })
    }
}

impl AnswerProcessor {
    /// The part that was shown before an attempt; `None` where no language model can continue it.
    pub(super) async fn shown_before(&self, attempt: &Attempt) -> Option<Shown> {
        let mut telling = Telling::default();
        let deadline = Instant::now() + TIMEOUT;
        let subject = self.subjects.live(attempt.owner, attempt.conversation_id, attempt.answer_id);
        let mut messages = pin!(live_messages::replay(&self.nats, &self.subjects, subject));
        while let Some(message) = tokio::time::timeout_at(deadline, messages.next()).await.ok()? {
            let message = message.inspect_err(|error| {
                tracing::debug!(error = %ErrorChain(error), answer.id = %attempt.answer_id, "what was shown of an answer could not be read");
            });
            if let Ok(live) = LiveMessage::from_bytes(&message.ok()?.payload)
                && live.attempt < attempt.number
                && let Some(opened) = opened(attempt, &live)
            {
                telling.take(&live, opened);
            }
        }
        telling.shown()
    }
}

/// The text of a message.
fn opened(attempt: &Attempt, live: &LiveMessage) -> Option<Vec<u8>> {
    let Attempt { conversation_id, answer_id, .. } = *attempt;
    let aad =
        AssociatedData::Live { conversation_id, answer_id, attempt: live.attempt, message: &live.label() };
    match live.sealed.as_slice() {
        [] => Some(vec![]),
        sealed => attempt.key.open(&aad, sealed).ok(),
    }
}

#[cfg(test)]
mod tests {
    use aggregates::{AnswerId, DocumentId, QuestionId};
    use uuid::Uuid;

    use super::*;

    fn message((attempt, beginning): (u32, u32), kind: LiveKind) -> LiveMessage {
        let (answer_id, question_id) =
            (AnswerId::new(Uuid::from_u128(1)), QuestionId::new(Uuid::from_u128(2)));
        LiveMessage { answer_id, question_id, attempt, beginning, kind, sealed: vec![] }
    }

    /// The text and reasoning that messages tell.
    fn shown(messages: &[((u32, u32), LiveKind, &str)]) -> Option<(String, String)> {
        let mut telling = Telling::default();
        for (beginning, kind, text) in messages {
            telling.take(&message(*beginning, *kind), text.as_bytes().to_vec());
        }
        let begun = telling.shown()?.begun;
        Some((begun.text().to_owned(), begun.reasoning().to_owned()))
    }

    const fn started(from: u64) -> LiveKind {
        LiveKind::Started { from, can_continue: true }
    }

    const fn delta(offset: u64) -> LiveKind {
        LiveKind::Delta { offset }
    }

    const THOUGHT: LiveKind = LiveKind::Reasoning { offset: 0 };

    #[test]
    fn the_newest_beginning_is_what_was_shown() {
        for (messages, text, reasoning) in [
            (
                vec![((1, 0), started(0), ""), ((1, 0), delta(0), "It has"), ((1, 0), delta(6), " six")],
                "It has six",
                "",
            ),
            (
                vec![((1, 0), started(0), ""), ((1, 0), delta(0), "It has"), ((1, 0), delta(9), "lost")],
                "It has",
                "",
            ),
            (
                vec![
                    ((1, 0), started(0), ""),
                    ((1, 0), delta(0), "Hm"),
                    ((1, 1), started(0), ""),
                    ((1, 1), THOUGHT, "Hm"),
                    ((1, 0), delta(2), "late"),
                    ((1, 1), delta(0), "Yes"),
                ],
                "Yes",
                "Hm",
            ),
            // The worker of the second attempt died before it repeated the text.
            (
                vec![
                    ((1, 0), started(0), ""),
                    ((1, 0), THOUGHT, "Hm"),
                    ((1, 0), delta(0), "It has "),
                    ((2, 0), started(6), ""),
                ],
                "It has",
                "Hm",
            ),
            (
                vec![((2, 0), started(6), ""), ((2, 0), delta(0), "It has"), ((2, 0), delta(6), " six")],
                "It has six",
                "",
            ),
        ] {
            assert_eq!(shown(&messages), Some((text.to_owned(), reasoning.to_owned())));
        }
    }

    #[test]
    fn a_quotation_and_reasoning_alone_are_not_continued() {
        let quoted = LiveKind::Started { from: 0, can_continue: false };
        for messages in [
            vec![],
            vec![((1, 0), quoted, ""), ((1, 0), delta(0), "It has")],
            vec![((1, 0), started(0), ""), ((1, 0), THOUGHT, "Hm")],
            vec![((1, 0), started(0), ""), ((1, 0), delta(0), "It"), ((2, 0), started(0), "")],
            vec![((2, 0), started(6), ""), ((2, 0), delta(9), "lost")],
        ] {
            assert_eq!(shown(&messages), None);
        }
    }

    #[test]
    fn cited_sources_must_be_the_same() {
        let source = |number, document: u128| Citation {
            number,
            document_id: DocumentId::new(Uuid::from_u128(document)),
            title: "Marimba".into(),
            passage: 0,
            place: None,
            snippet: "It has".into(),
            score: 1.0,
        };
        let begun = Begun::new("It has [1]", String::new()).unwrap();
        let shown = Shown { begun, sources: vec![source(1, 7), source(2, 8)] };
        assert!(shown.has_sources(&[source(1, 7), source(2, 9)]));
        assert!(shown.has_sources(&[Citation { score: 0.5, ..source(1, 7) }]));
        for sources in [vec![], vec![source(1, 8), source(2, 7)]] {
            assert!(!shown.has_sources(&sources));
        }
    }
}

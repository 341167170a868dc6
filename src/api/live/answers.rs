//! The answers being written, as far as this process has seen them.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use aggregates::conversation::{Answer, Citation};
use aggregates::{AnswerRef, QuestionId, RecordedEvent, UserId};
use nats::{LiveKind, LiveMessage};

use super::beginning::Beginning;
use super::{AnswerStep, ended_answer};

/// Time for which an answer without news is kept, equal to the retention of the live stream.
const FORGOTTEN_AFTER: Duration = Duration::from_mins(15);
/// Shortest interval between two replays of one answer.
const REPLAY_EVERY: Duration = Duration::from_secs(1);
/// Ended answers that are remembered, so that a late delta does not revive one.
const ENDED: usize = 10_000;

/// An answer that is being written.
#[derive(Debug, Clone)]
pub struct AnswerInFlight {
    /// The answer.
    pub answer: AnswerRef,
    /// The question.
    pub question_id: QuestionId,
    /// The newest beginning.
    pub beginning: Beginning,
    /// The passages that retrieval found; `None` before.
    pub sources: Option<Arc<[Citation]>>,
    /// Reasoning since this beginning.
    pub reasoning: String,
    /// Text since this beginning.
    pub text: String,
    touched: Instant,
    replayed: Option<Instant>,
}

/// The effect of a live message.
#[derive(Debug)]
pub(crate) enum Taken {
    /// Nothing new.
    Nothing,
    /// Something new.
    Step(AnswerStep),
    /// The message does not follow the known text.
    Gap,
}

#[derive(Debug)]
pub(crate) struct AnswersInFlight {
    answers: HashMap<AnswerRef, AnswerInFlight>,
    ended: quick_cache::unsync::Cache<AnswerRef, ()>,
}

impl Default for AnswersInFlight {
    fn default() -> Self {
        Self { answers: HashMap::new(), ended: quick_cache::unsync::Cache::new(ENDED) }
    }
}

impl AnswersInFlight {
    pub(crate) fn of(&self, owner: UserId) -> Vec<AnswerInFlight> {
        self.answers.values().filter(|known| known.answer.owner == owner).cloned().collect()
    }

    pub(crate) fn all(&self) -> Vec<AnswerRef> {
        self.answers.keys().copied().collect()
    }

    pub(crate) fn so_far(&self, answer: AnswerRef) -> Answer {
        let Some(answer) = self.answers.get(&answer) else {
            return Answer::default();
        };
        let sources = answer.sources.as_deref().unwrap_or_default();
        let cited = |source: &&Citation| answer.text.contains(&format!("[{}]", source.number));
        Answer {
            text: answer.text.clone(),
            citations: sources.iter().filter(cited).cloned().collect(),
            reasoning: answer.reasoning.clone(),
            ..Answer::default()
        }
    }

    /// Removes the answer that an event ends, whatever arrives later.
    pub(crate) fn take_event(&mut self, event: &RecordedEvent) {
        if let Some(answer) = ended_answer(event) {
            self.end(answer);
        }
    }

    pub(crate) fn end(&mut self, answer: AnswerRef) {
        self.answers.remove(&answer);
        self.ended.insert(answer, ());
    }

    /// Whether a replay of the answer is due; if so, notes it as done.
    pub(crate) fn may_replay(&mut self, answer: AnswerRef) -> bool {
        let Some(answer) = self.answers.get_mut(&answer) else {
            return false;
        };
        let now = Instant::now();
        let due = answer.replayed.is_none_or(|last| now.duration_since(last) >= REPLAY_EVERY);
        if due {
            answer.replayed = Some(now);
        }
        due
    }

    /// Applies a live message. A repetition has no effect; a later beginning replaces an earlier one.
    pub(crate) fn take_live(&mut self, answer: AnswerRef, live: &LiveMessage, opened: Vec<u8>) -> Taken {
        if self.ended.peek(&answer).is_some() {
            return Taken::Nothing;
        }
        let now = Instant::now();
        if matches!(live.kind, LiveKind::Started) {
            self.answers.retain(|_, known| now.duration_since(known.touched) < FORGOTTEN_AFTER);
        }
        let beginning = Beginning { attempt: live.attempt, number: live.beginning };
        let known = self.answers.get_mut(&answer).filter(|known| known.beginning >= beginning);
        let known = match known {
            Some(known) if known.beginning > beginning => return Taken::Nothing,
            Some(known) if matches!(live.kind, LiveKind::Started) => {
                known.touched = now;
                return Taken::Nothing;
            }
            Some(known) => known,
            None => {
                let begun = AnswerInFlight {
                    answer,
                    question_id: live.question_id,
                    beginning,
                    sources: None,
                    reasoning: String::new(),
                    text: String::new(),
                    touched: now,
                    replayed: None,
                };
                self.answers.insert(answer, begun);
                match live.kind {
                    LiveKind::Started => return Taken::Step(AnswerStep::Started),
                    // The beginning was missed; it is in the stream.
                    LiveKind::Sources | LiveKind::Delta { .. } | LiveKind::Reasoning { .. } => {
                        return Taken::Gap;
                    }
                }
            }
        };
        known.touched = now;
        known.take(live.kind, opened)
    }
}

impl AnswerInFlight {
    fn take(&mut self, kind: LiveKind, opened: Vec<u8>) -> Taken {
        match kind {
            LiveKind::Started => Taken::Nothing,
            LiveKind::Sources => match serde_json::from_slice::<Vec<Citation>>(&opened) {
                Ok(sources) if self.sources.is_none() => {
                    let sources: Arc<[Citation]> = sources.into();
                    self.sources = Some(Arc::clone(&sources));
                    Taken::Step(AnswerStep::Sources(sources))
                }
                _ => Taken::Nothing,
            },
            LiveKind::Delta { offset } => match append(&mut self.text, offset, opened) {
                Appended::New { offset, text } => Taken::Step(AnswerStep::Delta { offset, text }),
                Appended::Nothing => Taken::Nothing,
                Appended::Gap => Taken::Gap,
            },
            LiveKind::Reasoning { offset } => match append(&mut self.reasoning, offset, opened) {
                Appended::New { offset, text } => Taken::Step(AnswerStep::Reasoning { offset, text }),
                Appended::Nothing => Taken::Nothing,
                Appended::Gap => Taken::Gap,
            },
        }
    }
}

/// The effect of a piece on a text.
enum Appended {
    New { offset: usize, text: String },
    Nothing,
    Gap,
}

/// Appends the part of a piece that is not known yet. A piece that is sent again may begin before it.
fn append(known: &mut String, offset: u64, opened: Vec<u8>) -> Appended {
    let (Ok(offset), Ok(text)) = (usize::try_from(offset), String::from_utf8(opened)) else {
        return Appended::Nothing;
    };
    if offset > known.len() {
        return Appended::Gap;
    }
    match text.get(known.len() - offset..) {
        Some(new) if !new.is_empty() => {
            let offset = known.len();
            known.push_str(new);
            Appended::New { offset, text: new.to_owned() }
        }
        _ => Appended::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use aggregates::{AnswerId, ConversationId};
    use uuid::Uuid;

    use super::*;

    const OWNER: UserId = UserId::new(Uuid::from_u128(1));
    const ANSWER: AnswerRef = AnswerRef {
        owner: OWNER,
        conversation_id: ConversationId::new(Uuid::from_u128(2)),
        answer_id: AnswerId::new(Uuid::from_u128(3)),
    };

    fn live(attempt: u32, kind: LiveKind) -> LiveMessage {
        let question_id = QuestionId::new(Uuid::from_u128(4));
        LiveMessage { answer_id: ANSWER.answer_id, question_id, attempt, beginning: 0, kind, sealed: vec![] }
    }

    fn delta(answers: &mut AnswersInFlight, attempt: u32, offset: u64, text: &str) -> Taken {
        answers.take_live(ANSWER, &live(attempt, LiveKind::Delta { offset }), text.into())
    }

    fn begin(answers: &mut AnswersInFlight, attempt: u32) -> Taken {
        answers.take_live(ANSWER, &live(attempt, LiveKind::Started), vec![])
    }

    #[test]
    fn deltas_add_up_and_repetitions_add_nothing() {
        let mut answers = AnswersInFlight::default();
        begin(&mut answers, 1);
        assert!(matches!(delta(&mut answers, 1, 0, "ab"), Taken::Step(_)));
        assert!(matches!(delta(&mut answers, 1, 0, "ab"), Taken::Nothing));
        assert!(matches!(
            delta(&mut answers, 1, 0, "abcd"),
            Taken::Step(AnswerStep::Delta { offset: 2, .. })
        ));
        assert_eq!(answers.so_far(ANSWER).text, "abcd");
    }

    #[test]
    fn a_delta_after_a_hole_is_a_gap() {
        let mut answers = AnswersInFlight::default();
        begin(&mut answers, 1);
        assert!(matches!(delta(&mut answers, 1, 5, "x"), Taken::Gap));
    }

    #[test]
    fn a_new_attempt_voids_the_text_of_the_earlier_one() {
        let mut answers = AnswersInFlight::default();
        begin(&mut answers, 1);
        delta(&mut answers, 1, 0, "old");
        assert!(matches!(begin(&mut answers, 2), Taken::Step(AnswerStep::Started)));
        assert!(matches!(delta(&mut answers, 1, 3, "er"), Taken::Nothing));
        assert_eq!(answers.so_far(ANSWER).text, "");
    }

    #[test]
    fn a_new_beginning_voids_text_and_reasoning_of_the_same_attempt() {
        let mut answers = AnswersInFlight::default();
        begin(&mut answers, 1);
        delta(&mut answers, 1, 0, "a thought");
        let again = |kind| LiveMessage { beginning: 1, ..live(1, kind) };
        let started = answers.take_live(ANSWER, &again(LiveKind::Started), vec![]);
        assert!(matches!(started, Taken::Step(AnswerStep::Started)));
        let reasoning = again(LiveKind::Reasoning { offset: 0 });
        let step = answers.take_live(ANSWER, &reasoning, b"a thought".to_vec());
        assert!(matches!(step, Taken::Step(AnswerStep::Reasoning { offset: 0, .. })));
        assert!(matches!(delta(&mut answers, 1, 9, " late"), Taken::Nothing));
        let so_far = answers.so_far(ANSWER);
        assert_eq!((so_far.text.as_str(), so_far.reasoning.as_str()), ("", "a thought"));
    }

    #[test]
    fn the_same_id_in_another_conversation_is_another_answer() {
        let mut answers = AnswersInFlight::default();
        begin(&mut answers, 1);
        delta(&mut answers, 1, 0, "mine");
        let other = ConversationId::new(Uuid::from_u128(7));
        let foreign = AnswerRef { owner: UserId::new(Uuid::from_u128(8)), ..ANSWER };
        for another in [foreign, AnswerRef { conversation_id: other, ..ANSWER }] {
            assert_eq!(answers.so_far(another), Answer::default());
            answers.end(another);
        }
        assert_eq!(answers.so_far(ANSWER).text, "mine");
        assert!(matches!(delta(&mut answers, 1, 4, " still"), Taken::Step(_)));
    }

    #[test]
    fn an_ended_answer_stays_ended_whatever_arrives_late() {
        let mut answers = AnswersInFlight::default();
        begin(&mut answers, 1);
        answers.end(ANSWER);
        assert!(matches!(delta(&mut answers, 1, 0, "late"), Taken::Nothing));
        assert!(answers.of(OWNER).is_empty());
    }
}

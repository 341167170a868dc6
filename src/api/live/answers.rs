//! The answers being written, as far as this process has seen them.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use aggregates::conversation::{Answer, Citation};
use aggregates::{AnswerRef, QuestionId, RecordedEvent, UserId};
use nats::{Appended, LiveKind, LiveMessage, append_piece};

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
        if matches!(live.kind, LiveKind::Started { .. }) {
            self.answers.retain(|_, known| now.duration_since(known.touched) < FORGOTTEN_AFTER);
        }
        let beginning = Beginning { attempt: live.attempt, number: live.beginning };
        let known = self.answers.get_mut(&answer).filter(|known| known.beginning >= beginning);
        let known = match known {
            Some(known) if known.beginning > beginning => return Taken::Nothing,
            Some(known) if matches!(live.kind, LiveKind::Started { .. }) => {
                known.touched = now;
                return Taken::Nothing;
            }
            Some(known) => known,
            None => {
                let (begun, step) = self.begin(answer, live, now);
                self.answers.insert(answer, begun);
                // The beginning was missed; it is in the stream.
                return step.map_or(Taken::Gap, Taken::Step);
            }
        };
        known.touched = now;
        known.take(live.kind, opened)
    }

    /// A new beginning of an answer, with the text that it keeps of the one before; and what is new, unless the
    /// message does not tell how it begins.
    fn begin(
        &self,
        answer: AnswerRef,
        live: &LiveMessage,
        now: Instant,
    ) -> (AnswerInFlight, Option<AnswerStep>) {
        let earlier = self.answers.get(&answer);
        let from = match live.kind {
            LiveKind::Started { from, .. } => usize::try_from(from).ok(),
            LiveKind::Sources | LiveKind::Delta { .. } | LiveKind::Reasoning { .. } => None,
        };
        let kept = earlier.zip(from).and_then(|(earlier, from)| Some((earlier, earlier.text.get(..from)?)));
        let text = kept.map(|(_, text)| text.to_owned()).unwrap_or_default();
        let after = kept.map(|(earlier, _)| earlier.beginning).unwrap_or_default();
        let step = from.map(|_| AnswerStep::Started { kept: text.clone(), after });
        let begun = AnswerInFlight {
            answer,
            question_id: live.question_id,
            beginning: Beginning { attempt: live.attempt, number: live.beginning },
            sources: None,
            reasoning: String::new(),
            text,
            touched: now,
            replayed: None,
        };
        (begun, step)
    }
}

impl AnswerInFlight {
    fn take(&mut self, kind: LiveKind, opened: Vec<u8>) -> Taken {
        match kind {
            LiveKind::Started { .. } => Taken::Nothing,
            LiveKind::Sources => match serde_json::from_slice::<Vec<Citation>>(&opened) {
                Ok(sources) if self.sources.is_none() => {
                    let sources: Arc<[Citation]> = sources.into();
                    self.sources = Some(Arc::clone(&sources));
                    Taken::Step(AnswerStep::Sources(sources))
                }
                _ => Taken::Nothing,
            },
            LiveKind::Delta { offset } => match append_piece(&mut self.text, offset, opened) {
                Appended::New { offset, text } => Taken::Step(AnswerStep::Delta { offset, text }),
                Appended::Nothing => Taken::Nothing,
                Appended::Gap => Taken::Gap,
            },
            LiveKind::Reasoning { offset } => match append_piece(&mut self.reasoning, offset, opened) {
                Appended::New { offset, text } => Taken::Step(AnswerStep::Reasoning { offset, text }),
                Appended::Nothing => Taken::Nothing,
                Appended::Gap => Taken::Gap,
            },
        }
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
        begin_from(answers, attempt, 0)
    }

    fn begin_from(answers: &mut AnswersInFlight, attempt: u32, from: u64) -> Taken {
        let started = LiveKind::Started { from, can_continue: false };
        answers.take_live(ANSWER, &live(attempt, started), vec![])
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
        assert!(matches!(begin(&mut answers, 2), Taken::Step(AnswerStep::Started { .. })));
        assert!(matches!(delta(&mut answers, 1, 3, "er"), Taken::Nothing));
        assert_eq!(answers.so_far(ANSWER).text, "");
    }

    #[test]
    fn a_new_attempt_keeps_the_text_that_it_continues_where_it_is_known() {
        let mut answers = AnswersInFlight::default();
        begin(&mut answers, 1);
        delta(&mut answers, 1, 0, "sixty-o");
        let Taken::Step(AnswerStep::Started { kept, after }) = begin_from(&mut answers, 2, 5) else {
            panic!("no beginning");
        };
        assert_eq!((kept.as_str(), after), ("sixty", Beginning::of_attempt(1)));
        assert!(matches!(delta(&mut answers, 2, 0, "sixty"), Taken::Nothing));
        delta(&mut answers, 2, 5, "-one");
        assert_eq!(answers.so_far(ANSWER).text, "sixty-one");
        assert!(matches!(begin_from(&mut answers, 3, 50), Taken::Step(AnswerStep::Started { .. })));
        assert_eq!(answers.so_far(ANSWER).text, "");
    }

    #[test]
    fn a_new_beginning_voids_text_and_reasoning_of_the_same_attempt() {
        let mut answers = AnswersInFlight::default();
        begin(&mut answers, 1);
        delta(&mut answers, 1, 0, "a thought");
        let again = |kind| LiveMessage { beginning: 1, ..live(1, kind) };
        let started =
            answers.take_live(ANSWER, &again(LiveKind::Started { from: 0, can_continue: false }), vec![]);
        assert!(matches!(started, Taken::Step(AnswerStep::Started { .. })));
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

//! The rows of the read models do not depend on the boundaries of batches, and each event is applied once.

use aggregates::account::{AccountEvent, ErasureTarget};
use aggregates::conversation::{ConversationEvent, Rating};
use aggregates::document::DocumentEvent;
use aggregates::{AnswerId, ConversationId, DocumentId, Private, QuestionId, UserId};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use sqlx::PgPool;

use crate::database::{all_rows, apply, database, project};
use crate::history::History;

/// One step of a random history: its kind, and two numbers that select among the aggregates that exist.
#[derive(Debug, Clone, Copy)]
struct Step {
    kind: u8,
    which: usize,
    other: usize,
}

fn any_step() -> impl Strategy<Value = Step> {
    (0..24_u8, any::<usize>(), any::<usize>()).prop_map(|(kind, which, other)| Step { kind, which, other })
}

/// The aggregates of a random history.
#[derive(Default)]
struct Aggregates {
    users: Vec<UserId>,
    conversations: Vec<Conversation>,
    documents: Vec<DocumentId>,
}

struct Conversation {
    id: ConversationId,
    questions: Vec<QuestionId>,
    answers: Vec<AnswerId>,
    pending: Vec<(QuestionId, AnswerId)>,
}

const TEXTS: [&str; 5] = [
    "What does borrowing mean in Rust?",
    "Ownership moves.\nAnd again: ownership **moves** [1].",
    "  ",
    "Ünïcödé wörds, 言語, and “quotes”",
    "A rather long text that goes on and on about borrowing, lending and owning things, which nobody reads to its \
     end, since it says the same things again and again, until the preview has long been full.",
];

impl Aggregates {
    fn take(&mut self, history: &mut History, step: Step) {
        if self.users.is_empty() || step.kind == 0 {
            self.users.push(history.user());
        }
        if self.conversations.is_empty() || step.kind == 1 {
            let id = history.start_conversation(self.users[step.which % self.users.len()]);
            self.conversations.push(Conversation { id, questions: vec![], answers: vec![], pending: vec![] });
        }
        if step.kind == 2 {
            let user = self.users[step.which % self.users.len()];
            let store = [ErasureTarget::Files, ErasureTarget::Keys][step.other % 2];
            history.append_to_account(user, AccountEvent::StoreErased { store });
        }
        if step.kind >= 20 {
            self.take_document(history, step);
        }
        let count = self.conversations.len();
        self.conversations[step.which % count].take(history, step);
    }

    fn take_document(&mut self, history: &mut History, step: Step) {
        if self.documents.is_empty() || step.kind == 20 {
            let owner = self.users[step.which % self.users.len()];
            self.documents.push(history.add_document(owner, "Canarydocument"));
        }
        let id = self.documents[step.which % self.documents.len()];
        match step.kind {
            21 => {
                let embedding_model = "model".to_owned();
                history.append_to_document(
                    id,
                    DocumentEvent::DocumentIndexed {
                        passages: 3,
                        embedding_model,
                        pages: None,
                        language: None,
                        omitted: 0,
                        private: Private::Sealed,
                    },
                );
            }
            22 => history.append_to_document(id, DocumentEvent::DocumentRejected { reason: "Empty.".into() }),
            23 => history.append_to_document(id, DocumentEvent::DocumentRemoved),
            _ => {}
        }
    }
}

impl Conversation {
    fn take(&mut self, history: &mut History, step: Step) {
        let text = TEXTS[step.other % TEXTS.len()];
        match step.kind {
            3..=7 if !text.trim().is_empty() => {
                let older = (step.kind == 3 && !self.answers.is_empty())
                    .then(|| self.answers[step.other % self.answers.len()]);
                let asked = history.ask(self.id, older.or(self.answers.last().copied()), text);
                self.questions.push(asked.0);
                self.answers.push(asked.1);
                self.pending.push(asked);
            }
            8 if !self.questions.is_empty() => {
                let question = self.questions[step.other % self.questions.len()];
                let answer = history.request(self.id, question);
                self.answers.push(answer);
                self.pending.push((question, answer));
            }
            9..=13 if !self.pending.is_empty() => {
                let ending = self.pending.swap_remove(step.other % self.pending.len());
                match step.kind {
                    9 => history.stop(self.id, ending, text),
                    10 => history.fail(self.id, ending),
                    _ => history.complete(self.id, ending, text),
                }
            }
            14 if !self.answers.is_empty() => {
                let rating = [Rating::Up, Rating::Down, Rating::None][step.other % 3];
                history.rate(self.id, self.answers[step.other % self.answers.len()], rating);
            }
            15 => history.rename(self.id, ["First title", "Borrowed title"][step.other % 2]),
            16 => history.tag(self.id, &["Rust", "memory", "x,y"][..step.other % 4]),
            17 => history.delete(self.id),
            18 => history.append_to_conversation(self.id, ConversationEvent::ConversationRestored),
            19 => {
                let switches = [
                    ConversationEvent::ConversationPinned,
                    ConversationEvent::ConversationUnpinned,
                    ConversationEvent::ConversationArchived,
                    ConversationEvent::ConversationUnarchived,
                ];
                history.append_to_conversation(self.id, switches[step.other % 4].clone());
            }
            _ => {}
        }
    }
}

fn history_of(steps: &[Step]) -> History {
    let (mut history, mut aggregates) = (History::new(), Aggregates::default());
    for step in steps {
        aggregates.take(&mut history, *step);
    }
    history
}

/// The rows of the read models after batches of these sizes. The transaction is rolled back.
async fn projected(pool: &PgPool, history: &History, sizes: &[usize], erased: bool) -> Vec<Vec<String>> {
    let events = if erased { history.without_keys() } else { history.events.clone() };
    let mut transaction = pool.begin().await.unwrap();
    let mut rest = events.as_slice();
    for size in sizes.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (batch, later) = rest.split_at((size % 40 + 1).min(rest.len()));
        project(&mut *transaction, batch).await.unwrap();
        rest = later;
    }
    let all = all_rows(&mut transaction).await;
    transaction.rollback().await.unwrap();
    all
}

#[test]
fn the_rows_do_not_depend_on_the_boundaries_of_batches() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let pool = runtime.block_on(database());
    let histories = (
        prop::collection::vec(any_step(), 1..120),
        prop::collection::vec(0..40_usize, 1..8),
        prop::bool::weighted(0.2),
    );
    let config = Config { cases: 48, failure_persistence: None, ..Config::default() };
    TestRunner::new(config)
        .run(&histories, |(steps, sizes, erased)| {
            let history = history_of(&steps);
            runtime.block_on(async {
                let one_by_one = projected(&pool, &history, &[0], erased).await;
                let in_batches = projected(&pool, &history, &sizes, erased).await;
                prop_assert_eq!(&in_batches, &one_by_one);
                let in_forties = projected(&pool, &history, &[39], erased).await;
                prop_assert_eq!(&in_forties, &one_by_one);
                Ok(())
            })
        })
        .unwrap();
}

/// A long history with every kind of event.
pub(crate) fn long_history() -> History {
    let mut numbers = 1_usize;
    let steps: Vec<Step> = (0..600_u16)
        .map(|at| {
            numbers = numbers.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let which = numbers >> 33;
            Step { kind: u8::try_from(at % 24).unwrap(), which, other: which / 7 }
        })
        .collect();
    history_of(&steps)
}

#[tokio::test]
async fn events_that_were_applied_before_are_skipped() {
    let pool = database().await;
    let history = long_history();
    apply(&pool, &history.events, 64).await;
    let mut transaction = pool.begin().await.unwrap();
    let once = all_rows(&mut transaction).await;
    for batch in [&history.events[..], &history.events[10..200], &history.events[history.events.len() - 1..]]
    {
        project(&mut *transaction, batch).await.unwrap();
        assert_eq!(all_rows(&mut transaction).await, once);
    }
}

#[tokio::test]
async fn a_batch_that_was_applied_in_part_is_applied_from_there_on() {
    let pool = database().await;
    let history = long_history();
    let middle = history.events.len() / 2;
    apply(&pool, &history.events, 100).await;
    let mut transaction = pool.begin().await.unwrap();
    let whole = all_rows(&mut transaction).await;
    transaction.rollback().await.unwrap();

    let pool = database().await;
    apply(&pool, &history.events[..middle], 100).await;
    apply(&pool, &history.events[middle - 70..], 1_000).await;
    let mut transaction = pool.begin().await.unwrap();
    assert_eq!(all_rows(&mut transaction).await, whole);
}

#[tokio::test]
async fn two_concurrent_projectors_apply_each_event_once() {
    let pool = database().await;
    let history = long_history();
    tokio::join!(apply(&pool, &history.events, 17), apply(&pool, &history.events, 29));
    let mut transaction = pool.begin().await.unwrap();
    let by_two = all_rows(&mut transaction).await;
    transaction.rollback().await.unwrap();

    let pool = database().await;
    apply(&pool, &history.events, 50).await;
    let mut transaction = pool.begin().await.unwrap();
    assert_eq!(all_rows(&mut transaction).await, by_two);
}

#[tokio::test]
async fn checkpoints_hold_the_projected_position() {
    let pool = database().await;
    let history = long_history();
    assert_eq!(projections::lowest_checkpoint(&pool).await.unwrap().0, 0);
    apply(&pool, &history.events[..40], 40).await;
    assert_eq!(projections::lowest_checkpoint(&pool).await.unwrap().0, 40);
    assert_eq!(projections::highest_checkpoint(&pool).await.unwrap().0, 40);
    sqlx::query("UPDATE checkpoints SET position = 30 WHERE name = 'messages'").execute(&pool).await.unwrap();
    assert_eq!(projections::lowest_checkpoint(&pool).await.unwrap().0, 30);
    assert_eq!(projections::highest_checkpoint(&pool).await.unwrap().0, 40);
    sqlx::query("INSERT INTO checkpoints VALUES ('another consumer', 7)").execute(&pool).await.unwrap();
    apply(&pool, &history.events[30..80], 50).await;
    let other: i64 = sqlx::query_scalar("SELECT position FROM checkpoints WHERE name = 'another consumer'")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!((projections::lowest_checkpoint(&pool).await.unwrap().0, other), (80, 7));
}

#[tokio::test]
async fn a_lost_checkpoint_starts_at_position_zero() {
    let pool = database().await;
    apply(&pool, &long_history().events[..40], 40).await;
    sqlx::query("DELETE FROM checkpoints WHERE name = 'messages'").execute(&pool).await.unwrap();
    projections::ensure_checkpoints(&pool).await.unwrap();
    assert_eq!(projections::lowest_checkpoint(&pool).await.unwrap().0, 0);
    assert_eq!(projections::highest_checkpoint(&pool).await.unwrap().0, 40);
}

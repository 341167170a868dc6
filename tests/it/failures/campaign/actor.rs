//! A device of a person: carries out one operation after the other, each as a careful client does, and reads
//! its own writes.

mod conversations;
mod documents;
mod reading;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::RequestBuilder;
use serde_json::Value;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::client::Client;
use super::history::{Effect, Fact, Op, Outcome};
use super::marks;

const RETRY_AFTER: Duration = Duration::from_millis(250);
/// A client repeats a command of unknown outcome until it knows: for five minutes at most.
const MOST_ATTEMPTS: u32 = 200;
/// A conversation with more questions is left alone.
const MOST_QUESTIONS: u32 = 12;
const MOST_TALKS: usize = 6;
const MOST_DOCUMENTS: usize = 6;
/// A device that waits for so many answers requests no more.
const MOST_PENDING: usize = 3;

/// Ids of all conversations, by person: what others try to get at.
pub(super) type Registry = Arc<Mutex<Vec<(usize, Uuid)>>>;

/// One device.
pub(super) struct Actor {
    client: Arc<Client>,
    rng: fastrand::Rng,
    registry: Registry,
    /// Number of the next marked word of the person.
    words: Arc<AtomicU64>,
    talks: Vec<Talk>,
    documents: Vec<Uuid>,
    /// Answers that this device waits for.
    pending: Vec<Uuid>,
    is_erased: bool,
}

/// A conversation that only this device changes.
#[derive(Debug, Clone)]
struct Talk {
    id: Uuid,
    questions: u32,
    question: Uuid,
    /// The newest answer, once it was read.
    answer: Option<Uuid>,
    is_deleted: bool,
}

/// Outcome of an operation for the client.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Done {
    /// It took effect, with these events.
    Yes(Vec<String>),
    /// It has no effect.
    No,
    /// The client does not know.
    Perhaps,
}

impl Actor {
    pub(super) fn new(
        client: Arc<Client>,
        rng: fastrand::Rng,
        registry: Registry,
        words: Arc<AtomicU64>,
    ) -> Self {
        Self {
            client,
            rng,
            registry,
            words,
            talks: vec![],
            documents: vec![],
            pending: vec![],
            is_erased: false,
        }
    }

    /// Acts until told to end, or until the account is erased. Finishes the operation it is at.
    pub(super) async fn run(mut self, end: CancellationToken) {
        while !end.is_cancelled() && !self.is_erased {
            self.act().await;
            let pause = Duration::from_millis(self.rng.u64(10..120));
            end.run_until_cancelled(tokio::time::sleep(pause)).await;
        }
    }

    async fn act(&mut self) {
        let client = Arc::clone(&self.client);
        self.pending.retain(|answer| !client.has_ended(*answer));
        let may_request = self.pending.len() < MOST_PENDING;
        match self.rng.u32(..100) {
            0..30 if may_request => self.ask().await,
            30..36 if may_request => self.regenerate().await,
            36..44 => self.rename().await,
            44..50 => self.tag().await,
            50..58 => self.toggle().await,
            58..64 => self.rate().await,
            64..70 => self.delete_or_restore().await,
            70..76 => self.upload().await,
            76..79 => self.remove_document().await,
            94.. => self.trespass().await,
            _ => self.look_around().await,
        }
    }

    /// A new marked word.
    fn word(&self) -> String {
        marks::mark(self.client.who, self.words.fetch_add(1, Ordering::Relaxed))
    }

    /// An index of a conversation in use that a condition holds for.
    fn talk(&mut self, wanted: impl Fn(&Talk) -> bool) -> Option<usize> {
        let fitting: Vec<usize> = (0..self.talks.len()).filter(|index| wanted(&self.talks[*index])).collect();
        (!fitting.is_empty()).then(|| fitting[self.rng.usize(..fitting.len())])
    }

    fn remember_talk(&mut self, talk: Talk) {
        let mut registry = self.registry.lock().unwrap_or_else(PoisonError::into_inner);
        registry.push((self.client.who, talk.id));
        drop(registry);
        if self.talks.len() == MOST_TALKS {
            self.talks.remove(0);
        }
        self.talks.push(talk);
    }

    /// Sends an operation until its outcome is known. Sometimes gives up after being told that nothing
    /// happened: nothing must happen then. Sometimes sends it to two processes at the same time.
    async fn carry_out(
        &mut self,
        aggregate: Uuid,
        effect: Effect,
        request: impl Fn(&Client, usize, Op) -> RequestBuilder,
    ) -> (Op, Done) {
        let is_repeatable = !matches!(effect, Effect::Trespass | Effect::Plain("DocumentRemoved"));
        let op = self.client.begin(aggregate, effect);
        let mut perhaps = false;
        for _ in 0..MOST_ATTEMPTS {
            let outcomes = self.send_once_or_twice(op, is_repeatable, &request).await;
            perhaps |= outcomes.iter().any(|outcome| matches!(outcome, Outcome::Unknown { .. }));
            match decisive(outcomes) {
                Outcome::Accepted { events, .. } => return (op, Done::Yes(events)),
                Outcome::Refused { status: 401, .. } => {}
                Outcome::Refused { status, kind } => {
                    self.is_erased |= status == 403 && kind == "account-erasing";
                    return (op, if perhaps { Done::Perhaps } else { Done::No });
                }
                Outcome::Nothing { .. } if !perhaps && self.rng.u32(..100) < 30 => return (op, Done::No),
                Outcome::Nothing { .. } | Outcome::Unknown { .. } | Outcome::Broken { .. } => {}
            }
            tokio::time::sleep(RETRY_AFTER).await;
        }
        (op, Done::Perhaps)
    }

    /// Sends an operation, sometimes twice: one after the other, or to two processes at the same time.
    async fn send_once_or_twice(
        &mut self,
        op: Op,
        is_repeatable: bool,
        request: &impl Fn(&Client, usize, Op) -> RequestBuilder,
    ) -> Vec<Outcome> {
        let (client, api) = (&self.client, self.rng.usize(..2));
        let send = |api| client.attempt(op, request(client, api, op));
        match self.rng.u32(..100) {
            0..8 if is_repeatable => vec![send(api).await, send(api + 1).await],
            8..16 if is_repeatable => {
                let (first, second) = tokio::join!(send(api), send(api + 1));
                vec![first, second]
            }
            _ => vec![send(api).await],
        }
    }

    /// Reads what an accepted operation must have changed.
    async fn read_back(
        &mut self,
        op: Op,
        path: &str,
        is_effect: impl Fn(u16, &Value) -> bool,
    ) -> Option<Value> {
        let response = self.client.get(self.rng.usize(..2), path).await?;
        let shown = is_effect(response.status, &response.body);
        let (path, status) = (path.to_owned(), response.status);
        self.client.history.record(Fact::ReadBack { op, path, status, shown });
        shown.then_some(response.body)
    }
}

/// The outcome that the client goes by: acceptance, else the last one.
fn decisive(outcomes: Vec<Outcome>) -> Outcome {
    let rank = |outcome: &Outcome| matches!(outcome, Outcome::Accepted { .. });
    outcomes.into_iter().max_by_key(rank).unwrap_or(Outcome::Unknown { kind: "not sent".to_owned() })
}

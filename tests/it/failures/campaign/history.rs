//! The history of a campaign: everything that clients did and were told, and every fault.

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use uuid::Uuid;

use super::marks;

/// Number of a client's operation. Its attempts share it.
pub(super) type Op = u64;
/// Number of a person in the campaign.
pub(super) type Who = usize;

/// The change that an operation asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Effect {
    Ask {
        question: Uuid,
        text: String,
    },
    Regenerate {
        question: Uuid,
        answer: Uuid,
    },
    Stop {
        answer: Uuid,
    },
    Rename {
        title: String,
    },
    Tag {
        tag: String,
    },
    Rate {
        answer: Uuid,
        comment: String,
    },
    /// An event without content of its own, by its type.
    Plain(&'static str),
    Upload {
        title: String,
    },
    /// A command on another person's resource: refused in any case.
    Trespass,
}

/// The answer to an attempt, by its meaning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    /// 202: the events are durable.
    Accepted { aggregate: Uuid, version: u64, events: Vec<String> },
    /// An error that the client made, or a limit: no effect, now or later.
    Refused { status: u16, kind: String },
    /// 503, or no connection: no effect, now or later.
    Nothing { kind: String },
    /// The connection ended without an answer, or the answer says that the outcome is unknown.
    Unknown { kind: String },
    /// 500: never to be seen.
    Broken { status: u16, kind: String },
}

/// The end of an answer as a stream told it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ending {
    pub(super) answer: Uuid,
    /// `answer.completed`, `answer.stopped` or `answer.failed`.
    pub(super) event: String,
    /// The text of the finished message.
    pub(super) text: String,
    /// Attempt and text that the client put together from the deltas; attempt 0 if there were none.
    pub(super) attempt: u64,
    pub(super) assembled: String,
}

/// Stream by which a client follows answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StreamKind {
    /// Everything of the person, resumed after the last event throughout the campaign.
    Resumed,
    /// One conversation, for a while.
    Conversation,
}

/// A thing that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fact {
    Sent {
        op: Op,
        who: Who,
        aggregate: Uuid,
        effect: Effect,
    },
    Answered {
        op: Op,
        outcome: Outcome,
    },
    /// The caller read the effect of an accepted operation.
    ReadBack {
        op: Op,
        path: String,
        status: u16,
        shown: bool,
    },
    /// A read, not of an operation, was answered with an unexpected status.
    Read {
        who: Who,
        path: String,
        status: u16,
    },
    Asked {
        who: Who,
        question: Uuid,
    },
    Ended {
        who: Who,
        stream: StreamKind,
        ending: Ending,
    },
    /// The answer to a person's request for their stream, where it differs from the one before; 0 for none.
    Stream {
        who: Who,
        status: u16,
    },
    /// A delta begins behind the text that the client has.
    Hole {
        who: Who,
        answer: Uuid,
        has: usize,
        offset: usize,
    },
    /// A response to a person had a marked word of another person.
    Foreign {
        who: Who,
        mark: String,
        path: String,
    },
    /// A person asked to be erased, and has the receipt.
    Leaves {
        who: Who,
        receipt: Option<String>,
    },
    Fault(String),
    /// A condition that the campaign waited for did not come true, or an observation that is a violation.
    Broken(String),
}

/// A fact and its time since the beginning of the campaign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) at: Duration,
    pub(super) fact: Fact,
}

/// The running record. Memory grows by some 200 bytes for each fact.
#[derive(Debug)]
pub(super) struct History {
    began: Instant,
    entries: Mutex<Vec<Entry>>,
    /// Ids that responses to each person contained.
    ids: Mutex<HashMap<Who, HashSet<Uuid>>>,
    /// Answers whose end the resumed stream of each person told.
    told: Mutex<HashSet<(Who, Uuid)>>,
    accepted: AtomicU64,
    ended: AtomicU64,
    next: AtomicU64,
}

impl Default for History {
    fn default() -> Self {
        Self {
            began: Instant::now(),
            entries: Mutex::default(),
            ids: Mutex::default(),
            told: Mutex::default(),
            accepted: AtomicU64::new(0),
            ended: AtomicU64::new(0),
            next: AtomicU64::new(1),
        }
    }
}

impl History {
    /// Number for a new operation.
    pub(super) fn next_op(&self) -> Op {
        self.next.fetch_add(1, Ordering::Relaxed)
    }

    /// Adds a fact.
    pub(super) fn record(&self, fact: Fact) {
        match &fact {
            Fact::Answered { outcome: Outcome::Accepted { .. }, .. } => {
                self.accepted.fetch_add(1, Ordering::Relaxed);
            }
            Fact::Ended { who, stream, ending } => {
                self.ended.fetch_add(1, Ordering::Relaxed);
                if *stream == StreamKind::Resumed {
                    locked(&self.told).insert((*who, ending.answer));
                }
            }
            Fact::Fault(what) => println!("{:>8.1} s  {what}", self.began.elapsed().as_secs_f64()),
            _ => {}
        }
        locked(&self.entries).push(Entry { at: self.began.elapsed(), fact });
    }

    /// Looks through a response to a person: notes its ids, and records marked words of others.
    pub(super) fn observe(&self, who: Who, path: &str, body: &str) {
        for mark in marks::found_in(body) {
            if marks::owner(mark) != Some(who) {
                self.record(Fact::Foreign { who, mark: mark.to_owned(), path: path.to_owned() });
            }
        }
        let found: Vec<Uuid> = marks::ids_in(body).collect();
        locked(&self.ids).entry(who).or_default().extend(found);
    }

    /// Commands that were accepted, and endings of answers that were told, so far.
    pub(super) fn progress(&self) -> (u64, u64) {
        (self.accepted.load(Ordering::Relaxed), self.ended.load(Ordering::Relaxed))
    }

    /// Number of answers whose end the resumed streams of some of the people told.
    pub(super) fn told(&self, of: impl Fn(Who) -> bool) -> usize {
        locked(&self.told).iter().filter(|(who, _)| of(*who)).count()
    }

    /// Whether the resumed stream of a person has told the end of an answer.
    pub(super) fn has_told(&self, who: Who, answer: Uuid) -> bool {
        locked(&self.told).contains(&(who, answer))
    }

    /// All facts so far, in order.
    pub(super) fn entries(&self) -> Vec<Entry> {
        locked(&self.entries).clone()
    }

    /// Ids that each person has seen.
    pub(super) fn ids(&self) -> HashMap<Who, HashSet<Uuid>> {
        locked(&self.ids).clone()
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The facts as lines of text.
pub(super) fn printed(entries: &[Entry]) -> String {
    entries.iter().fold(String::new(), |mut text, Entry { at, fact }| {
        let _ = writeln!(text, "{:>9.3} {fact:?}", at.as_secs_f64());
        text
    })
}

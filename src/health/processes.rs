//! The processes of an installation: each announces itself over core NATS, so that nobody has to be asked for
//! a list.

use std::collections::HashMap;
use std::time::Duration;

use async_nats::Client;
use chrono::{DateTime, Utc};
use measures::catalogue::{PROCESSES, ROLES};
use nats::Subjects;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;
use uuid::Uuid;

use super::{Health, Readiness, Verdict};
use crate::runtime::hint::send_hint;
use crate::runtime::subscription::{Delivery, Subscription};

/// Interval of announcements.
const INTERVAL: Duration = Duration::from_secs(3);
/// Announcements from one look at the dependencies to the next, unless a process requests them.
const TURNS: u32 = 5;
/// Time without an announcement after which a process counts as gone.
const GONE: Duration = Duration::from_secs(10);
/// Processes that are known at most.
const MAX_PROCESSES: usize = 1_000;
/// The most bytes of an announcement.
const MAX_BYTES: usize = 16_384;
/// Time limit for handing an announcement to the connection.
const SEND_LIMIT: Duration = Duration::from_secs(1);

/// Announcement of a process.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Announcement {
    /// Its id, which is new with each start.
    pub id: Uuid,
    /// Its roles.
    pub roles: Vec<String>,
    /// Its version.
    pub version: String,
    /// The commit that it was built from.
    pub commit: Option<String>,
    /// The name of its machine.
    pub host: String,
    /// Its id at the system.
    pub pid: u32,
    /// The address of its operator's port.
    pub admin: String,
    /// The time of its start.
    pub started_at: DateTime<Utc>,
    /// `ok`, `degraded` or `unavailable`; absent before the first check.
    pub status: Option<String>,
    /// Why it is not ok.
    pub reasons: Vec<String>,
}

/// Announces a process, and counts the others.
#[derive(Debug, Clone)]
pub struct Presence {
    /// NATS.
    pub nats: Client,
    /// Subject names.
    pub subjects: Subjects,
    /// The announcement without the state.
    pub process: Announcement,
}

impl Presence {
    /// Announces the process and counts all processes, for ever.
    pub(super) async fn run(&self, health: &Health) {
        tokio::join!(self.announce_for_ever(health), self.count_for_ever());
    }

    async fn announce_for_ever(&self, health: &Health) {
        let mut requests = Subscription::new(self.nats.clone(), self.subjects.ask_processes());
        for turn in 0_u32.. {
            let asked = tokio::time::timeout(INTERVAL, requests.next()).await;
            let last = health.last_readiness().await;
            let readiness = match last {
                Some(last) if asked.is_err() && turn % TURNS != 0 => last,
                _ => health.readiness().await,
            };
            self.announce(&readiness).await;
        }
    }

    async fn announce(&self, readiness: &Readiness) {
        let mut process = self.process.clone();
        process.status = Some(readiness.status.name().to_owned());
        process.reasons = [readiness.unavailable.as_slice(), readiness.degraded.as_slice()].concat();
        process.reasons.truncate(20);
        let Ok(bytes) = serde_json::to_vec(&process) else { return };
        send_hint(&self.nats, self.subjects.processes(), bytes.into(), SEND_LIMIT).await;
    }

    async fn count_for_ever(&self) {
        let mut announcements = Subscription::new(self.nats.clone(), self.subjects.processes());
        let mut known = Known::default();
        loop {
            if let Ok(Delivery::Message(message)) = tokio::time::timeout(INTERVAL, announcements.next()).await
                && let Some(process) = read(&message.payload)
            {
                known.insert(process);
            }
            known.count();
        }
    }
}

impl Verdict {
    /// The name of the verdict.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Degraded => "degraded",
            Self::Unavailable => "unavailable",
        }
    }
}

/// Asks all processes to announce themselves, and returns those that do within a time; `None` if NATS does not
/// carry announcements, so that nothing is known of any process.
pub async fn ask(nats: &Client, subjects: &Subjects, within: Duration) -> Option<Vec<Announcement>> {
    let deadline = Instant::now() + within;
    let mut announcements = Subscription::new(nats.clone(), subjects.processes());
    let mut known = Known::default();
    let mut is_carried = false;
    while let Ok(delivery) = tokio::time::timeout_at(deadline, announcements.next()).await {
        match delivery {
            Delivery::Subscribed => {
                // Comes back to this subscription if NATS is alive. An empty announcement names no process.
                send_hint(nats, subjects.processes(), Vec::new().into(), SEND_LIMIT).await;
                send_hint(nats, subjects.ask_processes(), Vec::new().into(), SEND_LIMIT).await;
            }
            Delivery::Message(message) => {
                is_carried = true;
                if let Some(process) = read(&message.payload) {
                    known.insert(process);
                }
            }
        }
    }
    let mut processes: Vec<_> = known.processes.into_values().map(|(_, process)| process).collect();
    processes.sort_by(|one, other| (&one.roles, one.started_at).cmp(&(&other.roles, other.started_at)));
    is_carried.then_some(processes)
}

fn read(bytes: &[u8]) -> Option<Announcement> {
    if bytes.len() > MAX_BYTES { None } else { serde_json::from_slice(bytes).ok() }
}

/// The processes that announced themselves.
#[derive(Debug, Default)]
struct Known {
    processes: HashMap<Uuid, (Instant, Announcement)>,
}

impl Known {
    fn insert(&mut self, process: Announcement) {
        if self.processes.len() < MAX_PROCESSES || self.processes.contains_key(&process.id) {
            self.processes.insert(process.id, (Instant::now(), process));
        }
    }

    fn count(&mut self) {
        self.processes.retain(|_, (seen, _)| seen.elapsed() < GONE);
        for role in ROLES {
            let with_role = self.processes.values().filter(|(_, process)| has(process, role)).count();
            PROCESSES.set_count(&[role], u64::try_from(with_role).unwrap_or(u64::MAX));
        }
    }
}

fn has(process: &Announcement, role: &str) -> bool {
    process.roles.iter().any(|other| other == role)
}

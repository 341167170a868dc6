//! Tokens that lose their validity before they expire: sessions that ended, bans, and changes of roles.
//!
//! Triggers in the tables of the account service list them, and each process reads the list: at a hint over
//! NATS, and every three seconds while it has callers or streams, so that it also works without NATS. A
//! process without callers reads nothing; its first caller waits for the list. While the database of the
//! account service is away, the last list counts.

mod list;

use std::future::Future;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use async_nats::Client;
use tokio::sync::{Notify, watch};

use super::{Caller, Unauthenticated};
use crate::api::problem::with_causes;
use crate::roles::account_facts::REVOCATIONS_KEPT;
use crate::runtime::subscription::Subscription;
use list::List;
use store::{AccountsDatabase, Revocation, StoreError};

/// Interval between two reads while the process has callers or streams.
const POLL_INTERVAL: Duration = Duration::from_secs(3);
/// Time in which hints lead to one read.
const HINTS_GATHERED: Duration = Duration::from_millis(100);
/// Age of the list at which a caller waits for a new one.
const STALE_AFTER: Duration = Duration::from_secs(8);
/// Time without callers and streams after which the list is not read any more.
const IDLE_AFTER: Duration = Duration::from_secs(30);
/// Longest wait for the list.
const READ_TIMEOUT: Duration = Duration::from_secs(2);
/// Part of the list that is read again, for transactions that committed late.
const OVERLAP: Duration = Duration::from_mins(1);
/// Entries read at most. Tokens older than an entry that did not fit are refused.
const ENTRIES: u32 = 50_000;

/// The list of this process.
#[derive(Debug)]
pub(in crate::api) struct Revocations {
    accounts: AccountsDatabase,
    list: RwLock<List>,
    /// The time of the last read that succeeded.
    read: Mutex<Option<Instant>>,
    /// The time of the last read that was attempted. One caller reads at a time.
    attempted: tokio::sync::Mutex<Option<Instant>>,
    /// The last time that a caller was checked.
    used: Mutex<Option<Instant>>,
    streams: AtomicUsize,
    wanted: Notify,
    changed: watch::Sender<()>,
}

/// Counts an open stream.
struct OpenStream(Arc<Revocations>);

impl Drop for OpenStream {
    fn drop(&mut self) {
        self.0.streams.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Revocations {
    pub(super) fn new(accounts: AccountsDatabase) -> Self {
        Self {
            accounts,
            list: RwLock::default(),
            read: Mutex::default(),
            attempted: tokio::sync::Mutex::default(),
            used: Mutex::default(),
            streams: AtomicUsize::default(),
            wanted: Notify::new(),
            changed: watch::Sender::new(()),
        }
    }

    /// The caller with the current role, unless the session ended or the user was banned. Waits for the list
    /// if it is stale.
    pub(super) async fn check(&self, caller: Caller) -> Result<Caller, Unauthenticated> {
        *self.used.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        self.wanted.notify_one();
        if self.age().is_none_or(|age| age > STALE_AFTER) {
            self.read_again(false).await;
        }
        self.look_up(caller)
    }

    fn look_up(&self, caller: Caller) -> Result<Caller, Unauthenticated> {
        self.list.read().unwrap_or_else(PoisonError::into_inner).check(caller)
    }

    /// Resolves when the session of the caller ends, or when the user is banned or has another role.
    pub(in crate::api) fn ended(self: &Arc<Self>, caller: Caller) -> impl Future<Output = ()> + Send + use<> {
        self.streams.fetch_add(1, Ordering::Relaxed);
        let stream = OpenStream(Arc::clone(self));
        let mut changed = self.changed.subscribe();
        async move {
            while stream.0.look_up(caller) == Ok(caller) {
                if changed.changed().await.is_err() {
                    return;
                }
            }
        }
    }

    /// Keeps the list current, for ever.
    pub(super) async fn follow(&self, nats: Client, subject: String) {
        let mut hints = Subscription::new(nats, subject);
        loop {
            if self.is_used() {
                let hinted = tokio::time::timeout(POLL_INTERVAL, hints.next()).await.is_ok();
                if hinted {
                    // One read for all hints of this time.
                    tokio::time::sleep(HINTS_GATHERED).await;
                    while hints.try_next().is_some() {}
                }
                self.read_again(hinted).await;
            } else {
                tokio::select! {
                    _ = hints.next() => {}
                    () = self.wanted.notified() => {}
                }
            }
        }
    }

    fn is_used(&self) -> bool {
        let used = *self.used.lock().unwrap_or_else(PoisonError::into_inner);
        self.streams.load(Ordering::Relaxed) > 0 || used.is_some_and(|used| used.elapsed() < IDLE_AFTER)
    }

    fn age(&self) -> Option<Duration> {
        self.read.lock().unwrap_or_else(PoisonError::into_inner).map(|read| read.elapsed())
    }

    /// Reads the list, unless another caller has begun to and `at_any_rate` is false: that caller is waited
    /// for only before the first read.
    async fn read_again(&self, at_any_rate: bool) {
        let attempted = match self.attempted.try_lock() {
            Ok(attempted) => attempted,
            Err(_) if at_any_rate || self.age().is_none() => self.attempted.lock().await,
            Err(_) => return,
        };
        self.read_after(attempted, at_any_rate).await;
    }

    async fn read_after(
        &self,
        mut attempted: tokio::sync::MutexGuard<'_, Option<Instant>>,
        at_any_rate: bool,
    ) {
        // A caller that waited for another one's read has its result.
        if !at_any_rate && attempted.is_some_and(|last| last.elapsed() < POLL_INTERVAL / 2) {
            return;
        }
        *attempted = Some(Instant::now());
        let window = self.age().map_or(REVOCATIONS_KEPT, |age| (age + OVERLAP).min(REVOCATIONS_KEPT));
        let began = Instant::now();
        match tokio::time::timeout(READ_TIMEOUT, self.accounts.revocations(window, ENTRIES)).await {
            Ok(Ok(entries)) => self.apply(&entries, began),
            Ok(Err(error)) => warn(error),
            Err(_) => warn(StoreError::TimedOut),
        }
    }

    fn apply(&self, entries: &[Revocation], read: Instant) {
        let full = entries.len() >= ENTRIES as usize;
        let has_changed = self.list.write().unwrap_or_else(PoisonError::into_inner).extend(
            entries,
            full,
            super::seconds_now(),
        );
        *self.read.lock().unwrap_or_else(PoisonError::into_inner) = Some(read);
        if has_changed {
            self.changed.send_replace(());
        }
    }
}

fn warn(error: StoreError) {
    tracing::warn!(error = with_causes(error), "revocations of tokens were not read; the last list counts");
}

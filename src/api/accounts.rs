//! Accounts of callers: opened at the first request, refused while they are being erased.

use std::sync::Arc;
use std::time::{Duration, Instant};

use aggregates::account::AccountCommand;
use aggregates::{Instructions, Temperature, UserId};
use async_nats::Client;
use quick_cache::sync::Cache;

use crate::api::caller::command_metadata;
use crate::api::live::Live;
use crate::api::middleware::trace::Trace;
use crate::api::problem::{Problem, with_causes};
use crate::runtime::erasure_check::ErasureCheck;
use crate::runtime::subscription::{Delivery, Subscription};
use crate::runtime::wake::SequencerWake;
use store::Store;

/// Accounts cached as being erased. The store has all of them.
const ERASING: usize = 10_000;
/// Time after the start within which requests wait for the check of erasures since a backup.
const CHECKED_WITHIN: Duration = Duration::from_secs(10);

/// The accounts of callers.
#[derive(Debug)]
pub(in crate::api) struct Accounts {
    store: Store,
    wake: SequencerWake,
    live: Arc<Live>,
    erasing: Cache<UserId, ()>,
    erasure_check: ErasureCheck,
    started: Instant,
}

impl Accounts {
    pub(in crate::api) fn new(
        store: Store,
        wake: SequencerWake,
        live: Arc<Live>,
        erasure_check: ErasureCheck,
    ) -> Self {
        Self { store, wake, live, erasing: Cache::new(ERASING), erasure_check, started: Instant::now() }
    }

    /// Opens the account of a user at its first request. Refuses a user whose account is being erased, and
    /// every user until the process knows who was erased since the backup that the database may come from.
    pub(in crate::api) async fn admit(&self, user: UserId, trace: &Trace) -> Result<(), Problem> {
        self.await_erasure_check().await?;
        if self.is_erasing(user) {
            return Err(Problem::account_is_being_erased());
        }
        // An account whose key exists is open. The keyring caches keys, and drops a key when the erasure of
        // its user begins.
        if self.store.keyring().user(user).await?.is_none() {
            self.open_account(user, trace).await?;
        }
        Ok(())
    }

    /// Right after the start the check is about to end, and a request waits for it.
    async fn await_erasure_check(&self) -> Result<(), Problem> {
        if self.erasure_check.waits_for().is_none() {
            return Ok(());
        }
        let patience = CHECKED_WITHIN.saturating_sub(self.started.elapsed());
        let checked = tokio::time::timeout(patience, self.erasure_check.wait()).await;
        checked.map_err(|_| Problem::unavailable("Erasures since the last backup are being checked."))
    }

    async fn open_account(&self, user: UserId, trace: &Trace) -> Result<(), Problem> {
        // Another process may have begun the erasure of an account that this process has cached as open.
        self.store.accounts().forget(user.uuid());
        self.execute(user, AccountCommand::Open, trace).await
    }

    /// Records that the user exports all data.
    pub(in crate::api) async fn record_export(&self, user: UserId, trace: &Trace) -> Result<(), Problem> {
        self.execute(user, AccountCommand::RecordExport, trace).await
    }

    /// Replaces the user's instructions and temperature.
    pub(in crate::api) async fn instruct(
        &self,
        user: UserId,
        instructions: Option<Instructions>,
        temperature: Option<Temperature>,
        trace: &Trace,
    ) -> Result<(), Problem> {
        self.execute(user, AccountCommand::Instruct { instructions, temperature }, trace).await
    }

    async fn execute(&self, user: UserId, command: AccountCommand, trace: &Trace) -> Result<(), Problem> {
        let metadata = command_metadata(user, trace);
        self.store.accounts().execute(user.uuid(), (user, command), &metadata, None).await?;
        self.wake.notify();
        Ok(())
    }

    fn is_erasing(&self, user: UserId) -> bool {
        self.erasing.get(&user).is_some()
    }

    /// Drops all data of a user that this process has cached, and ends the user's streams.
    pub(in crate::api) fn forget(&self, user: UserId) {
        self.erasing.insert(user, ());
        self.live.forget(user);
    }

    /// Resolves when the erasure of the user begins, immediately if it has begun. Subscribes when called, not
    /// when first polled.
    pub(in crate::api) fn erased(&self, user: UserId) -> impl Future<Output = ()> + Send + use<> {
        let erased = self.live.erased(user);
        let begun = self.is_erasing(user);
        async move {
            if !begun {
                erased.await;
            }
        }
    }

    /// Forgets each user whose erasure is announced over NATS and recorded in the store. Never ends.
    pub(in crate::api) async fn follow_erasures(&self, nats: &Client) {
        let mut announcements = Subscription::new(nats.clone(), self.live.subjects().erasing());
        loop {
            let Delivery::Message(message) = announcements.next().await else { continue };
            let user = std::str::from_utf8(&message.payload).ok().and_then(|id| id.parse().ok());
            let Some(user) = user else { continue };
            match self.store.is_erased(user).await {
                Ok(true) => self.forget(user),
                // Anybody on the network can announce.
                Ok(false) => tracing::warn!(%user, "an erasure was announced that nobody requested"),
                // The event of the request arrives by the ledger.
                Err(error) => {
                    tracing::warn!(error = with_causes(error), "an announced erasure was not checked");
                }
            }
        }
    }
}

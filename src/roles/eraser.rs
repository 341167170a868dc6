//! The eraser: makes everything stored about a user unreadable, store by store, and records each step.
//!
//! Every step is repeatable, so a process that dies during one loses nothing: the erasure is unfinished until
//! `AccountErased` is recorded, and the next eraser continues it. Two erasers can work on one erasure at the
//! same time.

mod steps;

use std::time::Duration;

use aggregates::account::{AccountCommand, ErasureTarget};
use aggregates::{Actor, Metadata, UserId};
use async_nats::{Client, jetstream};
use nats::Subjects;
use rag::index::Collections;
use uuid::Uuid;

use crate::knowledge::files::Files;
use crate::runtime::backoff::Backoff;
use crate::runtime::subscription::Subscription;
use crate::runtime::wake::SequencerWake;
use store::{AccountsDatabase, Erasure, ExecuteError, Store};

/// Intervals between looks for unfinished erasures while no request arrives.
const IDLE: Backoff = Backoff::new(Duration::from_secs(2), Duration::from_mins(10));
/// Delays after a failed step.
const RETRY: Backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(30));

/// Carries out erasures.
#[derive(Clone)]
pub struct Eraser {
    /// Event store and keys.
    pub store: Store,
    /// Tables of the account service.
    pub accounts: AccountsDatabase,
    /// Collections with the passages of documents.
    pub collections: Collections,
    /// Stored files of documents.
    pub files: Files,
    /// Connection to NATS.
    pub nats: Client,
    /// Subject names.
    pub subjects: Subjects,
    /// Wakes the sequencer.
    pub wake: SequencerWake,
}

/// Order of the steps. Destroying the keys comes first, since it makes everything else unreadable.
const ORDER: [ErasureTarget; 7] = [
    ErasureTarget::Keys,
    ErasureTarget::Caches,
    ErasureTarget::ReadModels,
    ErasureTarget::Passages,
    ErasureTarget::Files,
    ErasureTarget::LiveStream,
    ErasureTarget::Accounts,
];

impl Eraser {
    /// Carries out requested erasures, for ever. May be cut off at any moment: every step is repeatable.
    pub async fn run(self) {
        let mut retry = RETRY;
        while let Err(error) = self.repeat_erasures().await {
            tracing::warn!(
                error = format!("{error:#}"),
                "erasures older than the database could not be checked"
            );
            retry.wait().await;
        }
        let mut requests = Subscription::new(self.nats.clone(), self.subjects.erasing());
        let (mut idle, mut retry) = (IDLE, RETRY);
        loop {
            let delay = match self.erase_unfinished().await {
                Ok(()) => {
                    retry.reset();
                    idle.next_delay()
                }
                Err(error) => {
                    tracing::warn!(
                        error = format!("{error:#}"),
                        "an erasure was interrupted and will be continued"
                    );
                    retry.next_delay()
                }
            };
            if tokio::time::timeout(delay, requests.next()).await.is_ok() {
                idle.reset();
            }
        }
    }

    /// Completes every requested erasure.
    pub async fn erase_unfinished(&self) -> anyhow::Result<()> {
        for erasure in self.store.unfinished_erasures().await? {
            self.erase(&erasure).await?;
        }
        Ok(())
    }

    /// Requests and completes the erasures that a restored database does not contain: tombstones in NATS name
    /// the users who were erased after the backup.
    pub async fn repeat_erasures(&self) -> anyhow::Result<()> {
        let tombstoned = self.tombstoned().await?;
        for owner in self.store.unerased(&tombstoned).await? {
            let Some(receipt) = self.receipt_of(owner).await? else { continue };
            let command = (owner, AccountCommand::RequestErasure { receipt });
            match self.store.accounts().execute(owner.uuid(), command, &metadata(owner), None).await {
                Ok(_) => {
                    tracing::warn!(%receipt, "an erasure is missing from this database and is repeated");
                    self.store.begin_erasure(receipt, owner).await?;
                }
                // The account is younger than the database: nothing is stored.
                Err(ExecuteError::Refused(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        self.erase_unfinished().await
    }

    async fn erase(&self, erasure: &Erasure) -> anyhow::Result<()> {
        let owner = erasure.owner;
        self.tombstone(erasure).await?;
        self.stop_answers(owner).await?;
        for target in ORDER {
            match target {
                ErasureTarget::Keys => self.store.destroy_keys(owner).await?,
                ErasureTarget::Caches => self.tell_processes(owner).await?,
                ErasureTarget::ReadModels => self.purge_read_models(owner).await?,
                ErasureTarget::Passages => self.purge_passages(owner).await?,
                ErasureTarget::Files => self.purge_files(owner).await?,
                ErasureTarget::LiveStream => self.purge_live_stream(owner).await?,
                ErasureTarget::Accounts => self.accounts.erase(owner).await?,
            }
            self.record(owner, AccountCommand::RecordStoreErased { store: target }).await?;
        }
        self.record(owner, AccountCommand::RecordErased).await?;
        self.store.finish_erasure(owner).await?;
        tracing::info!(receipt = %erasure.receipt, "an account was erased");
        Ok(())
    }

    async fn record(&self, owner: UserId, command: AccountCommand) -> anyhow::Result<()> {
        self.store.accounts().execute(owner.uuid(), (owner, command), &metadata(owner), None).await?;
        self.wake.notify();
        Ok(())
    }

    fn jetstream(&self) -> jetstream::Context {
        jetstream::new(self.nats.clone())
    }
}

/// Metadata of commands that the service issues for an owner.
fn metadata(owner: UserId) -> Metadata {
    Metadata {
        owner,
        actor: Actor::System,
        correlation_id: Uuid::now_v7(),
        causation_id: None,
        traceparent: None,
    }
}

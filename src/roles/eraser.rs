//! The eraser: makes everything stored about a user unreadable, store by store, and records each step.
//!
//! Every step is repeatable, so a process that dies during one loses nothing: the erasure is unfinished until
//! `AccountErased` is recorded, and the next eraser continues it. Two erasers can work on one erasure at the
//! same time. An erasure that cannot go on is retried with growing delays beside others: it has a next
//! attempt of its own (`schedule`), and within an attempt a store that is away does not keep
//! the others waiting.

mod restored;
mod schedule;
mod steps;
mod tombstones;

use std::time::Duration;

use aggregates::UserId;
use aggregates::account::{AccountCommand, ErasureTarget};
use anyhow::Context as _;
use async_nats::{Client, jetstream};
use nats::Subjects;
use rag::index::Collections;

use crate::knowledge::files::Files;
use crate::roles::command_metadata::by_system;
use crate::runtime::wake::SequencerWake;
use store::{AccountsDatabase, Erasure, Store};

/// Time limit of one step of an attempt. What a step has deleted by then stays deleted.
const STEP_TIMEOUT: Duration = Duration::from_mins(2);

/// Carries out erasures.
#[derive(Clone)]
pub struct Eraser {
    /// Event store and keys.
    pub store: Store,
    /// Tables of the account service.
    pub accounts: AccountsDatabase,
    /// Collections with the passages of documents.
    pub collections: Collections,
    /// Stored files of documents, and tombstones.
    pub files: Files,
    /// Connection to NATS.
    pub nats: Client,
    /// Subject names.
    pub subjects: Subjects,
    /// Wakes the sequencer.
    pub wake: SequencerWake,
}

/// Order of the steps after the destruction of the keys, which comes first, since it makes
/// everything else unreadable.
const AFTER_KEYS: [ErasureTarget; 6] = [
    ErasureTarget::Caches,
    ErasureTarget::ReadModels,
    ErasureTarget::Passages,
    ErasureTarget::Files,
    ErasureTarget::LiveStream,
    ErasureTarget::Accounts,
];

/// Why an attempt did not complete its erasure.
#[derive(Debug)]
struct Stuck {
    /// The store that could not be erased; `None` if the failure concerns none.
    at: Option<ErasureTarget>,
    error: anyhow::Error,
}

impl Eraser {
    /// Carries out requested erasures, for ever. May be cut off at any moment: every step is repeatable.
    pub async fn run(self) {
        tokio::join!(self.follow_requests(), self.reconcile());
    }

    /// One attempt at an erasure. Destroys the keys, then erases every other store; a store that fails does
    /// not keep the others from being erased.
    async fn attempt(&self, erasure: &Erasure) -> Result<(), Stuck> {
        let owner = erasure.owner;
        let at = |at| move |error| Stuck { at, error };
        self.write_tombstone(erasure).await.map_err(at(None))?;
        let mut stuck = self.end_answers(owner).await.map_err(at(None)).err();
        self.step(owner, ErasureTarget::Keys).await.map_err(at(Some(ErasureTarget::Keys)))?;
        // An append that began before has committed by now. Its answer ends like the others.
        if let Err(error) = self.end_answers(owner).await {
            stuck = Some(Stuck { at: None, error });
        }
        for target in AFTER_KEYS {
            if let Err(error) = self.step(owner, target).await {
                stuck.get_or_insert(Stuck { at: Some(target), error });
            }
        }
        match stuck {
            Some(stuck) => Err(stuck),
            None => self.finish(erasure).await.map_err(at(None)),
        }
    }

    /// Erases one store and records it.
    async fn step(&self, owner: UserId, target: ErasureTarget) -> anyhow::Result<()> {
        let erasing = async {
            match target {
                ErasureTarget::Keys => self.destroy_keys(owner).await,
                ErasureTarget::Caches => self.tell_processes(owner).await,
                ErasureTarget::ReadModels => self.purge_read_models(owner).await,
                ErasureTarget::Passages => self.purge_passages(owner).await,
                ErasureTarget::Files => self.purge_files(owner).await,
                ErasureTarget::LiveStream => self.purge_live_stream(owner).await,
                ErasureTarget::Accounts => Ok(self.accounts.erase(owner).await?),
            }
        };
        tokio::time::timeout(STEP_TIMEOUT, erasing).await.context("the step did not end in time")??;
        self.record(owner, AccountCommand::RecordStoreErased { store: target }).await
    }

    async fn finish(&self, erasure: &Erasure) -> anyhow::Result<()> {
        self.write_all_tombstones(erasure).await?;
        self.record(erasure.owner, AccountCommand::RecordErased).await?;
        self.store.finish_erasure(erasure.owner).await?;
        tracing::info!(receipt = %erasure.receipt, "an account was erased");
        Ok(())
    }

    async fn record(&self, owner: UserId, command: AccountCommand) -> anyhow::Result<()> {
        self.store.accounts().execute(owner.uuid(), (owner, command), &by_system(owner), None).await?;
        self.wake.notify();
        Ok(())
    }

    fn jetstream(&self) -> jetstream::Context {
        jetstream::new(self.nats.clone())
    }
}

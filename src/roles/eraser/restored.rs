//! Repeats the erasures that a database restored from an older backup does not contain.
//!
//! A process reads the tombstones before it serves users or answers questions ([`Eraser::check`]). One of the
//! two places suffices if it is known to be complete; otherwise the process waits. The keys of tombstoned
//! users are destroyed at once, which needs Postgres alone; the other stores follow in the eraser.

use std::collections::HashSet;
use std::time::Duration;

use aggregates::UserId;
use aggregates::account::{AccountCommand, AccountRefused};
use anyhow::{Context as _, bail};
use rag::error_chain::ErrorChain;

use super::Eraser;
use crate::roles::command_metadata::by_system;
use crate::runtime::backoff::Backoff;
use crate::runtime::erasure_check::Report;
use store::ExecuteError;

/// Delays between attempts while a dependency is away.
const RETRY: Backoff = Backoff::new(Duration::from_millis(250), Duration::from_secs(5));
/// Delays between attempts to bring both places of tombstones up to date.
const RECONCILE: Backoff = Backoff::new(Duration::from_secs(2), Duration::from_mins(2));

/// Whether an account exists in this database.
#[derive(Debug, PartialEq, Eq)]
enum Known {
    Yes,
    /// The account is younger than the database.
    No,
}

impl Eraser {
    /// Repeats missing erasures, and reports what the check waits for. Retries without end; returns when the
    /// keys of all tombstoned users are destroyed.
    pub async fn check(&self, report: &Report) {
        let mut retry = RETRY;
        while let Err(error) = self.check_once().await {
            let reason = format!("{error:#}");
            tracing::warn!(error = reason, "requests are refused: erasures since a backup are not known yet");
            report.waiting(&reason);
            retry.wait().await;
        }
        report.done();
    }

    /// Fails unless a complete place of tombstones was read and the keys of all tombstoned
    /// users are destroyed.
    async fn check_once(&self) -> anyhow::Result<()> {
        let known: HashSet<UserId> = self.store.finished_erasures().await?.into_iter().collect();
        let (in_nats, in_files) = tokio::join!(self.tombstoned_in_nats(), self.files.tombstoned());
        let tombstoned: HashSet<UserId> = match (in_nats, in_files) {
            (Ok(nats), Ok(files)) => nats.into_iter().chain(files).collect(),
            (Ok(nats), Err(error)) => {
                let nats: HashSet<UserId> = nats.into_iter().collect();
                if !known.is_subset(&nats) {
                    let error = ErrorChain(&error).to_string();
                    bail!("NATS has lost tombstones, and the file store cannot be read: {error}");
                }
                nats
            }
            (Err(error), Ok(files)) => {
                if !self.files.are_tombstones_complete().await? {
                    return Err(error.context("the tombstones in NATS cannot be read"));
                }
                files.into_iter().collect()
            }
            (Err(error), Err(_)) => {
                return Err(error.context("the tombstones can be read neither in NATS nor in the file store"));
            }
        };
        for owner in self.store.unerased(&Vec::from_iter(tombstoned)).await? {
            if self.repeat(owner).await? == Known::Yes {
                self.store.destroy_keys(owner).await?;
            }
        }
        self.destroy_requested_keys().await
    }

    /// Destroys the keys of users whose erasure was requested and has not begun. An erasure whose tombstone
    /// neither place takes is left to the eraser.
    async fn destroy_requested_keys(&self) -> anyhow::Result<()> {
        self.store.find_requested_erasures().await?;
        for erasure in self.store.unfinished_erasures().await? {
            match self.write_tombstone(&erasure).await {
                Ok(()) => self.store.destroy_keys(erasure.owner).await?,
                Err(error) => {
                    let error = format!("{error:#}");
                    tracing::warn!(receipt = %erasure.receipt, error, "an erasure has not begun yet");
                }
            }
        }
        Ok(())
    }

    /// Requests an erasure again under the receipt of its tombstone.
    async fn repeat(&self, owner: UserId) -> anyhow::Result<Known> {
        let receipt = self.receipt_of(owner).await?;
        let command = (owner, AccountCommand::RequestErasure { receipt });
        match self.store.accounts().execute(owner.uuid(), command, &by_system(owner), None).await {
            Ok(requested) => {
                if !requested.events.is_empty() {
                    tracing::warn!(%receipt, "an erasure is missing from this database and is repeated");
                }
                self.store.begin_erasure(receipt, owner).await?;
                self.wake.notify();
                Ok(Known::Yes)
            }
            Err(ExecuteError::Refused(AccountRefused::NotFound)) => Ok(Known::No),
            Err(error) => Err(error.into()),
        }
    }

    /// Brings both places of tombstones up to date, beside the erasures: each gets what the other or the
    /// database has. From then on either one is enough for [`Self::check`].
    pub(super) async fn reconcile(&self) {
        let mut retry = RECONCILE;
        while let Err(error) = self.reconcile_once().await {
            tracing::warn!(error = format!("{error:#}"), "tombstones could not be brought up to date");
            retry.wait().await;
        }
    }

    async fn reconcile_once(&self) -> anyhow::Result<()> {
        let in_nats: HashSet<UserId> =
            self.tombstoned_in_nats().await.context("NATS cannot be read")?.into_iter().collect();
        let in_files: HashSet<UserId> = self.files.tombstoned().await?.into_iter().collect();
        let tombstoned: Vec<UserId> = in_nats.union(&in_files).copied().collect();
        for owner in self.store.unerased(&tombstoned).await? {
            if self.repeat(owner).await? == Known::No {
                // The tables of the account service can be older or younger than this database.
                self.accounts.erase(owner).await?;
            }
        }
        for owner in in_nats.difference(&in_files) {
            self.bury_in_files(*owner, self.receipt_of(*owner).await?).await?;
        }
        for owner in in_files.difference(&in_nats) {
            self.bury_in_nats(*owner, self.receipt_of(*owner).await?).await?;
        }
        for (owner, receipt) in self.store.all_erasures().await? {
            if !in_nats.contains(&owner) && !in_files.contains(&owner) {
                self.bury_in_files(owner, receipt).await?;
                self.bury_in_nats(owner, receipt).await?;
            }
        }
        self.files.mark_tombstones_complete().await?;
        Ok(())
    }
}

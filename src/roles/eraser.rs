//! The eraser: makes all that is kept of a person unreadable, store by store, and records each step.
//!
//! Every step can be repeated, so a process that dies in the middle of one loses nothing: the erasure is unfinished until
//! `AccountErased` is recorded, and whoever comes next goes on. Two erasers at once do each other no harm.

mod steps;

use std::time::Duration;

use aggregates::account::{AccountCommand, ErasureTarget};
use aggregates::{Actor, Metadata, UserId};
use async_nats::{Client, jetstream};
use futures::StreamExt as _;
use nats::Subjects;
use rag::index::Collections;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::knowledge::files::Files;
use crate::runtime::wake::SealerWake;
use store::{Erasure, ExecuteError, Store};

/// The first look after an erasure was asked for or a step failed; further ones wait longer, so that an idle database may
/// fall asleep.
const FIRST_LOOK: Duration = Duration::from_millis(500);
const LAST_LOOK: Duration = Duration::from_mins(10);

/// What erasing needs.
#[derive(Clone)]
pub struct Eraser {
    /// The event store.
    pub store: Store,
    /// The account service's database.
    pub accounts: PgPool,
    /// The passages.
    pub collections: Collections,
    /// The files.
    pub files: Files,
    /// The connection to NATS.
    pub nats: Client,
    /// Its names.
    pub subjects: Subjects,
    /// What wakes the sealer.
    pub wake: SealerWake,
}

/// In which order stores are erased: first what makes all the rest unreadable.
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
    /// Erases whoever asks for it, until cancelled.
    pub async fn run(self, cancel: CancellationToken) {
        let erasing = async {
            while let Err(error) = self.erase_again().await {
                tracing::warn!(
                    error = format!("{error:#}"),
                    "could not look for erasures older than this database"
                );
                tokio::time::sleep(FIRST_LOOK * 4).await;
            }
            let mut asked = self.nats.subscribe(self.subjects.erasing()).await.ok();
            let mut pause = FIRST_LOOK;
            loop {
                pause = match self.erase_unfinished().await {
                    Ok(()) => LAST_LOOK.min(pause * 4),
                    Err(error) => {
                        tracing::warn!(
                            error = format!("{error:#}"),
                            "an erasure is interrupted and will go on"
                        );
                        FIRST_LOOK * 2
                    }
                };
                if let Some(requests) = &mut asked {
                    if let Ok(Some(_)) = tokio::time::timeout(pause, requests.next()).await {
                        pause = FIRST_LOOK;
                    }
                } else {
                    tokio::time::sleep(pause.min(Duration::from_secs(30))).await;
                    asked = self.nats.subscribe(self.subjects.erasing()).await.ok();
                }
            }
        };
        tokio::select! {
            () = erasing => {}
            () = cancel.cancelled() => {}
        }
    }

    /// Brings every erasure that was asked for to its end.
    pub async fn erase_unfinished(&self) -> anyhow::Result<()> {
        for erasure in self.store.unfinished_erasures().await? {
            self.erase(&erasure).await?;
        }
        Ok(())
    }

    /// Asks again for the erasures of people whom a restored database knows though they were erased, and brings them to
    /// their end. Before anything is served.
    pub async fn erase_again(&self) -> anyhow::Result<()> {
        let buried = self.buried().await?;
        for owner in self.store.unerased(&buried).await? {
            let Some(receipt) = self.receipt_of(owner).await? else { continue };
            let command = (owner, AccountCommand::RequestErasure { receipt });
            match self.store.accounts().execute(owner.uuid(), command, &metadata(owner), None).await {
                Ok(_) => {
                    tracing::warn!(%receipt, "an erasure is older than this database, and is carried out again");
                    self.store.begin_erasure(receipt, owner).await?;
                }
                // The database is from before the account: there is nothing to erase.
                Err(ExecuteError::Refused(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        self.erase_unfinished().await
    }

    async fn erase(&self, erasure: &Erasure) -> anyhow::Result<()> {
        let owner = erasure.owner;
        self.bury(erasure).await?;
        self.stop_answers(owner).await?;
        for place in ORDER {
            match place {
                ErasureTarget::Keys => self.store.destroy_keys(owner).await?,
                ErasureTarget::Caches => self.tell_processes(owner).await?,
                ErasureTarget::ReadModels => self.purge_read_models(owner).await?,
                ErasureTarget::Passages => self.purge_passages(owner).await?,
                ErasureTarget::Files => self.purge_files(owner).await?,
                ErasureTarget::LiveStream => self.purge_live_stream(owner).await?,
                ErasureTarget::Accounts => store::erase_account(&self.accounts, owner).await?,
            }
            self.record(owner, AccountCommand::RecordStoreErased { store: place }).await?;
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

/// The circumstances of what the system does on an owner's behalf.
fn metadata(owner: UserId) -> Metadata {
    Metadata {
        owner,
        actor: Actor::System,
        correlation_id: Uuid::now_v7(),
        causation_id: None,
        traceparent: None,
    }
}

//! The steps of an erasure, each repeatable, each sure of its end.

use std::time::Duration;

use aggregates::conversation::{Answer, ConversationCommand, Intent};
use aggregates::{Actor, AnswerId, ConversationId, ReceiptId, UserId};
use anyhow::{Context as _, bail};
use async_nats::jetstream::stream::Stream;
use bytes::Bytes;
use chrono::Utc;
use futures::TryStreamExt as _;
use uuid::Uuid;

use super::{Eraser, metadata};
use store::{Erasure, ExecuteError, StoreError};

/// How long the read models may take to come to the destruction of the keys.
const PROJECTED_WITHIN: Duration = Duration::from_secs(30);
const LOOK: Duration = Duration::from_millis(20);
/// How long one call to NATS may take.
const CALL: Duration = Duration::from_secs(5);

impl Eraser {
    /// Keeps, apart from everything that an erasure or a restored backup reaches, that there was one.
    pub(crate) async fn bury(&self, erasure: &Erasure) -> anyhow::Result<()> {
        nats::ensure_streams(&self.jetstream(), &self.subjects).await?;
        let subject = self.subjects.tombstone(erasure.owner);
        let receipt = Bytes::copy_from_slice(erasure.receipt.uuid().as_bytes());
        let acknowledged = self.jetstream().publish(subject, receipt).await?;
        tokio::time::timeout(CALL, acknowledged).await.context("NATS did not answer in time")??;
        Ok(())
    }

    /// Everybody who was ever erased.
    pub(crate) async fn buried(&self) -> anyhow::Result<Vec<UserId>> {
        nats::ensure_streams(&self.jetstream(), &self.subjects).await?;
        let stream = self.stream(&self.subjects.tombstones_stream()).await?;
        let tombstones = stream.info_with_subjects(self.subjects.all_tombstones()).await?;
        let owner = |(subject, _): (String, usize)| subject.rsplit('.').next()?.parse().ok();
        let owners: Vec<Option<UserId>> = tombstones.map_ok(owner).try_collect().await?;
        Ok(owners.into_iter().flatten().collect())
    }

    /// By which receipt somebody was erased.
    pub(crate) async fn receipt_of(&self, owner: UserId) -> anyhow::Result<Option<ReceiptId>> {
        let stream = self.stream(&self.subjects.tombstones_stream()).await?;
        let message = stream.get_last_raw_message_by_subject(&self.subjects.tombstone(owner)).await?;
        Ok(Uuid::from_slice(&message.payload).ok().map(ReceiptId::new))
    }

    /// Ends the answers that are being written.
    pub(crate) async fn stop_answers(&self, owner: UserId) -> anyhow::Result<()> {
        for (conversation, answer) in self.store.unended_answers(owner).await? {
            match self.stop(owner, conversation, answer).await {
                // Ended meanwhile, or nothing more can be written for its owner: either way it is over.
                Ok(()) | Err(ExecuteError::Refused(_) | ExecuteError::Store(StoreError::OwnerErased)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        self.wake.notify();
        Ok(())
    }

    async fn stop(
        &self,
        owner: UserId,
        conversation: ConversationId,
        answer_id: AnswerId,
    ) -> Result<(), ExecuteError<aggregates::conversation::ConversationRefused>> {
        let command = ConversationCommand {
            by: Actor::User(owner),
            at: Utc::now(),
            expected: None,
            intent: Intent::Stop { answer_id, so_far: Answer::default() },
        };
        let id = conversation.uuid();
        self.store.conversations().execute(id, command, &metadata(owner), None).await.map(drop)
    }

    /// Has every process forget what it holds of somebody.
    pub(crate) async fn tell_processes(&self, owner: UserId) -> anyhow::Result<()> {
        let message = Bytes::from(owner.to_string());
        self.nats.publish(self.subjects.erasing(), message).await?;
        tokio::time::timeout(CALL, self.nats.flush()).await.context("NATS did not answer in time")??;
        Ok(())
    }

    /// The projector purges an owner's rows where the ledger says that the keys are gone; here it is made sure that it did.
    pub(crate) async fn purge_read_models(&self, owner: UserId) -> anyhow::Result<()> {
        let waiting = async {
            while projections::rows_of(self.store.pool(), owner).await? > 0 {
                tokio::time::sleep(LOOK).await;
            }
            anyhow::Ok(())
        };
        tokio::time::timeout(PROJECTED_WITHIN, waiting)
            .await
            .context("the read models did not come to the erasure in time")?
    }

    pub(crate) async fn purge_passages(&self, owner: UserId) -> anyhow::Result<()> {
        match self.collections.delete_owner(owner.uuid()).await? {
            0 => Ok(()),
            left => bail!("{left} passages are left in the index"),
        }
    }

    pub(crate) async fn purge_files(&self, owner: UserId) -> anyhow::Result<()> {
        self.files.delete_owner(owner).await?;
        match self.files.count_of_owner(owner).await? {
            0 => Ok(()),
            left => bail!("{left} files are left"),
        }
    }

    pub(crate) async fn purge_live_stream(&self, owner: UserId) -> anyhow::Result<()> {
        let stream = self.stream(&self.subjects.live_stream()).await?;
        stream.purge().filter(self.subjects.live_of(owner)).await?;
        Ok(())
    }

    async fn stream(&self, name: &str) -> anyhow::Result<Stream> {
        let jetstream = self.jetstream();
        let stream = jetstream.get_stream(name);
        Ok(tokio::time::timeout(CALL, stream).await.context("NATS did not answer in time")??)
    }
}

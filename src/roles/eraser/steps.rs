//! The steps of an erasure. Each is repeatable and fails unless its store is empty afterwards.

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

/// Time limit for the projector to reach the destruction of the keys.
const PROJECTED_WITHIN: Duration = Duration::from_secs(30);
/// Interval between looks at the read models.
const LOOK: Duration = Duration::from_millis(20);
/// Time limit of one call to NATS.
const CALL: Duration = Duration::from_secs(5);

impl Eraser {
    /// Writes a tombstone to NATS, which neither the erasure nor a restored database removes.
    pub(crate) async fn tombstone(&self, erasure: &Erasure) -> anyhow::Result<()> {
        nats::ensure_streams(&self.jetstream(), &self.subjects).await?;
        let subject = self.subjects.tombstone(erasure.owner);
        let receipt = Bytes::copy_from_slice(erasure.receipt.uuid().as_bytes());
        let acknowledged = self.jetstream().publish(subject, receipt).await?;
        tokio::time::timeout(CALL, acknowledged).await.context("NATS did not answer in time")??;
        Ok(())
    }

    /// All users with a tombstone.
    pub(crate) async fn tombstoned(&self) -> anyhow::Result<Vec<UserId>> {
        nats::ensure_streams(&self.jetstream(), &self.subjects).await?;
        let stream = self.stream(&self.subjects.tombstones_stream()).await?;
        let tombstones = stream.info_with_subjects(self.subjects.all_tombstones()).await?;
        let owner = |(subject, _): (String, usize)| subject.rsplit('.').next()?.parse().ok();
        let owners: Vec<Option<UserId>> = tombstones.map_ok(owner).try_collect().await?;
        Ok(owners.into_iter().flatten().collect())
    }

    /// The receipt in a user's tombstone.
    pub(crate) async fn receipt_of(&self, owner: UserId) -> anyhow::Result<Option<ReceiptId>> {
        let stream = self.stream(&self.subjects.tombstones_stream()).await?;
        let message = stream.get_last_raw_message_by_subject(&self.subjects.tombstone(owner)).await?;
        Ok(Uuid::from_slice(&message.payload).ok().map(ReceiptId::new))
    }

    /// Stops the answers that are being written.
    pub(crate) async fn stop_answers(&self, owner: UserId) -> anyhow::Result<()> {
        for (conversation, answer) in self.store.unended_answers(owner).await? {
            match self.stop(owner, conversation, answer).await {
                // The answer ended in the meantime, or its owner accepts no more events.
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

    /// Tells every process to drop what it caches of a user.
    pub(crate) async fn tell_processes(&self, owner: UserId) -> anyhow::Result<()> {
        let message = Bytes::from(owner.to_string());
        self.nats.publish(self.subjects.erasing(), message).await?;
        tokio::time::timeout(CALL, self.nats.flush()).await.context("NATS did not answer in time")??;
        Ok(())
    }

    /// Waits until the projector has deleted the owner's rows, which it does at the event that destroys the
    /// keys.
    pub(crate) async fn purge_read_models(&self, owner: UserId) -> anyhow::Result<()> {
        let waiting = async {
            while projections::count_owner_rows(self.store.read_models(), owner).await? > 0 {
                tokio::time::sleep(LOOK).await;
            }
            anyhow::Ok(())
        };
        tokio::time::timeout(PROJECTED_WITHIN, waiting)
            .await
            .context("the projector did not delete the rows in time")?
    }

    pub(crate) async fn purge_passages(&self, owner: UserId) -> anyhow::Result<()> {
        match self.collections.delete_owner(owner.uuid()).await? {
            0 => Ok(()),
            left => bail!("{left} passages remain in the index"),
        }
    }

    pub(crate) async fn purge_files(&self, owner: UserId) -> anyhow::Result<()> {
        self.files.delete_owner(owner).await?;
        match self.files.count_of_owner(owner).await? {
            0 => Ok(()),
            left => bail!("{left} files remain"),
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

//! Tombstones name the users who were erased, in two places that neither an erasure nor a restored database
//! changes: a stream in NATS, and the file store.

use std::time::Duration;

use aggregates::{ReceiptId, UserId};
use anyhow::{Context as _, bail};
use bytes::Bytes;
use futures::TryStreamExt as _;
use uuid::Uuid;

use super::Eraser;
use store::Erasure;

/// Time limit of one call to NATS.
const CALL: Duration = Duration::from_secs(5);
/// Time limit for reading all tombstones of one place.
const READ: Duration = Duration::from_mins(1);

impl Eraser {
    /// Writes the tombstone of an erasure to every place that answers; fails if none does.
    pub(super) async fn write_tombstone(&self, erasure: &Erasure) -> anyhow::Result<()> {
        let (owner, receipt) = (erasure.owner, erasure.receipt);
        let places = tokio::join!(self.bury_in_nats(owner, receipt), self.bury_in_files(owner, receipt));
        match places {
            (Ok(()), _) | (_, Ok(())) => Ok(()),
            (Err(error), Err(other)) => {
                bail!("neither NATS ({error:#}) nor the file store ({other:#}) took the tombstone")
            }
        }
    }

    /// Writes the tombstone to both places.
    pub(super) async fn write_all_tombstones(&self, erasure: &Erasure) -> anyhow::Result<()> {
        self.bury_in_nats(erasure.owner, erasure.receipt).await?;
        self.bury_in_files(erasure.owner, erasure.receipt).await
    }

    pub(super) async fn bury_in_nats(&self, owner: UserId, receipt: ReceiptId) -> anyhow::Result<()> {
        nats::ensure_streams(&self.jetstream(), &self.subjects).await?;
        let receipt = Bytes::copy_from_slice(receipt.uuid().as_bytes());
        let publishing = async {
            let acknowledged = self.jetstream().publish(self.subjects.tombstone(owner), receipt).await?;
            anyhow::Ok(acknowledged.await?)
        };
        tokio::time::timeout(CALL, publishing).await.context("NATS did not answer in time")??;
        Ok(())
    }

    pub(super) async fn bury_in_files(&self, owner: UserId, receipt: ReceiptId) -> anyhow::Result<()> {
        Ok(self.files.put_tombstone(owner, receipt).await?)
    }

    /// All users with a tombstone in NATS.
    pub(super) async fn tombstoned_in_nats(&self) -> anyhow::Result<Vec<UserId>> {
        let reading = async {
            nats::ensure_streams(&self.jetstream(), &self.subjects).await?;
            let stream = self.stream(&self.subjects.tombstones_stream()).await?;
            let tombstones = stream.info_with_subjects(self.subjects.all_tombstones()).await?;
            let owner = |(subject, _): (String, usize)| subject.rsplit('.').next()?.parse().ok();
            let owners: Vec<Option<UserId>> = tombstones.map_ok(owner).try_collect().await?;
            anyhow::Ok(owners.into_iter().flatten().collect())
        };
        tokio::time::timeout(READ, reading).await.context("NATS did not answer in time")?
    }

    /// The receipt in a user's tombstone, from either place. A tombstone whose receipt cannot be read counts
    /// all the same, under a receipt of its own.
    pub(super) async fn receipt_of(&self, owner: UserId) -> anyhow::Result<ReceiptId> {
        if let Ok(Some(receipt)) = self.files.receipt_of(owner).await {
            return Ok(receipt);
        }
        let reading = async {
            let stream = self.stream(&self.subjects.tombstones_stream()).await?;
            let message = stream.get_last_raw_message_by_subject(&self.subjects.tombstone(owner)).await?;
            anyhow::Ok(Uuid::from_slice(&message.payload).unwrap_or_else(|_| Uuid::new_v4()))
        };
        let receipt = tokio::time::timeout(CALL, reading).await.context("NATS did not answer in time")??;
        Ok(ReceiptId::new(receipt))
    }
}

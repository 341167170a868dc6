//! Ends quarantines: builds the rows of an aggregate again, with or without the event that could
//! not be applied.

use std::time::Duration;

use aggregates::{AggregateType, ConversationId, Position, UserId, Version};
use async_nats::Client;
use nats::{Projected, Subjects};
use projections::quarantine::{self, Release, Released};
use projections::{QueryError, ReadModel};
use uuid::Uuid;

use crate::runtime::decrypt::read_batch;
use crate::runtime::hint::send_hint;
use crate::runtime::operation_journal::record_noted;
use crate::runtime::wake::SequencerWake;
use store::{Store, StoreError};

/// Events of one page. A page is in memory as a whole.
const PAGE: u32 = 200;
/// Time limit of a release. The projector waits meanwhile.
const LIMIT: Duration = Duration::from_mins(5);
/// Time limit of the announcement.
const ANNOUNCE_TIMEOUT: Duration = Duration::from_secs(2);

/// Why a quarantine was not ended. It stays as it was.
#[derive(Debug, thiserror::Error)]
pub enum NotReleased {
    /// The aggregate is not quarantined.
    #[error("no read model has this aggregate in quarantine")]
    NotQuarantined,
    /// The ledger could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The read models could not be changed.
    #[error(transparent)]
    Query(#[from] QueryError),
}

/// Ends of quarantines.
#[derive(Debug, Clone)]
pub struct Quarantine {
    /// Event store and read models.
    pub store: Store,
    /// Connection to NATS.
    pub nats: Client,
    /// Subject names.
    pub subjects: Subjects,
    /// Wakes the sequencer.
    pub wake: SequencerWake,
}

impl Quarantine {
    /// Builds the rows of an aggregate again in the read models in which it is quarantined, or in one of
    /// them, and records that as an event. With `skip` the event at which it is held is left out, now and by
    /// each rebuild. An aggregate with another event that cannot be applied stays in quarantine.
    pub async fn release(
        &self,
        id: Uuid,
        only: Option<ReadModel>,
        skip: bool,
    ) -> Result<Vec<Released>, NotReleased> {
        let held = quarantine::of_aggregate(self.store.read_models(), id).await?;
        let owner = held.first().ok_or(NotReleased::NotQuarantined)?.owner;
        let mut connection = self.store.connection().await?;
        let releasing = async {
            let release = Release::begin(&mut connection, id, only, skip).await?;
            let mut release = release.ok_or(NotReleased::NotQuarantined)?;
            let aggregate = release.aggregate().ok_or(NotReleased::NotQuarantined)?;
            self.apply_events(&mut release, aggregate, id).await?;
            Ok::<_, NotReleased>((aggregate, release.end().await?))
        };
        let Ok(released) = tokio::time::timeout(LIMIT, releasing).await else {
            connection.abandon();
            return Err(StoreError::TimedOut.into());
        };
        let (aggregate, released) = released?;
        record_noted(&self.store, &self.wake).await?;
        self.announce(aggregate, owner, id).await?;
        Ok(released)
    }

    async fn apply_events(
        &self,
        release: &mut Release<'_>,
        aggregate: AggregateType,
        id: Uuid,
    ) -> Result<(), NotReleased> {
        let (mut after, up_to) = (Version(0), release.up_to());
        loop {
            let mut entries = self.store.aggregate_entries(aggregate, id, after, PAGE).await?;
            entries.retain(|entry| entry.position <= up_to);
            let Some(last) = entries.last() else { return Ok(()) };
            after = Version(last.event.sequence.unsigned_abs());
            release.apply(&read_batch(&self.store, &entries).await?).await?;
        }
    }

    /// Tells the api processes that rows have changed. Without it they learn so from the recorded event.
    async fn announce(&self, aggregate: AggregateType, owner: UserId, id: Uuid) -> Result<(), NotReleased> {
        let position: Position = projections::lowest_checkpoint(self.store.read_models()).await?;
        let changed = match aggregate {
            AggregateType::Conversation => vec![(owner, ConversationId::new(id))],
            _ => vec![],
        };
        let projected = Projected { after: position, position, changed };
        send_hint(&self.nats, self.subjects.projected(), projected.to_bytes(), ANNOUNCE_TIMEOUT).await;
        // The process ends soon, and the message with it if it is not sent.
        let _ = tokio::time::timeout(ANNOUNCE_TIMEOUT, self.nats.flush()).await;
        Ok(())
    }
}

//! The projector: applies the ledger to the read models, batch by batch, rows and checkpoint
//! in one transaction.
//!
//! What may pass is tried again, however long it takes. An event that cannot be applied quarantines its
//! aggregate, and everything else goes on.

use std::time::{Duration, SystemTime};

use aggregates::{AggregateType, ConversationId, UserId};
use async_nats::Client;
use nats::{Projected, Subjects};
use projections::quarantine::QuarantineSet;
use projections::{QueryError, ReadModel};
use rag::error_chain::ErrorChain;
use store::{LedgerEntry, Store};

use crate::runtime::backoff::Backoff;
use crate::runtime::decrypt::read_batch;
use crate::runtime::hint::send_hint;
use crate::runtime::ledger_feed::LedgerFeed;
use crate::runtime::operation_journal::record_noted;
use crate::runtime::projecting::{ProjectError, project_batch};
use crate::runtime::stages::Progress;
use crate::runtime::traced_batch::record_batch;
use crate::runtime::wake::SequencerWake;
use crate::telemetry::traces::Kind;
use measures::catalogue::{BATCH_EVENTS, QUARANTINE_BRAKED};

/// The most events in one transaction. Batches grow under load, because events arrive while one is applied.
const BATCH: usize = 1_000;
/// The most events of a batch in which the aggregates at fault are searched again and again.
const BRAKED_BATCH: usize = 250;
/// Time limits of one transaction. A batch that does not pass is halved and has twice the time: what is slow,
/// such as the removal of a large account's rows, passes in the end, and a silent connection is noticed soon.
const LIMIT: Duration = Duration::from_secs(8);
const LONGEST_LIMIT: Duration = Duration::from_mins(10);
/// Delays after a failure.
const RETRY: Backoff = Backoff::new(Duration::from_millis(500), Duration::from_secs(10));
/// Time limit for one announcement.
const ANNOUNCE_TIMEOUT: Duration = Duration::from_secs(1);

/// Follows the ledger and applies it to the read models, for ever. May be cut off at any moment: a batch that
/// is not committed is applied again.
///
/// `limit` is the number of aggregates that it quarantines within an hour for one cause; 0 for no limit. Where
/// more fail, it waits until the cause is gone.
pub async fn run(store: Store, nats: Client, subjects: Subjects, limit: u32) {
    let wake = SequencerWake::remote(nats.clone(), &subjects);
    let mut projector = Projector {
        store,
        nats,
        subjects,
        wake,
        quarantine: QuarantineSet::limited_to(limit),
        pace: Pace::FULL,
        has_notes: true,
        progress: Progress::of("projector"),
        is_braked: false,
    };
    let mut retry = RETRY;
    braked(None);
    loop {
        let mut applied = false;
        if let Err(error) = projector.follow(&mut applied).await {
            tracing::warn!(error = format!("{error:#}"), "projecting was interrupted and is retried");
            projector.progress.failing(format!("{error:#}"));
            projector.note_failure(&error);
        }
        if applied {
            retry.reset();
        }
        retry.wait().await;
    }
}

struct Projector {
    store: Store,
    nats: Client,
    subjects: Subjects,
    wake: SequencerWake,
    quarantine: QuarantineSet,
    pace: Pace,
    /// Whether changes of the quarantine may wait to be recorded as events.
    has_notes: bool,
    progress: Progress,
    /// Whether too many aggregates failed to be quarantined.
    is_braked: bool,
}

/// The size of a batch and its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Pace {
    batch: usize,
    limit: Duration,
}

impl Pace {
    const FULL: Self = Self { batch: BATCH, limit: LIMIT };

    fn slow_down(&mut self) {
        self.batch = (self.batch / 2).max(1);
        self.limit = (self.limit * 2).min(LONGEST_LIMIT);
    }
}

impl Projector {
    async fn follow(&mut self, applied: &mut bool) -> anyhow::Result<()> {
        let checkpoint = projections::lowest_checkpoint(self.store.read_models()).await?;
        let mut feed = LedgerFeed::new(self.store.clone(), self.nats.clone(), &self.subjects, checkpoint);
        loop {
            self.record_notes().await;
            self.progress.ok();
            let after = feed.position();
            let entries = self.progress.waiting(feed.next_entries(self.pace.batch)).await?;
            let began = SystemTime::now();
            let changed = changed_conversations(&entries);
            let batch = read_batch(&self.store, &entries).await?;
            let quarantine = &mut self.quarantine;
            self.has_notes |= project_batch(&self.store, quarantine, &batch, self.pace.limit).await?;
            (*applied, self.pace) = (true, Pace::FULL);
            if std::mem::take(&mut self.is_braked) {
                tracing::info!("the read models go on");
                braked(None);
            }
            BATCH_EVENTS.record_count(&["projector"], entries.len());
            record_batch("project", Kind::Internal, began, &entries);
            self.announce(Projected { after, position: feed.position(), changed }).await;
        }
    }

    /// Where aggregates fail for a fault of the installation, the next batch is not halved: the events of others
    /// can show that it is none.
    fn note_failure(&mut self, error: &anyhow::Error) {
        match error.downcast_ref() {
            Some(ProjectError::Query(QueryError::TooManyFailures { model, .. })) => {
                (self.is_braked, self.pace.batch) = (true, BRAKED_BATCH);
                braked(Some(*model));
            }
            _ => self.pace.slow_down(),
        }
    }

    /// Records changes of the quarantine. What fails is tried again after the next batch.
    async fn record_notes(&mut self) {
        if !self.has_notes {
            return;
        }
        match record_noted(&self.store, &self.wake).await {
            Ok(()) => self.has_notes = false,
            Err(error) => {
                tracing::warn!(error = %ErrorChain(&error), "changes of the quarantine are not recorded yet");
            }
        }
    }

    /// Announces the position to the api processes. A lost announcement is covered by the next one.
    async fn announce(&self, projected: Projected) {
        send_hint(&self.nats, self.subjects.projected(), projected.to_bytes(), ANNOUNCE_TIMEOUT).await;
    }
}

/// Tells the metrics for which read model too many aggregates fail.
fn braked(by: Option<ReadModel>) {
    for model in ReadModel::ALL {
        QUARANTINE_BRAKED.set(&[model.name()], if by == Some(model) { 1.0 } else { 0.0 });
    }
}

/// Conversations that a batch changes, sorted by owner.
fn changed_conversations(entries: &[LedgerEntry]) -> Vec<(UserId, ConversationId)> {
    let mut changed: Vec<_> = entries
        .iter()
        .map(|entry| &entry.event)
        .filter(|event| event.aggregate_type == AggregateType::Conversation.name())
        .map(|event| (UserId::new(event.owner), ConversationId::new(event.aggregate_id)))
        .collect();
    changed.sort_unstable();
    changed.dedup();
    changed
}

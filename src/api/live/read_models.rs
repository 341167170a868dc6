//! Changes of the read models, as the projector announces them.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use aggregates::Position;
use nats::Projected;
use rag::error_chain::ErrorChain;

use super::{ChangedRows, Live, StreamEvent};
use crate::runtime::subscription::{Delivery, Subscription};

/// Interval at which a silent connection is checked.
const CONNECTION_CHECK: Duration = Duration::from_millis(500);

impl Live {
    /// While announcements may be missing, no cached read is served.
    pub(super) async fn follow_read_models(&self) {
        let mut announcements = Subscription::new(self.nats.clone(), self.subjects.projected());
        loop {
            match tokio::time::timeout(CONNECTION_CHECK, announcements.next()).await {
                Ok(Delivery::Message(message)) => {
                    if let Some(mut projected) = Projected::from_bytes(&message.payload) {
                        projected.position = self.confirmed(projected.position).await;
                        self.deliver_projected(&projected);
                    }
                }
                Err(_) if self.is_subscribed() => {}
                Ok(Delivery::Subscribed) => {
                    self.reads.all_changed();
                    self.catch_up_with_read_models().await;
                }
                Err(_) => self.reads.all_changed(),
            }
        }
    }

    /// Acts on announcements that were lost with the connection, if there were any.
    async fn catch_up_with_read_models(&self) {
        if let Ok(reached) = projections::lowest_checkpoint(self.store.read_models()).await {
            let changed = Vec::new();
            self.deliver_projected(&Projected { after: reached, position: reached, changed });
        }
    }

    /// The announced position as far as the read models have reached it: anybody on the network can announce.
    async fn confirmed(&self, announced: Position) -> Position {
        match projections::lowest_checkpoint(self.store.read_models()).await {
            Ok(reached) => announced.min(reached),
            Err(error) => {
                tracing::debug!(error = %ErrorChain(&error), "an announced position could not be confirmed");
                announced.min(Position(self.level.load(Ordering::Acquire)))
            }
        }
    }

    fn deliver_projected(&self, projected: &Projected) {
        let known = *self.read_position.borrow();
        if projected.after > known {
            self.reads.all_changed();
            // Changes of rows are missing: clients resume, and read them.
            if known > Position(0) {
                tracing::info!(after = %known, "announcements of the projector are missing: streams resume");
                self.state().listeners.clear();
            }
        }
        for (owner, _) in &projected.changed {
            self.reads.changed(*owner);
        }
        self.observe_level(projected.position);
        measures::catalogue::READ_POSITION.set_count(&[], projected.position.0);
        // Of two projectors, the slower one announces positions that are known.
        self.read_position.send_replace(known.max(projected.position));
        let mut state = self.state();
        let mut rest = projected.changed.as_slice();
        while let Some((owner, _)) = rest.first() {
            let (same, others) = rest.split_at(rest.partition_point(|(other, _)| other <= owner));
            rest = others;
            if state.listeners.has(*owner) {
                let changed = ChangedRows::new(same.iter().map(|(_, id)| *id).collect());
                let event = StreamEvent::Projected(projected.position, Arc::new(changed));
                state.listeners.deliver(*owner, &event);
            }
        }
    }
}

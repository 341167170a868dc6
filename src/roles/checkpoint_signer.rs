//! The checkpoint signer: signs the head of the ledger while events are recorded.

use std::time::Duration;

use async_nats::Client;
use nats::Subjects;
use rag::error_chain::ErrorChain;

use crate::audit::CheckpointSigner;
use crate::runtime::backoff::Backoff;
use crate::runtime::stages::Progress;
use crate::runtime::subscription::{Delivery, Subscription};

/// Shortest interval between two checkpoints.
const INTERVAL: Duration = Duration::from_mins(10);
/// Delays after a failure.
const RETRY: Backoff = Backoff::new(Duration::from_secs(5), INTERVAL);

/// Signs the head for ever: at the start, then at most once per interval, and only after new events.
pub async fn run(signer: CheckpointSigner, nats: Client, subjects: Subjects) {
    let mut events = Subscription::new(nats, subjects.all_events());
    let (mut retry, progress) = (RETRY, Progress::of("checkpoint_signer"));
    loop {
        if let Err(error) = signer.checkpoint().await {
            tracing::warn!(error = %ErrorChain(&error), "the head of the ledger could not be signed");
            progress.failing(ErrorChain(&error));
            retry.wait().await;
            continue;
        }
        retry.reset();
        progress.ok();
        let new_events = async {
            tokio::time::sleep(INTERVAL).await;
            while events.try_next().is_some() {}
            while !matches!(events.next().await, Delivery::Message(_)) {}
        };
        progress.waiting(new_events).await;
    }
}

//! The hint that the outbox has rows: to the sealer in this process at once, to one elsewhere over NATS.

use std::sync::Arc;

use async_nats::Client;
use bytes::Bytes;
use nats::Subjects;
use tokio::sync::Notify;

/// Wakes the sealer. A lost hint costs time, never an event: the sealer looks by itself, too.
#[derive(Debug, Clone)]
pub struct SealerWake {
    here: Arc<Notify>,
    elsewhere: Option<(Client, String)>,
}

impl SealerWake {
    /// A wake for a process whose sealer is `here`.
    pub fn local() -> Self {
        Self { here: Arc::new(Notify::new()), elsewhere: None }
    }

    /// A wake for a process without a sealer: the hint goes over NATS.
    pub fn remote(nats: Client, subjects: &Subjects) -> Self {
        Self { here: Arc::new(Notify::new()), elsewhere: Some((nats, subjects.wake_sealer())) }
    }

    /// Says that something was appended. Never waits.
    pub fn notify(&self) {
        self.here.notify_one();
        if let Some((nats, subject)) = self.elsewhere.clone() {
            tokio::spawn(async move {
                if let Err(error) = nats.publish(subject, Bytes::new()).await {
                    tracing::debug!(%error, "could not wake the sealer");
                }
            });
        }
    }

    /// Wakes the sealer of this process alone.
    pub fn wake_here(&self) {
        self.here.notify_one();
    }

    /// Waits for the next hint in this process.
    pub async fn notified(&self) {
        self.here.notified().await;
    }
}

//! The hint that the outbox has rows: in memory to the sequencer of this process, over NATS to one elsewhere.

use std::sync::Arc;
use std::time::Duration;

use async_nats::Client;
use bytes::Bytes;
use nats::Subjects;
use tokio::sync::Notify;
use tokio_util::task::AbortOnDropHandle;

use super::hint::send_hint;

/// Time limit for handing one hint to the connection.
const PUBLISH_TIMEOUT: Duration = Duration::from_secs(5);

/// Wakes the sequencer. Cheap to clone.
///
/// A lost hint costs time, never an event: the sequencer also looks on its own.
#[derive(Debug, Clone)]
pub struct SequencerWake {
    appended: Arc<Notify>,
    /// Passes hints on to another process for as long as a clone exists.
    _forwarder: Option<Arc<AbortOnDropHandle<()>>>,
}

impl SequencerWake {
    /// For a process that runs the sequencer.
    pub fn local() -> Self {
        Self { appended: Arc::new(Notify::new()), _forwarder: None }
    }

    /// For a process without the sequencer. Hints that come faster than they can be sent are sent as one.
    pub fn remote(nats: Client, subjects: &Subjects) -> Self {
        let appended = Arc::new(Notify::new());
        let forwarder = forward(Arc::clone(&appended), nats, subjects.wake_sequencer());
        Self { appended, _forwarder: Some(Arc::new(AbortOnDropHandle::new(tokio::spawn(forwarder)))) }
    }

    /// Reports that events were appended. Never waits.
    pub fn notify(&self) {
        self.appended.notify_one();
    }

    /// Waits for the next report in this process.
    pub async fn notified(&self) {
        self.appended.notified().await;
    }
}

async fn forward(appended: Arc<Notify>, nats: Client, subject: String) {
    loop {
        appended.notified().await;
        send_hint(&nats, subject.clone(), Bytes::new(), PUBLISH_TIMEOUT).await;
    }
}

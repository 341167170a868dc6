//! The hint to every process that keys were destroyed.

use std::time::Duration;

use async_nats::Client;
use bytes::Bytes;
use nats::Subjects;

use super::hint::send_hint;

/// Time limit for handing one hint to the connection.
const PUBLISH_TIMEOUT: Duration = Duration::from_secs(1);

/// Tells every process to look for destroyed keys. Cheap to clone.
#[derive(Debug, Clone)]
pub struct KeyHints {
    nats: Client,
    subject: String,
}

impl KeyHints {
    /// Hints over this connection.
    pub fn new(nats: Client, subjects: &Subjects) -> Self {
        Self { nats, subject: subjects.keys_destroyed() }
    }

    /// Sends the hint. A lost hint costs time: every process also looks on its own.
    pub async fn notify(&self) {
        send_hint(&self.nats, self.subject.clone(), Bytes::new(), PUBLISH_TIMEOUT).await;
    }
}

//! Hears how far documents are on their way into the index. What is missed is not made up for: the row tells the end.

use aggregates::{DocumentId, UserId};
use async_nats::Message;
use futures::StreamExt as _;

use super::{Happening, Hub, PAUSE};

impl Hub {
    pub(crate) async fn follow_documents(&self) {
        loop {
            match self.nats.subscribe(self.subjects.all_document_progress()).await {
                Ok(mut messages) => {
                    while let Some(message) = messages.next().await {
                        self.take_progress(&message);
                    }
                }
                Err(error) => tracing::warn!(%error, "could not follow documents"),
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    fn take_progress(&self, message: &Message) {
        let Some((owner, document)) = owner_and_document(message.subject.as_str()) else { return };
        let Ok(progress) = serde_json::from_slice(&message.payload) else { return };
        self.present().listeners.tell(owner, &Happening::Document(document, progress));
    }
}

/// The owner and document named by a subject: `<prefix>.progress.<owner>.<document>`.
fn owner_and_document(subject: &str) -> Option<(UserId, DocumentId)> {
    let mut tokens = subject.split('.').skip(2);
    Some((tokens.next()?.parse().ok()?, tokens.next()?.parse().ok()?))
}

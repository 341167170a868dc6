//! Progress of documents on their way into the index. A missed report is not repeated: the document's row
//! tells the end.

use aggregates::{DocumentId, UserId};
use async_nats::Message;

use super::{Live, StreamEvent};
use crate::runtime::subscription::{Delivery, Subscription};

impl Live {
    /// Follows progress reports for ever.
    pub(super) async fn follow_documents(&self) {
        let mut reports = Subscription::new(self.nats.clone(), self.subjects.all_document_progress());
        loop {
            if let Delivery::Message(message) = reports.next().await {
                self.take_progress(&message);
            }
        }
    }

    fn take_progress(&self, message: &Message) {
        let Some((owner, document)) = owner_and_document(message.subject.as_str()) else { return };
        let Ok(progress) = serde_json::from_slice(&message.payload) else { return };
        self.state().listeners.deliver(owner, &StreamEvent::Document(document, progress));
    }
}

/// Owner and document in a subject: `<prefix>.progress.<owner>.<document>`.
fn owner_and_document(subject: &str) -> Option<(UserId, DocumentId)> {
    let mut tokens = subject.split('.').skip(2);
    Some((tokens.next()?.parse().ok()?, tokens.next()?.parse().ok()?))
}

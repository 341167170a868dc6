//! Waits for a position or a version that a client names, for clients that act for several callers.

use std::time::Duration;

use aggregates::{ConversationId, DocumentId, UserId, Version};
use projections::{ReadModel, conversations, documents};
use tokio::time::Instant;
use uuid::Uuid;

use super::ReadModels;
use super::params::Counter;
use super::quarantined::{OF_CONVERSATIONS, check};
use crate::api::problem::Problem;

/// Longest wait for a version.
const MAX_WAIT: Duration = Duration::from_secs(2);
/// Interval at which a row is read again without an announcement of the projector.
const CHECK_EVERY: Duration = Duration::from_millis(250);

impl ReadModels {
    /// Waits until the read models have reached a position.
    pub(in crate::api) async fn wait_for_position(
        &self,
        reader: UserId,
        wanted: Option<Counter>,
    ) -> Result<(), Problem> {
        match wanted {
            Some(wanted) => self.freshness.wait_for_position(reader, wanted.position()).await,
            None => Ok(()),
        }
    }

    /// Waits until the row of a conversation has a version.
    pub(in crate::api) async fn wait_for_conversation(
        &self,
        reader: UserId,
        id: ConversationId,
        version: Option<Counter>,
    ) -> Result<(), Problem> {
        self.wait_for_version(reader, Row::Conversation(id), version).await
    }

    /// Waits until the row of a document has a version.
    pub(in crate::api) async fn wait_for_document(
        &self,
        reader: UserId,
        id: DocumentId,
        version: Option<Counter>,
    ) -> Result<(), Problem> {
        self.wait_for_version(reader, Row::Document(id), version).await
    }

    async fn wait_for_version(
        &self,
        reader: UserId,
        row: Row,
        wanted: Option<Counter>,
    ) -> Result<(), Problem> {
        let Some(wanted) = wanted.map(Counter::version) else { return Ok(()) };
        let mut current = self.version(reader, row).await?;
        if current >= wanted {
            return Ok(());
        }
        let _permit = self.limits.waiting_reads.take(reader)?;
        let mut announced = self.freshness.read_position();
        let deadline = Instant::now() + MAX_WAIT;
        while current < wanted {
            announced.mark_unchanged();
            // A quarantined row does not come within the wait.
            for owner in row.owners(reader) {
                check(&self.store, owner, row.id(), row.read_models()).await?;
            }
            if Instant::now() >= deadline {
                return Err(Problem::not_yet(current.0));
            }
            // An error means that the process shuts down.
            let _ = tokio::time::timeout(CHECK_EVERY, announced.changed()).await;
            current = self.version(reader, row).await?;
        }
        Ok(())
    }

    /// The projected version; 0 if there is no such row.
    async fn version(&self, reader: UserId, row: Row) -> Result<Version, Problem> {
        let database = self.store.read_models();
        match row {
            Row::Conversation(id) => {
                Ok(conversations::version(database, reader, id).await?.unwrap_or_default())
            }
            Row::Document(id) => {
                let own = documents::get(database, reader, id).await?;
                let found = match own {
                    Some(row) => Some(row),
                    None => documents::get(database, UserId::SHARED, id).await?,
                };
                Ok(found.map_or(Version(0), |row| row.version()))
            }
        }
    }
}

impl Row {
    const fn id(self) -> Uuid {
        match self {
            Self::Conversation(id) => id.uuid(),
            Self::Document(id) => id.uuid(),
        }
    }

    const fn read_models(self) -> &'static [ReadModel] {
        match self {
            Self::Conversation(_) => OF_CONVERSATIONS,
            Self::Document(_) => &[ReadModel::Documents],
        }
    }

    fn owners(self, reader: UserId) -> Vec<UserId> {
        match self {
            Self::Conversation(_) => vec![reader],
            Self::Document(_) => vec![reader, UserId::SHARED],
        }
    }
}

/// A row whose version a client waits for.
#[derive(Debug, Clone, Copy)]
enum Row {
    Conversation(ConversationId),
    Document(DocumentId),
}

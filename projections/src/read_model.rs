//! The set of read models, and the events they are projected from.

use std::str::FromStr;

use aggregates::RecordedEvent;
use database::Transaction;
use sealing::{BlindKey, ContentKey};

use crate::purge::PurgeScope;
use crate::{accounts, conversations, documents, messages, purge, search, usage};

/// An event with the keys that its projection needs. Without keys, because they were destroyed, it is
/// projected without its private part.
#[derive(Debug, Clone)]
pub struct DecryptedEvent {
    /// The event. Its private part is open if the content key exists.
    pub recorded: RecordedEvent,
    /// The key of the event's conversation or document.
    pub content_key: Option<ContentKey>,
    /// The key of the owner's blind index.
    pub blind_key: Option<BlindKey>,
}

/// A read model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ReadModel {
    /// The list of conversations.
    Conversations,
    /// The tree of messages.
    Messages,
    /// The blind index.
    SearchEntries,
    /// Answers and tokens by day and model.
    UsageDays,
    /// Accounts as this service knows them.
    Accounts,
    /// The list of documents.
    Documents,
}

/// A name that is not the name of a read model.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("read model {0:?} does not exist; the read models are {names}", names = ReadModel::ALL.map(ReadModel::name).join(", "))]
pub struct UnknownReadModel(String);

impl ReadModel {
    /// All read models.
    pub const ALL: [Self; 6] = [
        Self::Conversations,
        Self::Messages,
        Self::SearchEntries,
        Self::UsageDays,
        Self::Accounts,
        Self::Documents,
    ];

    /// The name of the read model's table and of its checkpoint.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Conversations => "conversations",
            Self::Messages => "messages",
            Self::SearchEntries => "search_entries",
            Self::UsageDays => "usage_days",
            Self::Accounts => "accounts",
            Self::Documents => "documents",
        }
    }

    /// Applies a batch to the read model in a table of its form. The checkpoint stays as it is.
    pub(crate) async fn apply(
        self,
        table: &str,
        transaction: &mut Transaction<'_>,
        batch: &[DecryptedEvent],
    ) -> Result<(), sqlx::Error> {
        // A purge deletes the rows of earlier events only. The batch is split after each event that purges,
        // so that the result does not depend on the boundaries of batches.
        for part in batch.split_inclusive(|event| PurgeScope::of(event).is_some()) {
            self.fold(table, transaction, part).await?;
            if let Some(scope) = part.last().and_then(PurgeScope::of) {
                purge::apply(self, table, transaction, scope).await?;
            }
        }
        Ok(())
    }

    /// Folds events into rows, and deletes none.
    pub(crate) async fn fold(
        self,
        table: &str,
        transaction: &mut Transaction<'_>,
        part: &[DecryptedEvent],
    ) -> Result<(), sqlx::Error> {
        #[cfg(feature = "faults")]
        crate::faults::strike(self, part);
        match self {
            Self::Conversations => conversations::apply(table, transaction, part).await,
            Self::Messages => messages::apply(table, transaction, part).await,
            Self::SearchEntries => search::apply(table, transaction, part).await,
            Self::UsageDays => usage::apply(table, transaction, part).await,
            Self::Accounts => accounts::apply(table, transaction, part).await,
            Self::Documents => documents::apply(table, transaction, part).await,
        }
    }
}

impl FromStr for ReadModel {
    type Err = UnknownReadModel;

    fn from_str(name: &str) -> Result<Self, UnknownReadModel> {
        let model = Self::ALL.into_iter().find(|model| model.name() == name);
        model.ok_or_else(|| UnknownReadModel(name.to_owned()))
    }
}

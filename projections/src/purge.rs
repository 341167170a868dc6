//! Deletion of erased rows from the read models.
//!
//! An event in the ledger decides it: the erasure of an owner's keys and the end of the erasure delete all
//! rows of the owner, the erasure of a conversation deletes the rows of that conversation. Because the rows
//! go at the position of the event, a rebuild yields the same rows.

use aggregates::account::{AccountEvent, ErasureTarget};
use aggregates::conversation::ConversationEvent;
use aggregates::{ConversationId, Event, UserId};
use database::{Begin, Transaction};
use sqlx::PgExecutor;
use uuid::Uuid;

use crate::{DecryptedEvent, QueryError, ReadModel};

/// An owner's conversations, found in the ledger: the tables of messages have no index by owner.
macro_rules! conversations {
    () => {
        "(SELECT l.aggregate_id FROM ledger l WHERE l.owner = $1 AND l.aggregate_type = 'conversation')"
    };
}

/// The rows that an event erases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PurgeScope {
    /// All rows of an owner.
    Owner(UserId),
    /// The rows of one conversation.
    Conversation(ConversationId),
}

impl PurgeScope {
    /// The rows that an event erases; `None` for an event that erases nothing.
    pub(crate) const fn of(event: &DecryptedEvent) -> Option<Self> {
        let recorded = &event.recorded;
        match &recorded.event {
            Event::Account(
                AccountEvent::StoreErased { store: ErasureTarget::Keys } | AccountEvent::AccountErased,
            ) => Some(Self::Owner(recorded.owner)),
            Event::Conversation(ConversationEvent::ConversationErased) => {
                Some(Self::Conversation(ConversationId::new(recorded.aggregate_id)))
            }
            _ => None,
        }
    }

    /// The condition that selects the rows of a read model, and the id for its parameter; `None` if
    /// the read model keeps all rows. The row of an account stays, as an id and a status. Sums of
    /// tokens outlast a conversation.
    const fn condition(self, model: ReadModel) -> Option<(&'static str, Uuid)> {
        match self {
            Self::Owner(owner) => {
                let condition = match model {
                    ReadModel::Accounts => return None,
                    ReadModel::UsageDays | ReadModel::Documents => "owner = $1",
                    ReadModel::Conversations => concat!("id IN ", conversations!()),
                    ReadModel::Messages | ReadModel::SearchEntries => {
                        concat!("conversation_id IN ", conversations!())
                    }
                };
                Some((condition, owner.uuid()))
            }
            Self::Conversation(id) => match model {
                ReadModel::Accounts | ReadModel::UsageDays | ReadModel::Documents => None,
                ReadModel::Conversations => Some(("id = $1", id.uuid())),
                ReadModel::Messages | ReadModel::SearchEntries => Some(("conversation_id = $1", id.uuid())),
            },
        }
    }
}

/// Deletes the erased rows of one read model.
pub(crate) async fn apply(
    model: ReadModel,
    table: &str,
    transaction: &mut Transaction<'_>,
    scope: PurgeScope,
) -> Result<(), sqlx::Error> {
    if let Some((condition, id)) = scope.condition(model) {
        let delete = format!("DELETE FROM {table} WHERE {condition}");
        sqlx::query(&delete).bind(id).execute(&mut *transaction).await?;
    }
    Ok(())
}

/// Deletes the rows of an erased owner from all read models, for rows that a projector of an earlier release
/// added after the purge. Call it when the read models have reached the destruction of the owner's keys: from
/// there on the owner has no rows.
pub async fn delete_owner_rows(database: impl Begin<'_>, owner: UserId) -> Result<(), QueryError> {
    let mut transaction = database.begin().await?;
    for model in ReadModel::ALL {
        apply(model, model.name(), &mut transaction, PurgeScope::Owner(owner)).await?;
    }
    transaction.commit().await?;
    Ok(())
}

/// The number of rows that the read models hold of an owner. The row of the account does not count.
pub async fn count_owner_rows(executor: impl PgExecutor<'_>, owner: UserId) -> Result<i64, QueryError> {
    Ok(sqlx::query_scalar(COUNT).bind(owner).fetch_one(executor).await?)
}

const COUNT: &str = "
WITH own AS (SELECT DISTINCT l.aggregate_id FROM ledger l WHERE l.owner = $1 AND l.aggregate_type = 'conversation')
SELECT (SELECT count(*) FROM conversations c JOIN own ON c.id = own.aggregate_id)
     + (SELECT count(*) FROM messages m JOIN own ON m.conversation_id = own.aggregate_id)
     + (SELECT count(*) FROM search_entries s JOIN own ON s.conversation_id = own.aggregate_id)
     + (SELECT count(*) FROM usage_days u WHERE u.owner = $1)
     + (SELECT count(*) FROM documents d WHERE d.owner = $1)";

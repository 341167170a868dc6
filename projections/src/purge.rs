//! What an erasure takes out of the read models: all rows of an owner, at the place in the ledger where the keys are gone
//! and once more at the end; all rows of a conversation where its time was over. So a rebuild comes to the same rows.

use aggregates::account::{AccountEvent, ErasureTarget};
use aggregates::conversation::ConversationEvent;
use aggregates::{Event, UserId};
use sqlx::{PgPool, PgTransaction};
use uuid::Uuid;

use crate::{Opened, ReadModel};

/// An owner's conversations as the ledger knows them: tables of messages have no index by owner.
macro_rules! conversations {
    () => {
        "(SELECT l.aggregate_id FROM ledger l WHERE l.owner = $1 AND l.aggregate_type = 'conversation')"
    };
}

/// What an event says is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gone {
    /// All of somebody's.
    Owner(UserId),
    /// One conversation.
    Conversation(Uuid),
}

impl Gone {
    /// What an event says is gone, if it says so.
    pub(crate) const fn told_by(event: &Opened) -> Option<Self> {
        match &event.recorded.event {
            Event::Account(
                AccountEvent::StoreErased { store: ErasureTarget::Keys } | AccountEvent::AccountErased,
            ) => Some(Self::Owner(event.recorded.owner)),
            Event::Conversation(ConversationEvent::ConversationErased) => {
                Some(Self::Conversation(event.recorded.aggregate_id))
            }
            _ => None,
        }
    }

    /// Which rows these are, by the id that is bound. An account stays, as an id and a state, and so do sums of tokens when
    /// a conversation goes.
    const fn rows(self, model: ReadModel) -> Option<(&'static str, Uuid)> {
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
                ReadModel::Conversations => Some(("id = $1", id)),
                ReadModel::Messages | ReadModel::SearchEntries => Some(("conversation_id = $1", id)),
            },
        }
    }
}

/// Purges a read model of what is gone.
pub(crate) async fn apply(
    model: ReadModel,
    table: &str,
    transaction: &mut PgTransaction<'_>,
    gone: Gone,
) -> Result<(), sqlx::Error> {
    if let Some((condition, id)) = gone.rows(model) {
        let delete = format!("DELETE FROM {table} WHERE {condition}");
        sqlx::query(&delete).bind(id).execute(&mut **transaction).await?;
    }
    Ok(())
}

/// How many rows of an owner the read models hold, their account aside.
pub async fn rows_of(pool: &PgPool, owner: UserId) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar(ROWS).bind(owner.uuid()).fetch_one(pool).await
}

const ROWS: &str = "
WITH own AS (SELECT DISTINCT l.aggregate_id FROM ledger l WHERE l.owner = $1 AND l.aggregate_type = 'conversation')
SELECT (SELECT count(*) FROM conversations c JOIN own ON c.id = own.aggregate_id)
     + (SELECT count(*) FROM messages m JOIN own ON m.conversation_id = own.aggregate_id)
     + (SELECT count(*) FROM search_entries s JOIN own ON s.conversation_id = own.aggregate_id)
     + (SELECT count(*) FROM usage_days u WHERE u.owner = $1)
     + (SELECT count(*) FROM documents d WHERE d.owner = $1)";

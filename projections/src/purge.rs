//! What an erasure takes out of the read models: all rows of an owner, at the place in the ledger where the keys are gone
//! and once more at the end. So a rebuild comes to the same rows.

use aggregates::account::{AccountEvent, Store};
use aggregates::{Event, UserId};
use sqlx::{PgPool, PgTransaction};

use crate::{Opened, ReadModel};

/// An owner's conversations as the ledger knows them: tables of messages have no index by owner.
macro_rules! conversations {
    () => {
        "(SELECT l.aggregate_id FROM ledger l WHERE l.owner = $1 AND l.aggregate_type = 'conversation')"
    };
}

/// Purges a read model of somebody's rows. The account itself stays, as an id and a state.
pub(crate) async fn apply(
    model: ReadModel,
    table: &str,
    transaction: &mut PgTransaction<'_>,
    erased: UserId,
) -> Result<(), sqlx::Error> {
    let condition = match model {
        ReadModel::Accounts => return Ok(()),
        ReadModel::UsageDays | ReadModel::Documents => "owner = $1",
        ReadModel::Conversations => concat!("id IN ", conversations!()),
        ReadModel::Messages | ReadModel::SearchEntries => concat!("conversation_id IN ", conversations!()),
    };
    sqlx::query(&format!("DELETE FROM {table} WHERE {condition}"))
        .bind(erased.uuid())
        .execute(&mut **transaction)
        .await?;
    Ok(())
}

/// Whether an event says that somebody's rows have to go.
pub(crate) const fn tells_of_erasure(event: &Opened) -> bool {
    matches!(
        &event.recorded.event,
        Event::Account(AccountEvent::StoreErased { store: Store::Keys } | AccountEvent::AccountErased)
    )
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

//! The branch that is shown, page by page.

use aggregates::{ConversationId, UserId};
use serde::{Deserialize, Serialize};
use sqlx::{FromRow, PgPool, Row as _};
use uuid::Uuid;

use super::SealedMessage;
use crate::{Page, owned};

/// Which branch of the tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Branch {
    /// The one that ends in the newest message.
    Newest,
    /// The newest one through this message.
    Through(Uuid),
}

/// A place in a branch: after the message at this position of the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// The message's position.
    pub ordinal: i64,
}

/// A page of a conversation's messages with the conversation's wrapped key; `None` if there is no such conversation or it
/// was deleted. Oldest first.
pub async fn page(
    pool: &PgPool,
    owner: UserId,
    conversation: ConversationId,
    branch: Branch,
    after: Option<Cursor>,
    limit: u32,
) -> Result<Option<(Page<SealedMessage, Cursor>, Option<Vec<u8>>)>, sqlx::Error> {
    // Nearly all conversations have no branches, and the path through one that has takes a far larger plan.
    let query = |text: &'static str| {
        sqlx::query(text)
            .bind(owner.to_string())
            .bind(conversation.uuid())
            .bind(after.map_or(0, |cursor| cursor.ordinal))
            .bind(i64::from(limit) + 1)
    };
    let mut rows = query(PLAIN_PAGE).fetch_all(pool).await?;
    let Some(first) = rows.first() else { return Ok(None) };
    let wrapped: Option<Vec<u8>> = first.try_get("wrapped")?;
    if first.try_get("branched")? {
        let through = match branch {
            Branch::Newest => None,
            Branch::Through(message) => Some(message),
        };
        rows = query(BRANCH_PAGE).bind(through).fetch_all(pool).await?;
    }
    let mut items = Vec::with_capacity(rows.len());
    for row in &rows {
        // A conversation with nothing on this page has one row without a message.
        if row.try_get::<Option<Uuid>, _>("id")?.is_some() {
            items.push(SealedMessage::from_row(row)?);
        }
    }
    let more = items.len() > limit as usize;
    items.truncate(limit as usize);
    let next = items.last().filter(|_| more).map(|message| Cursor { ordinal: message.ordinal });
    Ok(Some((Page { items, next }, wrapped)))
}

/// A conversation without branches is read by one range of an index; one with branches gives a single row that says so.
const PLAIN_PAGE: &str = owned!(
    "SELECT m.*, c.branched, k.wrapped
       FROM my_conversations c
       LEFT JOIN my_keys k ON k.kind = 'conversation' AND k.id = c.id AND k.owner = me.owner
       LEFT JOIN LATERAL (
            SELECT p.id, p.conversation_id, p.ordinal, p.parent_id, p.role, p.status, p.created_at, p.sequence,
                   p.event_type, p.private, p.model, p.quoted, p.failure, p.prompt_tokens, p.completion_tokens,
                   p.rating, ARRAY[p.id] AS siblings
              FROM my_messages p
             WHERE NOT c.branched AND p.conversation_id = c.id AND p.owner = me.owner AND p.ordinal > $3
             ORDER BY p.ordinal LIMIT $4
       ) AS m ON true
      WHERE c.owner = me.owner AND c.id = $2 AND c.deleted_at IS NULL
      ORDER BY m.ordinal"
);

/// In a conversation with branches the path is found by going down from the message wanted to the newest below it, and from
/// there up to the root.
const BRANCH_PAGE: &str = owned!(
    "WITH RECURSIVE below AS (
         SELECT s.id, s.ordinal FROM my_messages s
          WHERE s.conversation_id = $2 AND s.owner = me.owner
            AND s.id = coalesce($5, (SELECT c.newest_message FROM my_conversations c
                                      WHERE c.id = $2 AND c.owner = me.owner))
          UNION ALL
         SELECT s.id, s.ordinal FROM below b JOIN my_messages s
             ON s.conversation_id = $2 AND s.owner = me.owner AND s.parent_id = b.id
     ), path AS (
         SELECT s.id, s.parent_id, s.ordinal FROM my_messages s
          WHERE s.conversation_id = $2 AND s.owner = me.owner
            AND s.id = (SELECT id FROM below ORDER BY ordinal DESC LIMIT 1)
          UNION ALL
         SELECT s.id, s.parent_id, s.ordinal FROM path p JOIN my_messages s
             ON s.conversation_id = $2 AND s.owner = me.owner AND s.id = p.parent_id
     )
     SELECT p.id, p.conversation_id, p.ordinal, p.parent_id, p.role, p.status, p.created_at, p.sequence,
            p.event_type, p.private, p.model, p.quoted, p.failure, p.prompt_tokens, p.completion_tokens, p.rating,
            (SELECT array_agg(s.id ORDER BY s.ordinal) FROM my_messages s
              WHERE s.conversation_id = $2 AND s.owner = me.owner
                AND s.parent_id IS NOT DISTINCT FROM p.parent_id) AS siblings
       FROM path JOIN my_messages p ON p.conversation_id = $2 AND p.owner = me.owner AND p.id = path.id
      WHERE path.ordinal > $3
      ORDER BY path.ordinal LIMIT $4"
);

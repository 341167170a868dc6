//! The branch that is shown, page by page.

use aggregates::{ConversationId, UserId};
use serde::{Deserialize, Serialize};
use sqlx::{PgPool, Row as _};
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

/// A page that somebody wants.
#[derive(Debug, Clone, Copy)]
pub struct Wanted {
    /// Who asks.
    pub owner: UserId,
    /// The conversation.
    pub conversation: ConversationId,
    /// The place after which the page begins.
    pub after: Option<Cursor>,
    /// The most messages on it.
    pub limit: u32,
    /// Whether the conversation's wrapped key has to come with it.
    pub with_key: bool,
}

/// A page with the conversation's wrapped key, if that was wanted and was not destroyed.
#[derive(Debug)]
pub struct Found {
    /// The page, oldest first.
    pub page: Page<SealedMessage, Cursor>,
    /// The key.
    pub wrapped: Option<Vec<u8>>,
    /// The conversation has branches, so that the page is empty: ask for [`branch`].
    pub branched: bool,
}

/// Pages of conversations without branches, of any number of people, in one round trip, in the order wanted. `None` where
/// there is no such conversation or it was deleted.
pub async fn pages(pool: &PgPool, wanted: &[Wanted]) -> Result<Vec<Option<Found>>, sqlx::Error> {
    let rows = sqlx::query(PAGES)
        .bind(wanted.iter().map(|page| page.owner.uuid()).collect::<Vec<_>>())
        .bind(wanted.iter().map(|page| page.conversation.uuid()).collect::<Vec<_>>())
        .bind(wanted.iter().map(|page| page.after.map_or(0, |cursor| cursor.ordinal)).collect::<Vec<_>>())
        .bind(wanted.iter().map(|page| i64::from(page.limit) + 1).collect::<Vec<_>>())
        .bind(wanted.iter().map(|page| page.with_key).collect::<Vec<_>>())
        .fetch_all(pool)
        .await?;
    let mut found: Vec<Option<Found>> = wanted.iter().map(|_| None).collect();
    for row in &rows {
        let place: i64 = row.try_get(0)?;
        let index = usize::try_from(place - 1).unwrap_or(usize::MAX);
        let (Some(slot), Some(page)) = (found.get_mut(index), wanted.get(index)) else { continue };
        let found = match slot {
            Some(found) => found,
            None => slot.insert(Found {
                page: Page { items: Vec::with_capacity(page.limit as usize + 1), next: None },
                wrapped: row.try_get(1)?,
                branched: row.try_get(2)?,
            }),
        };
        // A conversation with nothing on this page has one row without a message.
        if let Some(id) = row.try_get(3)? {
            found.page.items.push(SealedMessage::read(row, id, page.conversation)?);
        }
    }
    for (found, wanted) in found.iter_mut().zip(wanted) {
        if let Some(found) = found {
            // Sorted here, where they nearly always are in order already.
            found.page.items.sort_by_key(|message| message.ordinal);
            end_page(&mut found.page, wanted.limit);
        }
    }
    Ok(found)
}

/// One person's page of a conversation with its wrapped key, with branches or without.
pub async fn page(
    pool: &PgPool,
    owner: UserId,
    conversation: ConversationId,
    through: Branch,
    after: Option<Cursor>,
    limit: u32,
) -> Result<Option<(Page<SealedMessage, Cursor>, Option<Vec<u8>>)>, sqlx::Error> {
    let wanted = Wanted { owner, conversation, after, limit, with_key: true };
    let Some(found) = pages(pool, &[wanted]).await?.pop().flatten() else { return Ok(None) };
    let page = if found.branched { branch(pool, &wanted, through).await? } else { found.page };
    Ok(Some((page, found.wrapped)))
}

/// A page of one branch of a conversation that has some, oldest first.
pub async fn branch(
    pool: &PgPool,
    wanted: &Wanted,
    branch: Branch,
) -> Result<Page<SealedMessage, Cursor>, sqlx::Error> {
    let through = match branch {
        Branch::Newest => None,
        Branch::Through(message) => Some(message),
    };
    let rows = sqlx::query(BRANCH_PAGE)
        .bind(wanted.owner.to_string())
        .bind(wanted.conversation.uuid())
        .bind(wanted.after.map_or(0, |cursor| cursor.ordinal))
        .bind(i64::from(wanted.limit) + 1)
        .bind(through)
        .fetch_all(pool)
        .await?;
    let items = rows
        .iter()
        .map(|row| {
            let mut message = SealedMessage::read(row, row.try_get(3)?, wanted.conversation)?;
            message.siblings = row.try_get("siblings")?;
            Ok(message)
        })
        .collect::<Result<_, sqlx::Error>>()?;
    let mut page = Page { items, next: None };
    end_page(&mut page, wanted.limit);
    Ok(page)
}

/// One more than wanted was read, to know whether there is more.
fn end_page(page: &mut Page<SealedMessage, Cursor>, limit: u32) {
    let more = page.items.len() > limit as usize;
    page.items.truncate(limit as usize);
    page.next = page.items.last().filter(|_| more).map(|message| Cursor { ordinal: message.ordinal });
}

/// Columns by number: place, key, branched, and the message from its id on. Each wanted page sets its owner before its rows
/// are looked for; `OFFSET 0` keeps the two in this order. Why sub-selects: [`crate::owned`].
const PAGES: &str = "
SELECT x.* FROM (
    SELECT u.*, set_config('colloquy.owner', u.asker::text, true)::uuid AS owner
      FROM UNNEST((SELECT $1::uuid[]), (SELECT $2::uuid[]), (SELECT $3::bigint[]), (SELECT $4::bigint[]),
                  (SELECT $5::bool[]))
           WITH ORDINALITY AS u (asker, conversation, after, most, with_key, place)
    OFFSET 0
) AS me CROSS JOIN LATERAL (
    SELECT me.place, k.wrapped, c.branched, m.*
      FROM my_conversations c
      LEFT JOIN LATERAL (SELECT k.wrapped FROM my_keys k WHERE me.with_key AND k.kind = 'conversation'
                            AND k.id = me.conversation AND k.owner = me.owner) AS k ON true
      LEFT JOIN LATERAL (
           SELECT p.id, p.ordinal, p.parent_id, p.status, p.created_at, p.sequence, p.private,
                  p.model, p.quoted, p.failure, p.prompt_tokens, p.completion_tokens, p.rating
             FROM my_messages p
            WHERE NOT c.branched AND p.conversation_id = me.conversation AND p.owner = me.owner AND p.ordinal > me.after
            ORDER BY p.ordinal LIMIT me.most
      ) AS m ON true
     WHERE c.owner = me.owner AND c.id = me.conversation AND c.deleted_at IS NULL
    OFFSET 0
) AS x";

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
     SELECT NULL::bigint, NULL::bytea, true, p.id, p.ordinal, p.parent_id, p.status, p.created_at, p.sequence,
            p.private, p.model, p.quoted, p.failure, p.prompt_tokens, p.completion_tokens, p.rating,
            (SELECT array_agg(s.id ORDER BY s.ordinal) FROM my_messages s
              WHERE s.conversation_id = $2 AND s.owner = me.owner
                AND s.parent_id IS NOT DISTINCT FROM p.parent_id) AS siblings
       FROM path JOIN my_messages p ON p.conversation_id = $2 AND p.owner = me.owner AND p.id = path.id
      WHERE path.ordinal > $3
      ORDER BY path.ordinal LIMIT $4"
);

//! Queries of one branch of a conversation, page by page.

use aggregates::{ConversationId, Position, UserId};
use serde::{Deserialize, Serialize};
use sqlx::{FromRow as _, PgExecutor, Row as _};
use uuid::Uuid;

use super::SealedMessage;
use super::row::MessageColumns;
use super::tree::Tree;
use crate::{Page, QueryError, owned};

/// A branch of the tree of messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Branch {
    /// The branch that ends in the newest message.
    Newest,
    /// The newest branch that contains this message.
    Through(Uuid),
}

/// The position of the last message of a page: the next page begins after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// The position of the event that added the message.
    pub ordinal: Position,
}

/// A request for one page of a conversation.
#[derive(Debug, Clone, Copy)]
pub struct PageRequest {
    /// The owner of the conversation.
    pub owner: UserId,
    /// The id of the conversation.
    pub conversation: ConversationId,
    /// The cursor of the page before; `None` for the first page.
    pub after: Option<Cursor>,
    /// The most messages on the page.
    pub limit: u32,
    /// Whether to return the conversation's wrapped key too.
    pub with_key: bool,
}

impl PageRequest {
    /// The position after which the page begins.
    fn after(&self) -> Position {
        self.after.map_or(Position(0), |cursor| cursor.ordinal)
    }
}

/// A page of a conversation.
#[derive(Debug)]
pub struct MessagesPage {
    /// The messages, oldest first; empty if the conversation has branches.
    pub page: Page<SealedMessage, Cursor>,
    /// The conversation's wrapped key; `None` if the request leaves it out, or if it was destroyed.
    pub wrapped_key: Option<Vec<u8>>,
    /// Whether the conversation has branches: [`branch_page`] reads one of them.
    pub branched: bool,
}

/// Pages of conversations without branches, of any owners, in the order of the requests.
/// Takes one round trip.
///
/// The page is `None` if the owner has no such conversation, or if it is deleted.
pub async fn pages(
    executor: impl PgExecutor<'_>,
    requests: &[PageRequest],
) -> Result<Vec<Option<MessagesPage>>, QueryError> {
    let rows = sqlx::query(PAGES)
        .bind(requests.iter().map(|request| request.owner).collect::<Vec<_>>())
        .bind(requests.iter().map(|request| request.conversation).collect::<Vec<_>>())
        .bind(requests.iter().map(PageRequest::after).collect::<Vec<_>>())
        .bind(requests.iter().map(|request| i64::from(request.limit) + 1).collect::<Vec<_>>())
        .bind(requests.iter().map(|request| request.with_key).collect::<Vec<_>>())
        .fetch_all(executor)
        .await?;
    let mut pages: Vec<Option<MessagesPage>> = requests.iter().map(|_| None).collect();
    for row in &rows {
        let number: i64 = row.try_get("request")?;
        let index = usize::try_from(number - 1).unwrap_or(usize::MAX);
        let (Some(slot), Some(request)) = (pages.get_mut(index), requests.get(index)) else { continue };
        let page = match slot {
            Some(page) => page,
            None => slot.insert(MessagesPage {
                page: Page { items: Vec::with_capacity(request.limit as usize + 1), next: None },
                wrapped_key: row.try_get("wrapped_key")?,
                branched: row.try_get("branched")?,
            }),
        };
        // A conversation without messages on this page yields one row without a message.
        if row.try_get::<Option<Uuid>, _>("id")?.is_some() {
            let message = MessageColumns::from_row(row)?;
            page.page.items.push(SealedMessage::without_siblings(request.conversation, message));
        }
    }
    for (page, request) in pages.iter_mut().zip(requests) {
        if let Some(MessagesPage { page, .. }) = page {
            let mut items = std::mem::take(&mut page.items);
            // Postgres returns the rows nearly always in this order already.
            items.sort_by_key(|message| message.message.ordinal);
            *page = Page::of(items, request.limit, SealedMessage::cursor);
        }
    }
    Ok(pages)
}

/// A page of one branch of a conversation that has branches, oldest first. Takes two round trips, and time in
/// proportion to the messages of the conversation.
pub async fn branch_page(
    executor: impl PgExecutor<'_> + Copy,
    request: &PageRequest,
    branch: Branch,
) -> Result<Page<SealedMessage, Cursor>, QueryError> {
    let through = match branch {
        Branch::Newest => None,
        Branch::Through(message) => Some(message),
    };
    let tree: Tree = sqlx::query_as(TREE)
        .bind(request.owner.to_string())
        .bind(request.conversation)
        .fetch_one(executor)
        .await?;
    let mut branch = tree.branch(through);
    branch.retain(|place| place.ordinal > request.after());
    branch.truncate(request.limit as usize + 1);
    let mut siblings = tree.children_of(branch.iter().map(|place| place.parent));
    let rows = sqlx::query(MESSAGES)
        .bind(request.owner.to_string())
        .bind(request.conversation)
        .bind(branch.iter().map(|place| place.id).collect::<Vec<_>>())
        .fetch_all(executor)
        .await?;
    let mut items = Vec::with_capacity(rows.len());
    for row in &rows {
        let message = MessageColumns::from_row(row)?;
        // Each message of a branch has another parent.
        let siblings = siblings.remove(&message.parent_id).unwrap_or_else(|| vec![message.id]);
        items.push(SealedMessage { conversation_id: request.conversation, message, siblings });
    }
    Ok(Page::of(items, request.limit, SealedMessage::cursor))
}

impl SealedMessage {
    const fn cursor(&self) -> Cursor {
        Cursor { ordinal: self.message.ordinal }
    }
}

/// Each request sets its owner before its rows are read; `OFFSET 0` keeps the two in this order. The reason
/// for the sub-selects is described at [`crate::owned`].
const PAGES: &str = "
SELECT x.* FROM (
    SELECT u.*, set_config('colloquy.owner', u.asker::text, true)::uuid AS owner
      FROM UNNEST((SELECT $1::uuid[]), (SELECT $2::uuid[]), (SELECT $3::bigint[]), (SELECT $4::bigint[]),
                  (SELECT $5::bool[]))
           WITH ORDINALITY AS u (asker, conversation, after, most, with_key, request)
    OFFSET 0
) AS me CROSS JOIN LATERAL (
    SELECT me.request, k.wrapped AS wrapped_key, c.branched, m.*
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

/// The shape of the tree in one row.
const TREE: &str = owned!(
    "SELECT coalesce(array_agg(s.id ORDER BY s.ordinal), '{}') AS ids,
            coalesce(array_agg(s.parent_id ORDER BY s.ordinal), '{}') AS parents,
            coalesce(array_agg(s.ordinal ORDER BY s.ordinal), '{}') AS ordinals,
            (SELECT c.newest_message FROM my_conversations c WHERE c.id = $2 AND c.owner = me.owner) AS newest
       FROM my_messages s WHERE s.conversation_id = $2 AND s.owner = me.owner"
);

const MESSAGES: &str = owned!(
    "SELECT p.id, p.ordinal, p.parent_id, p.status, p.created_at, p.sequence, p.private, p.model, p.quoted, p.failure,
            p.prompt_tokens, p.completion_tokens, p.rating
       FROM my_messages p
      WHERE p.conversation_id = $2 AND p.owner = me.owner AND p.id = ANY($3)
      ORDER BY p.ordinal"
);

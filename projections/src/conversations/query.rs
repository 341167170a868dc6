//! Queries of the list and of one row.

use std::cmp::Reverse;

use aggregates::{ConversationId, UserId, Version};
use chrono::{DateTime, SubsecRound as _, Utc};
use sealing::ContentKey;
use serde::{Deserialize, Serialize};
use sqlx::{FromRow, PgExecutor, Row as _};
use utoipa::ToSchema;
use uuid::Uuid;

use super::card;
use crate::{Page, QueryError, owned};

/// Conditions on conversations. `None` admits all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Whether the conversation is archived.
    pub archived: Option<bool>,
    /// Whether the conversation is pinned.
    pub pinned: Option<bool>,
    /// The keyed hash of one of its tags.
    pub tag: Option<String>,
    /// The earliest time of its last activity.
    pub from: Option<DateTime<Utc>>,
    /// The time before which its last activity was.
    pub to: Option<DateTime<Utc>>,
}

/// The sort key of a row: the next page begins after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// Whether the row is pinned.
    pub pinned: bool,
    /// The time of the last activity, in microseconds since 1970.
    pub updated_at: i64,
    /// The id of the conversation.
    pub id: Uuid,
}

/// A row with its card and its key as they are stored.
#[derive(Debug, Clone, FromRow)]
pub struct SealedConversation {
    /// The id of the conversation.
    pub id: ConversationId,
    version: Version,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    message_count: i32,
    answering: i32,
    pinned: bool,
    archived: bool,
    card: Option<Vec<u8>>,
    /// The wrapped content key; `None` if the query leaves keys out, or if the key was destroyed.
    pub wrapped_key: Option<Vec<u8>>,
    /// The owner's wrapped key; `None` as for `wrapped_key`.
    #[sqlx(skip)]
    pub owner_key: Option<WrappedUserKey>,
}

/// A user's key as it is stored.
#[derive(Debug, Clone)]
pub struct WrappedUserKey {
    /// The id of the master key that wraps it.
    pub wrapped_by: String,
    /// The wrapped key.
    pub wrapped: Vec<u8>,
}

/// A row with the columns of its owner's key.
#[derive(FromRow)]
struct RowWithOwnerKey {
    #[sqlx(flatten)]
    conversation: SealedConversation,
    owner_wrapped_by: Option<String>,
    owner_wrapped_key: Option<Vec<u8>>,
}

/// A row of the list of conversations.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ConversationRow {
    /// The id of the conversation.
    #[schema(value_type = Uuid)]
    pub id: ConversationId,
    /// The title, or a line of the first question until a title is set.
    pub title: String,
    /// The beginning of the newest text.
    pub preview: String,
    /// The number of questions and answers.
    pub message_count: i32,
    /// Whether the list shows the conversation before the others.
    pub pinned: bool,
    /// Whether the conversation is archived.
    pub archived: bool,
    /// The tags as the owner wrote them.
    pub tags: Vec<String>,
    /// The time of the first event.
    pub created_at: DateTime<Utc>,
    /// The time of the last question, or of the last end of an answer.
    pub updated_at: DateTime<Utc>,
    /// The version: the number of the conversation's events.
    #[schema(value_type = u64)]
    pub version: Version,
    /// Whether an answer is requested that has not ended.
    pub answering: bool,
}

impl From<RowWithOwnerKey> for SealedConversation {
    fn from(row: RowWithOwnerKey) -> Self {
        let owner_key = row
            .owner_wrapped_by
            .zip(row.owner_wrapped_key)
            .map(|(wrapped_by, wrapped)| WrappedUserKey { wrapped_by, wrapped });
        Self { owner_key, ..row.conversation }
    }
}

impl SealedConversation {
    /// The size of its encrypted texts.
    pub(crate) fn encrypted_bytes(&self) -> usize {
        self.card.as_ref().map_or(0, Vec::len)
    }

    /// Decrypts the row. Without a key, title, preview and tags are empty.
    pub fn open(self, key: Option<&ContentKey>) -> ConversationRow {
        let card = card::open(self.id, self.card.as_deref(), key);
        ConversationRow {
            id: self.id,
            title: card.title.unwrap_or(card.opening),
            preview: card.preview,
            message_count: self.message_count,
            pinned: self.pinned,
            archived: self.archived,
            tags: card.tags,
            created_at: self.created_at,
            updated_at: self.updated_at,
            version: self.version,
            answering: self.answering > 0,
        }
    }

    /// The sort key; the list is in descending order of it.
    const fn sort_key(&self) -> (bool, DateTime<Utc>, ConversationId) {
        (self.pinned, self.updated_at, self.id)
    }

    fn cursor(&self) -> Cursor {
        Cursor { pinned: self.pinned, updated_at: self.updated_at.timestamp_micros(), id: self.id.uuid() }
    }
}

/// A request for one page of a list.
#[derive(Debug, Clone)]
pub struct ListRequest {
    /// The owner of the list.
    pub owner: UserId,
    /// The conditions on its rows.
    pub filter: Filter,
    /// The cursor of the page before; `None` for the first page.
    pub after: Option<Cursor>,
    /// The most rows on the page.
    pub limit: u32,
    /// Whether to return the wrapped keys too.
    pub with_keys: bool,
}

/// A page of a list.
pub type ListPage = Page<SealedConversation, Cursor>;

/// Pages of the lists of any owners, in the order of the requests. Takes one round trip.
///
/// A list shows pinned conversations first, then the newest activity.
pub async fn lists(
    executor: impl PgExecutor<'_>,
    requests: &[ListRequest],
) -> Result<Vec<ListPage>, QueryError> {
    fn each<T>(requests: &[ListRequest], column: impl Fn(&ListRequest) -> T) -> Vec<T> {
        requests.iter().map(column).collect()
    }
    let after_time = |request: &ListRequest| {
        let time = DateTime::from_timestamp_micros(request.after?.updated_at)?;
        Some(time.trunc_subsecs(6))
    };
    let rows = sqlx::query(LISTS)
        .bind(each(requests, |request| request.owner))
        .bind(each(requests, |request| request.filter.archived))
        .bind(each(requests, |request| request.filter.pinned))
        .bind(each(requests, |request| request.filter.tag.clone()))
        .bind(each(requests, |request| request.filter.from))
        .bind(each(requests, |request| request.filter.to))
        .bind(each(requests, |request| request.after.map(|cursor| cursor.pinned)))
        .bind(each(requests, after_time))
        .bind(each(requests, |request| request.after.map(|cursor| cursor.id)))
        .bind(each(requests, |request| i64::from(request.limit) + 1))
        .bind(each(requests, |request| request.with_keys))
        .fetch_all(executor)
        .await?;
    let mut lists: Vec<Vec<SealedConversation>> = each(requests, |_| vec![]);
    for row in &rows {
        let request: i64 = row.try_get("request")?;
        if let Some(list) = usize::try_from(request - 1).ok().and_then(|index| lists.get_mut(index)) {
            list.push(RowWithOwnerKey::from_row(row)?.into());
        }
    }
    let page = |(mut list, request): (Vec<SealedConversation>, &ListRequest)| {
        // Postgres returns the rows nearly always in this order already, so that the sort costs one
        // comparison a row.
        list.sort_by_key(|conversation| Reverse(conversation.sort_key()));
        Page::of(list, request.limit, SealedConversation::cursor)
    };
    Ok(lists.into_iter().zip(requests).map(page).collect())
}

/// One of an owner's conversations with its keys; `None` if the owner has no such conversation, or
/// if it is deleted.
pub async fn get(
    executor: impl PgExecutor<'_>,
    owner: UserId,
    id: ConversationId,
) -> Result<Option<SealedConversation>, QueryError> {
    Ok(rows(executor, owner, &[id]).await?.pop())
}

/// Those of an owner's conversations that exist and are not deleted, with their keys, in any order. Takes one
/// round trip.
pub async fn rows(
    executor: impl PgExecutor<'_>,
    owner: UserId,
    ids: &[ConversationId],
) -> Result<Vec<SealedConversation>, QueryError> {
    let rows: Vec<RowWithOwnerKey> =
        sqlx::query_as(ROWS).bind(owner.to_string()).bind(ids).fetch_all(executor).await?;
    Ok(rows.into_iter().map(SealedConversation::from).collect())
}

/// The projected version of a conversation; `None` as for [`get`].
pub async fn version(
    executor: impl PgExecutor<'_>,
    owner: UserId,
    id: ConversationId,
) -> Result<Option<Version>, QueryError> {
    Ok(get(executor, owner, id).await?.map(|row| row.version))
}

/// Each request sets its owner before its rows are read; `OFFSET 0` keeps the two in this order. The reason
/// for the sub-selects is described at [`crate::owned`].
const LISTS: &str = "
SELECT x.* FROM (
    SELECT u.*, set_config('colloquy.owner', u.asker::text, true)::uuid AS owner
      FROM UNNEST((SELECT $1::uuid[]), (SELECT $2::bool[]), (SELECT $3::bool[]), (SELECT $4::text[]),
                  (SELECT $5::timestamptz[]), (SELECT $6::timestamptz[]), (SELECT $7::bool[]),
                  (SELECT $8::timestamptz[]), (SELECT $9::uuid[]), (SELECT $10::bigint[]), (SELECT $11::bool[]))
           WITH ORDINALITY AS u (asker, archived, pinned, tag, since, until,
                                 after_pinned, after_time, after_id, most, with_keys, request)
    OFFSET 0
) AS me LEFT JOIN LATERAL (
    SELECT k.wrapped_by, k.wrapped FROM my_keys k
     WHERE me.with_keys AND k.kind = 'user' AND k.id = me.owner AND k.owner = me.owner
    -- A hash join would read all keys under the owner of the first request.
    OFFSET 0
) AS mine ON true CROSS JOIN LATERAL (
    SELECT me.request, c.id, c.version, c.created_at, c.updated_at, c.message_count, c.answering, c.pinned, c.archived,
           c.card, k.wrapped AS wrapped_key,
           mine.wrapped_by AS owner_wrapped_by, mine.wrapped AS owner_wrapped_key
      FROM (SELECT * FROM my_conversations c
             WHERE c.owner = me.owner AND c.deleted_at IS NULL
               AND (me.archived IS NULL OR c.archived = me.archived)
               AND (me.pinned IS NULL OR c.pinned = me.pinned)
               AND (me.tag IS NULL OR me.tag = ANY (c.tag_tokens))
               AND (me.since IS NULL OR c.updated_at >= me.since)
               AND (me.until IS NULL OR c.updated_at < me.until)
               AND (me.after_pinned IS NULL
                    OR (c.pinned, c.updated_at, c.id) < (me.after_pinned, me.after_time, me.after_id))
             ORDER BY c.pinned DESC, c.updated_at DESC, c.id DESC LIMIT me.most) AS c
      LEFT JOIN LATERAL (SELECT k.wrapped FROM my_keys k
                          WHERE me.with_keys AND k.kind = 'conversation' AND k.id = c.id AND k.owner = me.owner) AS k ON true
    OFFSET 0
) AS x";

const ROWS: &str = owned!(
    "SELECT c.id, c.version, c.created_at, c.updated_at, c.message_count, c.answering, c.pinned, c.archived, c.card,
            k.wrapped AS wrapped_key, mine.wrapped_by AS owner_wrapped_by, mine.wrapped AS owner_wrapped_key
       FROM my_conversations c
       LEFT JOIN my_keys k ON k.kind = 'conversation' AND k.id = c.id AND k.owner = me.owner
       LEFT JOIN my_keys mine ON mine.kind = 'user' AND mine.id = me.owner AND mine.owner = me.owner
      WHERE c.owner = me.owner AND c.id = ANY($2) AND c.deleted_at IS NULL"
);

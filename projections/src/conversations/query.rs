//! The list, and one row of it.

use std::cmp::Reverse;

use aggregates::{ConversationId, UserId};
use chrono::{DateTime, SubsecRound as _, Utc};
use sealing::ContentKey;
use serde::{Deserialize, Serialize};
use sqlx::postgres::PgRow;
use sqlx::{FromRow, PgExecutor, Row as _};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{conversation_id, open_card};
use crate::{Page, owned};

/// Which conversations.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only archived ones, or only others.
    pub archived: Option<bool>,
    /// Only pinned ones, or only others.
    pub pinned: Option<bool>,
    /// The keyed hash of a tag they have.
    pub tag: Option<String>,
    /// Active at this time or later.
    pub from: Option<DateTime<Utc>>,
    /// Active before this time.
    pub to: Option<DateTime<Utc>>,
}

/// A place in the list: after this row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// Whether the row is pinned.
    pub pinned: bool,
    /// Its last activity, in microseconds since 1970.
    pub updated_at: i64,
    /// Its id.
    pub id: Uuid,
}

/// A row with its card and its key as they are stored.
#[derive(Debug, Clone, FromRow)]
pub struct SealedConversation {
    /// The conversation.
    pub id: Uuid,
    version: i64,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    message_count: i32,
    answering: i32,
    pinned: bool,
    archived: bool,
    card: Option<Vec<u8>>,
    /// The conversation's wrapped key; `None` if it was not wanted, or once it was destroyed.
    pub wrapped: Option<Vec<u8>>,
    /// The owner's wrapped key, likewise.
    #[sqlx(skip)]
    pub owner_key: Option<WrappedUserKey>,
}

/// A user's key as it is stored.
#[derive(Debug, Clone)]
pub struct WrappedUserKey {
    /// The id of the master key that wraps it.
    pub wrapped_by: String,
    /// The key.
    pub wrapped: Vec<u8>,
}

/// A conversation as the list shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ConversationRow {
    /// Its id.
    #[schema(value_type = Uuid)]
    pub id: ConversationId,
    /// The title somebody gave, or the beginning of its first question.
    pub title: String,
    /// The beginning of its newest text.
    pub preview: String,
    /// Questions and answers.
    pub message_count: i32,
    /// It stands before the others.
    pub pinned: bool,
    /// It is out of the way.
    pub archived: bool,
    /// What its owner tagged it with.
    pub tags: Vec<String>,
    /// When it began.
    pub created_at: DateTime<Utc>,
    /// When somebody last asked or was answered in it.
    pub updated_at: DateTime<Utc>,
    /// The number of its events.
    pub version: i64,
    /// An answer is being written.
    pub answering: bool,
}

impl SealedConversation {
    /// The row, opened. Without a key there is nothing left to read in it.
    pub fn open(self, key: Option<&ContentKey>) -> ConversationRow {
        let opened = self.card.as_ref().zip(key).and_then(|(card, key)| open_card(self.id, card, key));
        let card = opened.unwrap_or_default();
        ConversationRow {
            id: conversation_id(self.id),
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

    /// Reads a row whose columns begin at this number (by name it takes twice as long), without looking up their types, which
    /// are those of our own statements.
    fn read(row: &PgRow, first: usize) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: row.try_get_unchecked(first)?,
            version: row.try_get_unchecked(first + 1)?,
            created_at: row.try_get_unchecked(first + 2)?,
            updated_at: row.try_get_unchecked(first + 3)?,
            message_count: row.try_get_unchecked(first + 4)?,
            answering: row.try_get_unchecked(first + 5)?,
            pinned: row.try_get_unchecked(first + 6)?,
            archived: row.try_get_unchecked(first + 7)?,
            card: row.try_get_unchecked(first + 8)?,
            wrapped: row.try_get_unchecked(first + 9)?,
            owner_key: match (row.try_get_unchecked(first + 10)?, row.try_get_unchecked(first + 11)?) {
                (Some(wrapped_by), Some(wrapped)) => Some(WrappedUserKey { wrapped_by, wrapped }),
                _ => None,
            },
        })
    }

    /// Its place in a list, which goes from the highest to the lowest.
    const fn place(&self) -> (bool, DateTime<Utc>, Uuid) {
        (self.pinned, self.updated_at, self.id)
    }

    fn cursor(&self) -> Cursor {
        Cursor { pinned: self.pinned, updated_at: self.updated_at.timestamp_micros(), id: self.id }
    }
}

/// A page of a list that somebody wants.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// Who asks.
    pub owner: UserId,
    /// Which of their conversations.
    pub filter: Filter,
    /// The place after which the page begins.
    pub after: Option<Cursor>,
    /// The most rows on it.
    pub limit: u32,
    /// Whether the conversations' wrapped keys have to come with it.
    pub with_keys: bool,
}

/// A page of a list.
pub type Found = Page<SealedConversation, Cursor>;

/// Pages of any number of people, in one round trip, in the order wanted. Pinned conversations first, then the newest
/// activity.
pub async fn lists(executor: impl PgExecutor<'_>, wanted: &[Wanted]) -> Result<Vec<Found>, sqlx::Error> {
    fn each<T>(wanted: &[Wanted], column: impl Fn(&Wanted) -> T) -> Vec<T> {
        wanted.iter().map(column).collect()
    }
    let after = |wanted: &Wanted| {
        let time = DateTime::from_timestamp_micros(wanted.after?.updated_at)?;
        Some(time.trunc_subsecs(6))
    };
    let rows = sqlx::query(LISTS)
        .bind(each(wanted, |list| list.owner.uuid()))
        .bind(each(wanted, |list| list.filter.archived))
        .bind(each(wanted, |list| list.filter.pinned))
        .bind(each(wanted, |list| list.filter.tag.clone()))
        .bind(each(wanted, |list| list.filter.from))
        .bind(each(wanted, |list| list.filter.to))
        .bind(each(wanted, |list| list.after.map(|cursor| cursor.pinned)))
        .bind(each(wanted, after))
        .bind(each(wanted, |list| list.after.map(|cursor| cursor.id)))
        .bind(each(wanted, |list| i64::from(list.limit) + 1))
        .bind(each(wanted, |list| list.with_keys))
        .fetch_all(executor)
        .await?;
    let mut found: Vec<Found> = each(wanted, |_| Page { items: vec![], next: None });
    for row in &rows {
        let place: i64 = row.try_get(0)?;
        if let Some(page) = found.get_mut(usize::try_from(place - 1).unwrap_or(usize::MAX)) {
            page.items.push(SealedConversation::read(row, 1)?);
        }
    }
    for (page, wanted) in found.iter_mut().zip(wanted) {
        // Sorted here, where they nearly always are in order already.
        page.items.sort_by_key(|conversation| Reverse(conversation.place()));
        let more = page.items.len() > wanted.limit as usize;
        page.items.truncate(wanted.limit as usize);
        page.next = page.items.last().filter(|_| more).map(SealedConversation::cursor);
    }
    Ok(found)
}

/// One person's page, with keys.
pub async fn list(
    executor: impl PgExecutor<'_>,
    owner: UserId,
    filter: &Filter,
    after: Option<Cursor>,
    limit: u32,
) -> Result<Found, sqlx::Error> {
    let wanted = Wanted { owner, filter: filter.clone(), after, limit, with_keys: true };
    let found = lists(executor, &[wanted]).await?.pop();
    Ok(found.unwrap_or(Page { items: vec![], next: None }))
}

/// One of an owner's conversations; `None` if there is none or it was deleted.
pub async fn get(
    executor: impl PgExecutor<'_>,
    owner: UserId,
    id: ConversationId,
) -> Result<Option<SealedConversation>, sqlx::Error> {
    let row = sqlx::query(GET).bind(owner.to_string()).bind(id.uuid()).fetch_optional(executor).await?;
    row.as_ref().map(|row| SealedConversation::read(row, 0)).transpose()
}

/// The version a conversation shows; `None` if there is none or it was deleted.
pub async fn version(
    executor: impl PgExecutor<'_>,
    owner: UserId,
    id: ConversationId,
) -> Result<Option<u64>, sqlx::Error> {
    Ok(get(executor, owner, id).await?.map(|row| row.version.unsigned_abs()))
}

/// Each wanted list sets its owner before its rows are looked for; `OFFSET 0` keeps the two in this order. Why sub-selects:
/// [`crate::owned`].
const LISTS: &str = "
SELECT x.* FROM (
    SELECT u.*, set_config('colloquy.owner', u.asker::text, true)::uuid AS owner
      FROM UNNEST((SELECT $1::uuid[]), (SELECT $2::bool[]), (SELECT $3::bool[]), (SELECT $4::text[]),
                  (SELECT $5::timestamptz[]), (SELECT $6::timestamptz[]), (SELECT $7::bool[]),
                  (SELECT $8::timestamptz[]), (SELECT $9::uuid[]), (SELECT $10::bigint[]), (SELECT $11::bool[]))
           WITH ORDINALITY AS u (asker, archived, pinned, tag, since, until,
                                 after_pinned, after_time, after_id, most, with_keys, place)
    OFFSET 0
) AS me LEFT JOIN LATERAL (
    SELECT k.wrapped_by, k.wrapped FROM my_keys k
     WHERE me.with_keys AND k.kind = 'user' AND k.id = me.owner AND k.owner = me.owner
) AS mine ON true CROSS JOIN LATERAL (
    SELECT me.place, c.id, c.version, c.created_at, c.updated_at, c.message_count, c.answering, c.pinned, c.archived,
           c.card, k.wrapped, mine.wrapped_by, mine.wrapped
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

const GET: &str = owned!(
    "SELECT c.id, c.version, c.created_at, c.updated_at, c.message_count, c.answering, c.pinned, c.archived, c.card,
            k.wrapped, mine.wrapped_by, mine.wrapped
       FROM my_conversations c
       LEFT JOIN my_keys k ON k.kind = 'conversation' AND k.id = c.id AND k.owner = me.owner
       LEFT JOIN my_keys mine ON mine.kind = 'user' AND mine.id = me.owner AND mine.owner = me.owner
      WHERE c.owner = me.owner AND c.id = $2 AND c.deleted_at IS NULL"
);

//! The list, and one row of it.

use aggregates::{ConversationId, UserId};
use chrono::{DateTime, SubsecRound as _, Utc};
use sealing::ContentKey;
use serde::{Deserialize, Serialize};
use sqlx::{FromRow, PgExecutor};
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
    /// The conversation's wrapped key; `None` once it was destroyed.
    pub wrapped: Option<Vec<u8>>,
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

    fn cursor(&self) -> Cursor {
        Cursor { pinned: self.pinned, updated_at: self.updated_at.timestamp_micros(), id: self.id }
    }
}

/// An owner's conversations: pinned ones first, then the newest activity.
pub async fn list(
    executor: impl PgExecutor<'_>,
    owner: UserId,
    filter: &Filter,
    after: Option<Cursor>,
    limit: u32,
) -> Result<Page<SealedConversation, Cursor>, sqlx::Error> {
    let after_time = after.and_then(|cursor| DateTime::from_timestamp_micros(cursor.updated_at));
    let mut items: Vec<SealedConversation> = sqlx::query_as(LIST)
        .bind(owner.to_string())
        .bind(filter.archived)
        .bind(filter.pinned)
        .bind(filter.tag.as_deref())
        .bind(filter.from)
        .bind(filter.to)
        .bind(after.map(|cursor| cursor.pinned))
        .bind(after_time.map(|time| time.trunc_subsecs(6)))
        .bind(after.map(|cursor| cursor.id))
        .bind(i64::from(limit) + 1)
        .fetch_all(executor)
        .await?;
    let more = items.len() > limit as usize;
    items.truncate(limit as usize);
    let next = items.last().filter(|_| more).map(SealedConversation::cursor);
    Ok(Page { items, next })
}

/// One of an owner's conversations; `None` if there is none or it was deleted.
pub async fn get(
    executor: impl PgExecutor<'_>,
    owner: UserId,
    id: ConversationId,
) -> Result<Option<SealedConversation>, sqlx::Error> {
    sqlx::query_as(GET).bind(owner.to_string()).bind(id.uuid()).fetch_optional(executor).await
}

/// The version a conversation shows; `None` if there is none or it was deleted.
pub async fn version(
    executor: impl PgExecutor<'_>,
    owner: UserId,
    id: ConversationId,
) -> Result<Option<u64>, sqlx::Error> {
    Ok(get(executor, owner, id).await?.map(|row| row.version.unsigned_abs()))
}

const LIST: &str = owned!(
    "SELECT c.id, c.version, c.created_at, c.updated_at, c.message_count, c.answering, c.pinned, c.archived, c.card,
            k.wrapped
       FROM (SELECT * FROM my_conversations c
              WHERE c.owner = me.owner AND c.deleted_at IS NULL
                AND ($2::bool IS NULL OR c.archived = $2)
                AND ($3::bool IS NULL OR c.pinned = $3)
                AND ($4::text IS NULL OR $4 = ANY (c.tag_tokens))
                AND ($5::timestamptz IS NULL OR c.updated_at >= $5)
                AND ($6::timestamptz IS NULL OR c.updated_at < $6)
                AND ($7::bool IS NULL OR (c.pinned, c.updated_at, c.id) < ($7, $8, $9))
              ORDER BY c.pinned DESC, c.updated_at DESC, c.id DESC LIMIT $10) AS c
       LEFT JOIN my_keys k ON k.kind = 'conversation' AND k.id = c.id AND k.owner = me.owner
      ORDER BY c.pinned DESC, c.updated_at DESC, c.id DESC"
);

const GET: &str = owned!(
    "SELECT c.id, c.version, c.created_at, c.updated_at, c.message_count, c.answering, c.pinned, c.archived, c.card,
            k.wrapped
       FROM my_conversations c
       LEFT JOIN my_keys k ON k.kind = 'conversation' AND k.id = c.id AND k.owner = me.owner
      WHERE c.owner = me.owner AND c.id = $2 AND c.deleted_at IS NULL"
);

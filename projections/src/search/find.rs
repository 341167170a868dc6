//! The search of an owner's messages and titles.

use aggregates::conversation::{Answer, MessageRole, MessageStatus, Question};
use aggregates::{AggregateType, ConversationId, UserId, Version};
use chrono::{DateTime, Utc};
use sealing::{AssociatedData, BlindKey, ContentKey};
use serde::{Deserialize, Serialize};
use sqlx::{FromRow, PgExecutor};
use utoipa::ToSchema;
use uuid::Uuid;
use words::Language;

use super::SearchQuery;
use super::snippet::{SnippetBudget, snippet};
use crate::conversations::{Filter, SealedConversation};
use crate::{Page, QueryError, owned};

/// The sort key of a hit: the next page begins after it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Cursor {
    /// The relevance of the hit.
    pub rank: f32,
    /// The time of the text, in microseconds since 1970.
    pub written_at: i64,
    /// The entry of the blind index.
    pub entry_id: Uuid,
}

/// A hit with its texts encrypted.
#[derive(Debug, Clone, FromRow)]
pub struct SealedHit {
    entry_id: Uuid,
    rank: f32,
    written_at: DateTime<Utc>,
    /// The status and the private part of the message; `None` if the title was found.
    status: Option<MessageStatus>,
    sequence: Option<Version>,
    private: Option<Vec<u8>>,
    /// The conversation that contains the hit.
    #[sqlx(flatten)]
    pub conversation: SealedConversation,
}

/// A message or a title that matches a search.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = Found)]
pub struct SearchHit {
    /// The id of the conversation.
    #[schema(value_type = Uuid)]
    pub conversation_id: ConversationId,
    /// The title of the conversation.
    pub title: String,
    /// The message; `null` if the title matches.
    #[schema(required)]
    pub message_id: Option<Uuid>,
    /// The kind of the text that matches.
    pub role: HitRole,
    /// The part of the text with the most matches.
    pub snippet: String,
    /// The matches in the snippet, as ranges of Unicode characters: start, and the character after the end.
    #[schema(value_type = Vec<Vec<usize>>)]
    pub highlights: Vec<(usize, usize)>,
    /// The relevance; comparable within one search.
    pub score: f32,
    /// The time of the text.
    pub created_at: DateTime<Utc>,
}

/// The kind of a text that matches a search.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = FoundRole)]
pub enum HitRole {
    /// The text of a question.
    User,
    /// The text of an answer.
    Assistant,
    /// The title of a conversation.
    Title,
}

impl From<MessageRole> for HitRole {
    fn from(role: MessageRole) -> Self {
        match role {
            MessageRole::User => Self::User,
            MessageRole::Assistant => Self::Assistant,
        }
    }
}

impl SealedHit {
    const fn cursor(&self) -> Cursor {
        Cursor { rank: self.rank, written_at: self.written_at.timestamp_micros(), entry_id: self.entry_id }
    }

    /// The size of its encrypted texts, with which the time of [`Self::open`] grows.
    pub fn encrypted_bytes(&self) -> usize {
        self.private.as_ref().map_or(0, Vec::len) + self.conversation.encrypted_bytes()
    }

    /// Decrypts the hit. Without a key its texts are empty. The hits of one search share a budget of words,
    /// which bounds the time of all of them to some 0.2 s.
    pub fn open(
        self,
        query: &SearchQuery,
        key: Option<&ContentKey>,
        budget: &mut SnippetBudget,
    ) -> SearchHit {
        let message_text = key.and_then(|key| self.message_text(key));
        let conversation = self.conversation.open(key);
        let text = message_text.unwrap_or_else(|| conversation.title.clone());
        let text = words::normalized(&text);
        let language = Language::of(&text).unwrap_or(Language::English);
        let (snippet, highlights) = snippet(&text, budget, |lower| query.matches(lower, language));
        SearchHit {
            conversation_id: conversation.id,
            title: conversation.title,
            message_id: self.status.is_some().then_some(self.entry_id),
            role: self.status.map_or(HitRole::Title, |status| status.role().into()),
            snippet,
            highlights,
            score: self.rank,
            created_at: self.written_at,
        }
    }

    fn message_text(&self, key: &ContentKey) -> Option<String> {
        let status = self.status?;
        let aad = AssociatedData::Event {
            aggregate: AggregateType::Conversation,
            aggregate_id: self.conversation.id.uuid(),
            sequence: self.sequence?,
            event_type: status.event_type(),
        };
        let json = key.open(&aad, self.private.as_deref()?).ok()?;
        match status.role() {
            MessageRole::User => {
                let question: Question = serde_json::from_slice(&json).ok()?;
                Some(question.text.into_string())
            }
            MessageRole::Assistant => {
                let answer: Answer = serde_json::from_slice(&json).ok()?;
                Some(answer.text)
            }
        }
    }
}

/// Searches an owner's messages and titles. Hits are ordered by rank, those of equal rank from the
/// newest to the oldest.
pub async fn find(
    executor: impl PgExecutor<'_>,
    owner: UserId,
    key: &BlindKey,
    query: &SearchQuery,
    filter: &Filter,
    after: Option<Cursor>,
    limit: u32,
) -> Result<Page<SealedHit, Cursor>, QueryError> {
    let hits: Vec<SealedHit> = sqlx::query_as(FIND)
        .bind(owner.to_string())
        .bind(query.tsquery(key))
        .bind(filter.archived)
        .bind(filter.pinned)
        .bind(filter.tag.as_deref())
        .bind(filter.from)
        .bind(filter.to)
        .bind(after.map(|cursor| cursor.rank))
        .bind(after.and_then(|cursor| DateTime::from_timestamp_micros(cursor.written_at)))
        .bind(after.map(|cursor| cursor.entry_id))
        .bind(i64::from(limit) + 1)
        .fetch_all(executor)
        .await?;
    Ok(Page::of(hits, limit, SealedHit::cursor))
}

/// Each sub-select parses the words once; a cast in place of it would parse them for every row.
const FIND: &str = owned!(
    "SELECT f.entry_id, f.rank, f.created_at AS written_at, m.status, m.sequence, m.private,
            c.id, c.version, c.created_at, c.updated_at, c.message_count, c.answering, c.pinned, c.archived, c.card,
            k.wrapped AS wrapped_key
       FROM (SELECT s.conversation_id, s.entry_id, s.created_at, ts_rank_cd(s.tokens, (SELECT $2::tsquery)) AS rank
               FROM my_search_entries s
               JOIN my_conversations c ON c.id = s.conversation_id AND c.owner = me.owner AND c.deleted_at IS NULL
              WHERE s.owner = me.owner AND s.tokens @@ (SELECT $2::tsquery)
                AND ($3::bool IS NULL OR c.archived = $3)
                AND ($4::bool IS NULL OR c.pinned = $4)
                AND ($5::text IS NULL OR $5 = ANY (c.tag_tokens))
                AND ($6::timestamptz IS NULL OR s.created_at >= $6)
                AND ($7::timestamptz IS NULL OR s.created_at < $7)
                AND ($8::real IS NULL OR (ts_rank_cd(s.tokens, (SELECT $2::tsquery)), s.created_at, s.entry_id) < ($8, $9, $10))
              ORDER BY rank DESC, s.created_at DESC, s.entry_id DESC LIMIT $11) AS f
       JOIN my_conversations c ON c.id = f.conversation_id AND c.owner = me.owner
       LEFT JOIN my_messages m ON m.conversation_id = f.conversation_id AND m.id = f.entry_id AND m.owner = me.owner
       LEFT JOIN my_keys k ON k.kind = 'conversation' AND k.id = c.id AND k.owner = me.owner
      ORDER BY f.rank DESC, f.created_at DESC, f.entry_id DESC"
);

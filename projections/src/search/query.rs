//! Asking the blind index.

use std::fmt::Write as _;

use aggregates::conversation::{Answer, Question, Titled};
use aggregates::{AggregateType, ConversationId, UserId, Version};
use chrono::{DateTime, Utc};
use sealing::{AssociatedData, BlindKey, ContentKey};
use serde::{Deserialize, Serialize};
use sqlx::{FromRow, PgExecutor};
use utoipa::ToSchema;
use uuid::Uuid;

use super::snippet::snippet;
use super::words::{is_stop_word, stem, words};
use crate::conversations::SealedConversation;
use crate::{Page, owned};

/// The most words a search takes.
const MOST_WORDS: usize = 32;

/// What somebody searches for: words in any of their forms, `"quoted phrases"` as they are written, and beginnings of words
/// from three letters on (`begin*`; the last word always counts as one, since it may not be finished). All of it has to be
/// there. Words too common to find anything by are left out, and count as a distance within a phrase.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchQuery {
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Word {
        lower: String,
        beginning: bool,
    },
    /// Words in lower case with their distance to the one before.
    Phrase(Vec<(String, usize)>),
}

/// Where to look.
pub type Filter = crate::conversations::Filter;

/// A place in the results: after this one.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Cursor {
    /// Its rank.
    pub rank: f32,
    /// When it was written, in microseconds since 1970.
    pub written_at: i64,
    /// Its id.
    pub entry_id: Uuid,
}

impl SearchQuery {
    /// Reads what somebody typed; `None` if there is nothing in it to search for.
    pub fn parse(typed: &str) -> Option<Self> {
        let mut parts = Vec::new();
        let quotes = typed.split('"').collect::<Vec<_>>();
        let sections = quotes.len();
        for (index, section) in quotes.into_iter().enumerate() {
            // Between two quotation marks; one without a partner is none.
            if index % 2 == 1 && index + 1 < sections {
                parts.extend(Part::phrase(section));
            } else {
                parts.extend(words(section).filter(|word| !is_stop_word(&word.lower)).map(|word| {
                    Part::Word {
                        beginning: section.get(word.end..).is_some_and(|rest| rest.starts_with('*')),
                        lower: word.lower,
                    }
                }));
            }
        }
        if let Some(Part::Word { beginning, .. }) = parts.last_mut()
            && typed.ends_with(char::is_alphanumeric)
        {
            *beginning = true;
        }
        parts.truncate(MOST_WORDS);
        (!parts.is_empty()).then_some(Self { parts })
    }

    /// The text form of the tsquery, over blind lexemes.
    fn tsquery(&self, key: &BlindKey) -> String {
        let parts: Vec<String> = self.parts.iter().map(|part| part.tsquery(key)).collect();
        parts.join(" & ")
    }

    fn wants(&self, lower: &str, stemmed: &str) -> bool {
        self.parts.iter().any(|part| match part {
            Part::Word { lower: wanted, beginning } => {
                stem(wanted) == stemmed
                    || (*beginning && wanted.chars().count() >= 3 && lower.starts_with(wanted))
            }
            Part::Phrase(phrase) => phrase.iter().any(|(wanted, _)| wanted == lower || wanted == stemmed),
        })
    }
}

impl Part {
    fn phrase(section: &str) -> Option<Self> {
        let mut distance = 0;
        let mut phrase: Vec<(String, usize)> = Vec::new();
        for word in words(section).take(MOST_WORDS) {
            distance += 1;
            if !is_stop_word(&word.lower) {
                phrase.push((word.lower, std::mem::take(&mut distance)));
            }
        }
        (!phrase.is_empty()).then_some(Self::Phrase(phrase))
    }

    fn tsquery(&self, key: &BlindKey) -> String {
        match self {
            Self::Word { lower, beginning: true } if lower.chars().count() >= 3 => {
                format!("('{}' | '{}':*)", key.lexeme(&stem(lower)).as_str(), key.lexeme(lower).as_str())
            }
            Self::Word { lower, .. } => format!("'{}'", key.lexeme(&stem(lower)).as_str()),
            Self::Phrase(phrase) => {
                let mut query = String::from("(");
                for (index, (lower, distance)) in phrase.iter().enumerate() {
                    if index > 0 {
                        let _ = write!(query, " <{distance}> ");
                    }
                    let _ = write!(query, "'{}'", key.lexeme(lower).as_str());
                }
                query.push(')');
                query
            }
        }
    }
}

/// What was found, as it is stored.
#[derive(Debug, Clone, FromRow)]
pub struct SealedFound {
    entry_id: Uuid,
    rank: f32,
    found_at: DateTime<Utc>,
    role: Option<String>,
    sequence: Option<i64>,
    event_type: Option<String>,
    private: Option<Vec<u8>>,
    /// Its conversation.
    #[sqlx(flatten)]
    pub conversation: SealedConversation,
}

/// A message or a title that was found.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Found {
    /// Its conversation.
    #[schema(value_type = Uuid)]
    pub conversation_id: ConversationId,
    /// The conversation's title.
    pub title: String,
    /// The message; `null` if the title was found.
    pub message_id: Option<Uuid>,
    /// `user`, `assistant` or `title`.
    pub role: String,
    /// The part of the text that shows why.
    pub snippet: String,
    /// The words found, as ranges of Unicode characters of the snippet: start, and the one after the end.
    #[schema(value_type = Vec<Vec<usize>>)]
    pub highlights: Vec<(usize, usize)>,
    /// How well it fits; comparable within one search.
    pub score: f32,
    /// When it was written.
    pub created_at: DateTime<Utc>,
}

impl SealedFound {
    const fn cursor(&self) -> Cursor {
        Cursor { rank: self.rank, written_at: self.found_at.timestamp_micros(), entry_id: self.entry_id }
    }

    /// What was found, opened.
    pub fn open(self, query: &SearchQuery, key: Option<&ContentKey>) -> Found {
        let text = key.and_then(|key| self.text(key));
        let conversation = self.conversation.open(key);
        let text = text.unwrap_or_else(|| conversation.title.clone());
        let (snippet, highlights) = snippet(&text, |lower, stemmed| query.wants(lower, stemmed));
        let is_message = self.role.is_some();
        Found {
            conversation_id: conversation.id,
            title: conversation.title,
            message_id: is_message.then_some(self.entry_id),
            role: self.role.unwrap_or_else(|| "title".to_owned()),
            snippet,
            highlights,
            score: self.rank,
            created_at: self.found_at,
        }
    }

    fn text(&self, key: &ContentKey) -> Option<String> {
        let event_type = self.event_type.as_deref()?;
        let aad = AssociatedData::Event {
            aggregate: AggregateType::Conversation,
            aggregate_id: self.conversation.id,
            sequence: Version(self.sequence?.unsigned_abs()),
            event_type,
        };
        let json = key.open(&aad, self.private.as_deref()?).ok()?;
        match event_type {
            "QuestionAsked" => {
                serde_json::from_slice::<Question>(&json).ok().map(|asked| asked.text.into_string())
            }
            "ConversationRenamed" => {
                serde_json::from_slice::<Titled>(&json).ok().map(|named| named.title.into_string())
            }
            _ => serde_json::from_slice::<Answer>(&json).ok().map(|answer| answer.text),
        }
    }
}

/// Searches an owner's messages and titles: best first, and of equals the newest.
pub async fn find(
    executor: impl PgExecutor<'_>,
    owner: UserId,
    key: &BlindKey,
    query: &SearchQuery,
    filter: &Filter,
    after: Option<Cursor>,
    limit: u32,
) -> Result<Page<SealedFound, Cursor>, sqlx::Error> {
    let mut items: Vec<SealedFound> = sqlx::query_as(FIND)
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
    let more = items.len() > limit as usize;
    items.truncate(limit as usize);
    let next = items.last().filter(|_| more).map(SealedFound::cursor);
    Ok(Page { items, next })
}

const FIND: &str = owned!(
    "SELECT f.entry_id, f.rank, f.created_at AS found_at, m.role, m.sequence, m.event_type, m.private,
            c.id, c.version, c.created_at, c.updated_at, c.message_count, c.answering, c.pinned, c.archived, c.card,
            k.wrapped
       FROM (SELECT s.conversation_id, s.entry_id, s.created_at, ts_rank_cd(s.tokens, $2::tsquery) AS rank
               FROM my_search_entries s
               JOIN my_conversations c ON c.id = s.conversation_id AND c.owner = me.owner AND c.deleted_at IS NULL
              WHERE s.owner = me.owner AND s.tokens @@ $2::tsquery
                AND ($3::bool IS NULL OR c.archived = $3)
                AND ($4::bool IS NULL OR c.pinned = $4)
                AND ($5::text IS NULL OR $5 = ANY (c.tag_tokens))
                AND ($6::timestamptz IS NULL OR s.created_at >= $6)
                AND ($7::timestamptz IS NULL OR s.created_at < $7)
                AND ($8::real IS NULL OR (ts_rank_cd(s.tokens, $2::tsquery), s.created_at, s.entry_id) < ($8, $9, $10))
              ORDER BY rank DESC, s.created_at DESC, s.entry_id DESC LIMIT $11) AS f
       JOIN my_conversations c ON c.id = f.conversation_id AND c.owner = me.owner
       LEFT JOIN my_messages m ON m.conversation_id = f.conversation_id AND m.id = f.entry_id AND m.owner = me.owner
       LEFT JOIN my_keys k ON k.kind = 'conversation' AND k.id = c.id AND k.owner = me.owner
      ORDER BY f.rank DESC, f.created_at DESC, f.entry_id DESC"
);

#[cfg(test)]
mod tests {
    use super::*;

    fn word(lower: &str, beginning: bool) -> Part {
        Part::Word { lower: lower.into(), beginning }
    }

    #[test]
    fn words_phrases_and_beginnings_are_told_apart() {
        let query = SearchQuery::parse(r#"Borrow "move the value" own"#).unwrap();
        let phrase = Part::Phrase(vec![("move".into(), 1), ("value".into(), 2)]);
        assert_eq!(query.parts, [word("borrow", false), phrase, word("own", true)]);
        assert_eq!(SearchQuery::parse("own* x").unwrap().parts, [word("own", true), word("x", true)]);
    }

    #[test]
    fn a_search_for_nothing_is_no_search() {
        assert_eq!(SearchQuery::parse(""), None);
        assert_eq!(SearchQuery::parse(" \"\" the !!"), None);
    }

    #[test]
    fn a_quotation_mark_without_a_partner_is_none() {
        assert_eq!(SearchQuery::parse("\"borrow").unwrap().parts, [word("borrow", true)]);
    }
}

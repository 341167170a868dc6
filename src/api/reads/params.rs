//! Parameters of queries, parsed and normalized.

mod values;

use aggregates::UserId;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use chrono::{DateTime, Utc};
use projections::conversations::Filter;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::api::problem::Problem;
use store::{Keyring, StoreError};
#[cfg(any(test, feature = "fuzzing"))]
pub(in crate::api) use values::is_value;
pub(in crate::api) use values::{Count, Counter, Day, Flag, Id, InvalidValue, Time};

const DEFAULT_PAGE_SIZE: u32 = 20;
const MAX_PAGE_SIZE: u32 = 100;

/// Longest cursor, in bytes.
const MAX_CURSOR_BYTES: usize = 1_024;
/// Longest tag of a conversation, in characters.
const MAX_TAG_CHARACTERS: usize = 50;

/// Parameters of the query string. A parameter that cannot be parsed is a problem; an unknown one is ignored.
pub(in crate::api) struct QueryParams<T>(pub(in crate::api) T);

impl<T: DeserializeOwned, S: Sync> FromRequestParts<S> for QueryParams<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let query = form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes());
        let params = serde_path_to_error::deserialize(serde_urlencoded::Deserializer::new(query));
        params.map(Self).map_err(|error| invalid_parameter(&error))
    }
}

fn invalid_parameter(error: &serde_path_to_error::Error<serde_urlencoded::de::Error>) -> Problem {
    let detail = error.inner().to_string();
    // The path of a field that is there twice is that of the whole query.
    match detail.strip_prefix("duplicate field `").and_then(|rest| rest.strip_suffix('`')) {
        Some(field) => Problem::invalid_field(field.to_owned(), "The parameter must be given once."),
        None => Problem::invalid_field(error.path().to_string(), detail),
    }
}

/// Parses an id of the path or of a parameter.
pub(in crate::api) fn parse_id<T: From<Uuid>>(text: &str, field: &'static str) -> Result<T, Problem> {
    let id: Result<Id, _> = text.parse();
    id.map(|Id(id)| T::from(id)).map_err(|invalid| Problem::invalid_field(field, invalid.to_string()))
}

/// Checks the number of items on a page.
pub(in crate::api) fn page_size(limit: Option<Count>) -> Result<u32, Problem> {
    match limit {
        None => Ok(DEFAULT_PAGE_SIZE),
        Some(Count(limit @ 1..=MAX_PAGE_SIZE)) => Ok(limit),
        Some(_) => Err(Problem::invalid_field("limit", "The value must be 1 to 100.")),
    }
}

/// Checks the length of a cursor. The cursor itself is checked when it is decoded.
pub(in crate::api) fn bounded_cursor(cursor: Option<String>) -> Result<Option<String>, Problem> {
    match cursor {
        Some(cursor) if cursor.len() > MAX_CURSOR_BYTES => Err(Problem::invalid_cursor()),
        cursor => Ok(cursor),
    }
}

fn normal_tag(tag: &str) -> Result<String, Problem> {
    if tag.chars().count() > MAX_TAG_CHARACTERS {
        return Err(Problem::invalid_field("tag", "The value must be at most 50 characters."));
    }
    Ok(tag.trim().to_lowercase())
}

/// One page.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct PageOf<T> {
    /// The items of the page.
    pub(in crate::api) items: Vec<T>,
    /// Cursor of the next page; `null` on the last page.
    #[schema(required)]
    pub(in crate::api) next_cursor: Option<String>,
}

/// Waits for the caller's own writes.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(in crate::api) struct ConsistencyParams {
    /// Waits up to 2 s until the read model has this version.
    #[param(value_type = Option<u64>, maximum = 9_223_372_036_854_775_807_i64)]
    pub(in crate::api) min_version: Option<Counter>,
    /// Waits up to 2 s until the read models have reached this position of the ledger. Not far
    /// beyond its end.
    #[param(value_type = Option<u64>, maximum = 9_223_372_036_854_775_807_i64)]
    pub(in crate::api) min_position: Option<Counter>,
}

/// Filters of lists of conversations and of searches.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(in crate::api) struct FilterParams {
    /// Only archived conversations, or only others.
    #[param(value_type = Option<bool>)]
    archived: Option<Flag>,
    /// Only pinned conversations, or only others.
    #[param(value_type = Option<bool>)]
    pinned: Option<Flag>,
    /// Only conversations with this tag.
    #[param(max_length = 50)]
    tag: Option<String>,
    /// Only conversations with activity at this time or later.
    #[param(value_type = Option<DateTime<Utc>>)]
    from: Option<Time>,
    /// Only conversations with activity before this time.
    #[param(value_type = Option<DateTime<Utc>>)]
    to: Option<Time>,
    /// Items on a page; 20 by default.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100)]
    limit: Option<Count>,
    /// The `next_cursor` of the previous page.
    cursor: Option<String>,
    /// Waits up to 2 s until the read models have reached this position of the ledger. Not far
    /// beyond its end.
    #[param(value_type = Option<u64>, maximum = 9_223_372_036_854_775_807_i64)]
    pub(in crate::api) min_position: Option<Counter>,
}

/// [`FilterParams`] with defaults filled in: equal for all ways to write the same query.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ListQuery {
    archived: Option<bool>,
    pinned: Option<bool>,
    /// Trimmed and in lower case.
    tag: Option<String>,
    from: Option<DateTime<Utc>>,
    to: Option<DateTime<Utc>>,
    pub(in crate::api) limit: u32,
    pub(in crate::api) cursor: Option<String>,
}

impl FilterParams {
    /// Checks the limits and brings the parameters into their normal form.
    pub(in crate::api) fn normalize(self) -> Result<ListQuery, Problem> {
        Ok(ListQuery {
            archived: self.archived.map(|flag| flag.0),
            pinned: self.pinned.map(|flag| flag.0),
            tag: self.tag.as_deref().map(normal_tag).transpose()?,
            from: self.from.map(|time| time.0),
            to: self.to.map(|time| time.0),
            limit: page_size(self.limit)?,
            cursor: bounded_cursor(self.cursor)?,
        })
    }
}

impl ListQuery {
    /// The filter of the read models, which know tags by their keyed hashes alone.
    pub(in crate::api) async fn filter(&self, keyring: &Keyring, owner: UserId) -> Result<Filter, Problem> {
        let tag = match &self.tag {
            None => None,
            Some(tag) => {
                let key = keyring.user(owner).await?.ok_or(StoreError::KeyDestroyed)?;
                Some(key.blind_key().tag(tag).into_string())
            }
        };
        Ok(Filter { archived: self.archived, pinned: self.pinned, tag, from: self.from, to: self.to })
    }

    /// Bytes on the heap.
    pub(super) fn heap_bytes(&self) -> usize {
        [&self.tag, &self.cursor].into_iter().flatten().map(String::capacity).sum()
    }
}

#[cfg(test)]
mod tests {
    use aggregates::ConversationId;
    use aggregates::conversation::AnswerStatus;
    use projections::search::{HitRole, SearchHit};

    use super::*;
    use crate::api::snapshots::{answer, assert_json, conversation_row, document_row, id, question, time};

    async fn parsed(query: &str) -> Result<ListQuery, Problem> {
        let request = axum::http::Request::builder().uri(format!("/v1/conversations?{query}"));
        let (mut parts, ()) = request.body(()).unwrap().into_parts();
        QueryParams::<FilterParams>::from_request_parts(&mut parts, &()).await?.0.normalize()
    }

    async fn normalized(query: &str) -> ListQuery {
        parsed(query).await.unwrap()
    }

    #[test]
    fn pages_match_their_snapshots() {
        let page = |next_cursor| PageOf { items: vec![conversation_row()], next_cursor };
        assert_json("page_of_conversations", &page(Some("bmV4dA".to_owned())));
        assert_json("last_page_of_conversations", &page(None));
        let items = vec![
            question(),
            answer(AnswerStatus::Requested),
            answer(AnswerStatus::Completed),
            answer(AnswerStatus::Stopped),
            answer(AnswerStatus::Failed),
        ];
        assert_json("page_of_messages", &PageOf { items, next_cursor: None });
        assert_json("page_of_documents", &PageOf { items: vec![document_row()], next_cursor: None });
        let hit = SearchHit {
            conversation_id: ConversationId::new(id(1)),
            title: "Lighthouses".to_owned(),
            message_id: Some(id(2)),
            role: HitRole::User,
            snippet: "When is the lamp lit?".to_owned(),
            highlights: vec![(12, 16)],
            score: 0.25,
            created_at: time(),
        };
        assert_json("page_of_search_hits", &PageOf { items: vec![hit], next_cursor: None });
    }

    #[tokio::test]
    async fn a_parameter_that_is_not_valid_is_named() {
        for (query, field) in [
            ("limit=x", "limit"),
            ("limit=0", "limit"),
            ("limit=5&limit=6", "limit"),
            ("from=-9999-01-01T00:00:00Z", "from"),
            ("to=%2B12345-01-01T00:00:00Z", "to"),
            ("archived=maybe", "archived"),
            ("min_position=9223372036854775808", "min_position"),
            (&format!("tag={}", "a".repeat(51)), "tag"),
        ] {
            let problem = parsed(query).await.unwrap_err();
            assert_eq!(problem.field(), Some(field), "{query}: {}", problem.detail());
        }
    }

    #[tokio::test]
    async fn a_query_has_one_normal_form_in_whatever_way_it_is_written() {
        let plain = normalized("").await;
        assert_eq!(normalized("limit=20").await, plain);
        assert_eq!(normalized("utm_source=x&page=7").await, plain);
        assert_eq!(
            normalized("tag=Rust&pinned=true&from=2026-11-26T10:00:00Z").await,
            normalized("from=2026-11-26T12:00:00%2B02:00&pinned=true&tag=%20rust%20&limit=20").await,
        );
        for other in
            ["limit=21", "archived=true", "archived=false", "tag=x", "cursor=x", "to=2026-11-26T10:00:00Z"]
        {
            assert_ne!(normalized(other).await, plain, "{other}");
        }
    }
}

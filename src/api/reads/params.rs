//! Parameters of queries, parsed and normalized.

use std::str::FromStr;

use aggregates::UserId;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use chrono::{DateTime, Utc};
use projections::conversations::Filter;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::api::problem::Problem;
use store::{Keyring, StoreError};

const DEFAULT_PAGE_SIZE: u32 = 20;
const MAX_PAGE_SIZE: u32 = 100;

/// Parameters of the query string. A parameter that cannot be parsed is a problem; an unknown one is ignored.
pub(in crate::api) struct QueryParams<T>(pub(in crate::api) T);

impl<T: DeserializeOwned, S: Sync> FromRequestParts<S> for QueryParams<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let query = axum::extract::Query::try_from_uri(&parts.uri);
        query.map(|query| Self(query.0)).map_err(|_| {
            Problem::malformed(
                "A query parameter cannot be parsed. The document at /openapi.json describes all parameters.",
            )
        })
    }
}

/// Parses an id of the path or of a parameter.
pub(in crate::api) fn parse_id<T: FromStr>(text: &str, field: &'static str) -> Result<T, Problem> {
    text.parse().map_err(|_| Problem::invalid_field(field, "The value must be a UUID."))
}

/// Checks the number of items on a page.
pub(in crate::api) fn page_size(limit: Option<u32>) -> Result<u32, Problem> {
    match limit {
        None => Ok(DEFAULT_PAGE_SIZE),
        Some(limit @ 1..=MAX_PAGE_SIZE) => Ok(limit),
        Some(_) => Err(Problem::invalid_field("limit", "The value must be 1 to 100.")),
    }
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
    pub(in crate::api) min_version: Option<u64>,
    /// Waits up to 2 s until the read models have reached this position of the ledger.
    pub(in crate::api) min_position: Option<u64>,
}

/// Filters of lists of conversations and of searches.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(in crate::api) struct FilterParams {
    /// Only archived conversations, or only others.
    archived: Option<bool>,
    /// Only pinned conversations, or only others.
    pinned: Option<bool>,
    /// Only conversations with this tag.
    tag: Option<String>,
    /// Only conversations with activity at this time or later.
    from: Option<DateTime<Utc>>,
    /// Only conversations with activity before this time.
    to: Option<DateTime<Utc>>,
    /// Items on a page, 1 to 100; 20 by default.
    limit: Option<u32>,
    /// The `next_cursor` of the previous page.
    cursor: Option<String>,
    /// Waits up to 2 s until the read models have reached this position of the ledger.
    pub(in crate::api) min_position: Option<u64>,
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
    /// Checks the limit and brings the parameters into their normal form.
    pub(in crate::api) fn normalize(self) -> Result<ListQuery, Problem> {
        Ok(ListQuery {
            archived: self.archived,
            pinned: self.pinned,
            tag: self.tag.map(|tag| tag.trim().to_lowercase()),
            from: self.from,
            to: self.to,
            limit: page_size(self.limit)?,
            cursor: self.cursor,
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

    async fn normalized(query: &str) -> ListQuery {
        let request = axum::http::Request::builder().uri(format!("/v1/conversations?{query}"));
        let (mut parts, ()) = request.body(()).unwrap().into_parts();
        let params = QueryParams::<FilterParams>::from_request_parts(&mut parts, &()).await.unwrap();
        params.0.normalize().unwrap()
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

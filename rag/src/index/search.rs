//! Searches passages by dense vector, by BM25, or by both. A filter limits each search to shared passages and
//! the owner's own.

use qdrant_client::qdrant::with_vectors_selector::SelectorOptions;
use qdrant_client::qdrant::{
    Condition, Filter, Query, QueryBatchPoints, QueryBatchPointsBuilder, QueryPoints, QueryPointsBuilder,
    QueryResponse, VectorInput, VectorsSelector,
};

use super::connection::Points;
use super::{BM25, Candidate, DENSE, IndexError, PassageIndex, payload};
use crate::sparse::SparseVector;
use crate::vocabulary::{Asker, DocumentId, OwnerId, PassageId};

impl PassageIndex {
    /// Returns the passages nearest to a dense vector, best first.
    pub async fn search_dense(
        &self,
        vector: &[f32],
        owner: OwnerId,
        limit: u64,
    ) -> Result<Vec<PassageId>, IndexError> {
        self.search(Query::new_nearest(vector.to_vec()), DENSE, owner, limit).await
    }

    /// Returns the passages with the highest BM25 score for these terms, best first.
    pub async fn search_sparse(
        &self,
        terms: &SparseVector,
        owner: OwnerId,
        limit: u64,
    ) -> Result<Vec<PassageId>, IndexError> {
        if terms.is_empty() {
            return Ok(Vec::new());
        }
        self.search(sparse_query(terms), BM25, owner, limit).await
    }

    async fn search(
        &self,
        query: Query,
        using: &str,
        owner: OwnerId,
        limit: u64,
    ) -> Result<Vec<PassageId>, IndexError> {
        let request =
            self.query(query, using, visible_to(owner, &[]), limit).with_payload(payload::id_fields());
        let found = self.send(request).await?;
        found.result.into_iter().map(|point| payload::id(&point.payload)).collect()
    }

    /// Returns the `depth` best passages by dense vector and the `depth` best by BM25, each passage once, of
    /// the documents that the asker names. [`Self::bodies`] reads their content.
    pub(crate) async fn candidates(
        &self,
        vector: &[f32],
        terms: &SparseVector,
        asker: &Asker,
        depth: u64,
    ) -> Result<Vec<Candidate>, IndexError> {
        let complete = |request: QueryPointsBuilder| {
            let dense = VectorsSelector { names: vec![DENSE.to_owned()] };
            request.with_payload(payload::id_fields()).with_vectors(SelectorOptions::Include(dense))
        };
        let visible = visible_to(asker.owner, &asker.documents);
        let by_vector = self.query(Query::new_nearest(vector.to_vec()), DENSE, visible.clone(), depth);
        let mut searches = vec![complete(by_vector).build()];
        if !terms.is_empty() {
            searches.push(complete(self.query(sparse_query(terms), BM25, visible, depth)).build());
        }
        let request = QueryBatchPointsBuilder::new(&self.collection, searches);
        let query =
            |mut points: Points, request: QueryBatchPoints| async move { points.query_batch(request).await };
        let answer = self.connection.points(request, query).await?;
        let mut found = answer.result.into_iter().map(|found| found.result);
        let (by_vector, by_terms) = (found.next().unwrap_or_default(), found.next().unwrap_or_default());
        payload::candidates(vector, by_vector, by_terms)
    }

    async fn send(&self, request: QueryPointsBuilder) -> Result<QueryResponse, IndexError> {
        let query = |mut points: Points, request: QueryPoints| async move { points.query(request).await };
        self.connection.points(request, query).await
    }

    fn query(&self, query: Query, using: &str, visible: Filter, limit: u64) -> QueryPointsBuilder {
        QueryPointsBuilder::new(&self.collection).query(query).using(using).filter(visible).limit(limit)
    }
}

fn sparse_query(terms: &SparseVector) -> Query {
    Query::new_nearest(VectorInput::new_sparse(terms.indices.clone(), terms.values.clone()))
}

/// Matches shared passages and the passages of the owner, of these documents if any is named.
fn visible_to(owner: OwnerId, documents: &[DocumentId]) -> Filter {
    let own = Filter::must([
        Condition::matches(payload::SCOPE, payload::USER.to_owned()),
        Condition::matches(payload::OWNER, owner.to_string()),
    ]);
    let visible = Filter::should([
        Condition::matches(payload::SCOPE, payload::SHARED.to_owned()),
        Condition::from(own),
    ]);
    if documents.is_empty() {
        return visible;
    }
    let names: Vec<String> = documents.iter().map(ToString::to_string).collect();
    Filter { must: vec![Condition::matches(payload::DOCUMENT_ID, names)], ..visible }
}

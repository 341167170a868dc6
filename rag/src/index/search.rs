//! Searches the passages: by meaning, by terms, or by both at once. What one person may see, the filter says.

use qdrant_client::qdrant::with_vectors_selector::SelectorOptions;
use qdrant_client::qdrant::{Condition, Filter, Query, QueryPointsBuilder, VectorInput, VectorsSelector};

use super::{BM25, Candidate, DENSE, IndexError, PassageIndex, payload};
use crate::sparse::SparseVector;
use crate::vocabulary::{OwnerId, PassageId};

impl PassageIndex {
    /// The passages nearest to a vector, the best first.
    pub async fn by_meaning(
        &self,
        vector: &[f32],
        owner: OwnerId,
        limit: u64,
    ) -> Result<Vec<PassageId>, IndexError> {
        self.by(Query::new_nearest(vector.to_vec()), DENSE, owner, limit).await
    }

    /// The passages with the most of these terms by BM25, the best first.
    pub async fn by_terms(
        &self,
        terms: &SparseVector,
        owner: OwnerId,
        limit: u64,
    ) -> Result<Vec<PassageId>, IndexError> {
        if terms.is_empty() {
            return Ok(Vec::new());
        }
        let terms = VectorInput::new_sparse(terms.indices.clone(), terms.values.clone());
        self.by(Query::new_nearest(terms), BM25, owner, limit).await
    }

    async fn by(
        &self,
        query: Query,
        using: &str,
        owner: OwnerId,
        limit: u64,
    ) -> Result<Vec<PassageId>, IndexError> {
        let request = self.nearest(query, using, owner, limit).with_payload(payload::place());
        let found = self.within(self.client.query(request)).await?;
        found.result.into_iter().map(|point| payload::id(&point.payload)).collect()
    }

    /// The `depth` best passages by vector and the `depth` best by terms that this person may see, each once.
    pub(crate) async fn candidates(
        &self,
        vector: &[f32],
        terms: &SparseVector,
        owner: OwnerId,
        depth: u64,
    ) -> Result<Vec<Candidate>, IndexError> {
        let whole = |request: QueryPointsBuilder| {
            let dense = VectorsSelector { names: vec![DENSE.to_owned()] };
            request.with_payload(true).with_vectors(SelectorOptions::Include(dense))
        };
        let by_vector = whole(self.nearest(Query::new_nearest(vector.to_vec()), DENSE, owner, depth));
        if terms.is_empty() {
            let found = self.within(self.client.query(by_vector)).await?;
            return payload::candidates(vector, found.result, Vec::new());
        }
        let terms = VectorInput::new_sparse(terms.indices.clone(), terms.values.clone());
        let by_terms = whole(self.nearest(Query::new_nearest(terms), BM25, owner, depth));
        let (near, worded) = tokio::try_join!(
            self.within(self.client.query(by_vector)),
            self.within(self.client.query(by_terms))
        )?;
        payload::candidates(vector, near.result, worded.result)
    }

    fn nearest(&self, query: Query, using: &str, owner: OwnerId, limit: u64) -> QueryPointsBuilder {
        QueryPointsBuilder::new(&self.collection)
            .query(query)
            .using(using)
            .filter(visible_to(owner))
            .limit(limit)
    }
}

/// Shared, or this person's own.
fn visible_to(owner: OwnerId) -> Filter {
    let own = Filter::must([
        Condition::matches(payload::SCOPE, payload::USER.to_owned()),
        Condition::matches(payload::OWNER, owner.to_string()),
    ]);
    Filter::should([Condition::matches(payload::SCOPE, payload::SHARED.to_owned()), Condition::from(own)])
}

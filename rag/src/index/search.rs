//! Searches the passages: by meaning, by terms, or by both at once. What one person may see, the filter says.

use qdrant_client::qdrant::{
    Condition, Filter, PrefetchQuery, PrefetchQueryBuilder, Query, QueryPointsBuilder, VectorInput,
};

use super::{BM25, Candidate, DENSE, IndexError, PassageIndex, payload};
use crate::passage::{OwnerId, PassageId};
use crate::sparse::SparseVector;

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
        let request = QueryPointsBuilder::new(&self.collection)
            .query(query)
            .using(using)
            .filter(visible_to(owner))
            .with_payload(payload::place())
            .limit(limit);
        let found = self.within(self.client.query(request)).await?;
        found.result.into_iter().map(|mut point| payload::id(&mut point.payload)).collect()
    }

    /// The `depth` best passages by vector and the `depth` best by terms that this person may see, each with both of
    /// its scores, so that they can be weighed against each other.
    pub(crate) async fn candidates(
        &self,
        dense: &[f32],
        sparse: &SparseVector,
        owner: OwnerId,
        depth: u64,
    ) -> Result<Vec<Candidate>, IndexError> {
        let dense = Query::new_nearest(dense.to_vec());
        let terms = VectorInput::new_sparse(sparse.indices.clone(), sparse.values.clone());
        let terms = (!sparse.is_empty()).then(|| Query::new_nearest(terms));
        let filter = visible_to(owner);
        let by_vector =
            self.rescore(&dense, DENSE, &dense, terms.as_ref(), &filter, depth).with_payload(true);
        let Some(terms) = &terms else {
            let found = self.within(self.client.query(by_vector)).await?;
            return payload::candidates(found.result, &[]);
        };
        let by_terms = self.rescore(terms, BM25, &dense, Some(terms), &filter, depth).with_payload(false);
        let (found, scored) = tokio::try_join!(
            self.within(self.client.query(by_vector)),
            self.within(self.client.query(by_terms))
        )?;
        payload::candidates(found.result, &scored.result)
    }

    /// Both searches' best, scored by one of them.
    fn rescore(
        &self,
        scorer: &Query,
        using: &str,
        dense: &Query,
        terms: Option<&Query>,
        filter: &Filter,
        depth: u64,
    ) -> QueryPointsBuilder {
        let search = |query: &Query, using: &str| -> PrefetchQuery {
            PrefetchQueryBuilder::default()
                .query(query.clone())
                .using(using)
                .filter(filter.clone())
                .limit(depth)
                .build()
        };
        let mut request = QueryPointsBuilder::new(&self.collection)
            .add_prefetch(search(dense, DENSE))
            .query(scorer.clone())
            .using(using)
            .limit(2 * depth);
        if let Some(terms) = terms {
            request = request.add_prefetch(search(terms, BM25));
        }
        request
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

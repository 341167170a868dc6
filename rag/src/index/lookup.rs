//! Reads passages by id.

use qdrant_client::qdrant::{GetPoints, GetPointsBuilder};

use super::connection::Points;
use super::{IndexError, PassageIndex, payload};
use crate::vocabulary::{ContentVersion, PassageBody, PassageId};

impl PassageIndex {
    /// Returns those of the passages that exist in this version of their document, sorted by id.
    pub async fn passages(
        &self,
        ids: &[PassageId],
        version: ContentVersion,
    ) -> Result<Vec<(PassageId, PassageBody)>, IndexError> {
        let points: Vec<_> = ids.iter().map(|id| id.point_id(version).to_string().into()).collect();
        let request = GetPointsBuilder::new(&self.collection, points).with_payload(true);
        let get = |mut points: Points, request: GetPoints| async move { points.get(request).await };
        let answer = self.connection.points(request, get).await?;
        let mut passages: Vec<_> = answer
            .result
            .into_iter()
            .map(|point| Ok((payload::id(&point.payload)?, payload::body(point.payload)?)))
            .collect::<Result<_, IndexError>>()?;
        passages.sort_unstable_by_key(|(id, _)| *id);
        Ok(passages)
    }
}

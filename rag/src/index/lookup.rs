//! Reads passages by id.

use std::collections::HashMap;

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
        let versions: Vec<_> = ids.iter().map(|id| (*id, version)).collect();
        let found = self.bodies(&versions).await?;
        let mut passages: Vec<_> = found.into_iter().map(|((id, _), body)| (id, body)).collect();
        passages.sort_unstable_by_key(|(id, _)| *id);
        Ok(passages)
    }

    /// Returns the content of those of the passages that exist, each in its version.
    pub(crate) async fn bodies(
        &self,
        passages: &[(PassageId, ContentVersion)],
    ) -> Result<HashMap<(PassageId, ContentVersion), PassageBody>, IndexError> {
        if passages.is_empty() {
            return Ok(HashMap::new());
        }
        let point = |(id, version): &(PassageId, ContentVersion)| id.point_id(*version).to_string().into();
        let points: Vec<_> = passages.iter().map(point).collect();
        let request = GetPointsBuilder::new(&self.collection, points).with_payload(true);
        let get = |mut points: Points, request: GetPoints| async move { points.get(request).await };
        let answer = self.connection.points(request, get).await?;
        answer
            .result
            .into_iter()
            .map(|point| {
                let key = (payload::id(&point.payload)?, payload::content_version(&point.payload));
                Ok((key, payload::body(point.payload)?))
            })
            .collect()
    }
}

//! Point ids and paths into payloads.

use qdrant_client::qdrant::{self as grpc, point_id::PointIdOptions};
use qdrant_edge::{JsonPath, PointId};
use uuid::Uuid;

use crate::failure::Failure;

/// The engine's id for a message's, which must be there.
pub(crate) fn point_id(id: Option<grpc::PointId>) -> Result<PointId, Failure> {
    match id.and_then(|id| id.point_id_options) {
        Some(PointIdOptions::Num(number)) => Ok(PointId::NumId(number)),
        Some(PointIdOptions::Uuid(text)) => Uuid::parse_str(&text)
            .map(PointId::Uuid)
            .map_err(|_| Failure::Malformed(format!("Unable to parse UUID: {text}"))),
        None => Err(Failure::Malformed("Empty ID is not allowed".to_owned())),
    }
}

/// The engine's ids for a message's.
pub(crate) fn point_ids(ids: Vec<grpc::PointId>) -> Result<Vec<PointId>, Failure> {
    ids.into_iter().map(|id| point_id(Some(id))).collect()
}

/// The message's id for the engine's.
pub(crate) fn grpc_id(id: PointId) -> grpc::PointId {
    let options = match id {
        PointId::NumId(number) => PointIdOptions::Num(number),
        PointId::Uuid(uuid) => PointIdOptions::Uuid(uuid.to_string()),
    };
    grpc::PointId { point_id_options: Some(options) }
}

/// The path that a payload key such as `document.title` names.
pub(crate) fn json_path(key: &str) -> Result<JsonPath, Failure> {
    key.parse().map_err(|()| Failure::Malformed(format!("Invalid json path: '{key}'")))
}

/// The paths that payload keys name.
pub(crate) fn json_paths(keys: &[String]) -> Result<Vec<JsonPath>, Failure> {
    keys.iter().map(|key| json_path(key)).collect()
}

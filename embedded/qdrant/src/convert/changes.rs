//! Changes of points, payloads and payload indexes.

use qdrant_client::qdrant::points_selector::PointsSelectorOneOf;
use qdrant_client::qdrant::{self as grpc};
use qdrant_edge::{
    ConditionalInsertOperation, CreateIndex, DeletePayloadOp, EdgeConfig, FieldIndexOperations, Filter,
    PayloadOps, PointId, PointInsertOperations, PointOperations, PointStructPersisted, SetPayloadOp,
    UpdateMode, UpdateOperation,
};

use crate::convert::ids::{json_path, json_paths, point_id, point_ids};
use crate::convert::payload::payload;
use crate::convert::{fields, filter, vectors};
use crate::failure::Failure;

/// Insert or replace points, perhaps under a condition.
pub(crate) fn upsert(request: grpc::UpsertPoints, config: &EdgeConfig) -> Result<UpdateOperation, Failure> {
    if request.points.is_empty() {
        return Err(empty());
    }
    let mode = request
        .update_mode
        .map(|number| match grpc::UpdateMode::try_from(number) {
            Ok(grpc::UpdateMode::Upsert) => Ok(UpdateMode::Upsert),
            Ok(grpc::UpdateMode::InsertOnly) => Ok(UpdateMode::InsertOnly),
            Ok(grpc::UpdateMode::UpdateOnly) => Ok(UpdateMode::UpdateOnly),
            Err(_) => Err(Failure::Malformed("Unknown update mode".to_owned())),
        })
        .transpose()?;
    let condition = filter::optional(request.update_filter)?;
    let points = request.points.into_iter().map(|given| point(given, config)).collect::<Result<_, _>>()?;
    let points = PointInsertOperations::PointsList(points);
    Ok(UpdateOperation::PointOperation(if condition.is_none() && mode.is_none() {
        PointOperations::UpsertPoints(points)
    } else {
        PointOperations::UpsertPointsConditional(ConditionalInsertOperation {
            points_op: points,
            condition: condition.unwrap_or_default(),
            update_mode: mode,
        })
    }))
}

fn point(point: grpc::PointStruct, config: &EdgeConfig) -> Result<PointStructPersisted, Failure> {
    Ok(PointStructPersisted {
        id: point_id(point.id)?,
        vector: vectors::to_store(point.vectors, config)?,
        payload: Some(payload(point.payload)),
    })
}

/// Delete points.
pub(crate) fn delete(request: grpc::DeletePoints) -> Result<UpdateOperation, Failure> {
    Ok(UpdateOperation::PointOperation(match selected(request.points)? {
        Selected::Points(ids) => PointOperations::DeletePoints { ids },
        Selected::Filter(filter) => PointOperations::DeletePointsByFilter(filter),
    }))
}

/// Set the given keys of payloads and leave the others.
pub(crate) fn set_payload(request: grpc::SetPayloadPoints) -> Result<UpdateOperation, Failure> {
    payload_change(request).map(PayloadOps::SetPayload).map(UpdateOperation::PayloadOperation)
}

/// Replace payloads as a whole.
pub(crate) fn overwrite_payload(request: grpc::SetPayloadPoints) -> Result<UpdateOperation, Failure> {
    payload_change(request).map(PayloadOps::OverwritePayload).map(UpdateOperation::PayloadOperation)
}

fn payload_change(request: grpc::SetPayloadPoints) -> Result<SetPayloadOp, Failure> {
    let (points, filter) = selected(request.points_selector)?.parts();
    Ok(SetPayloadOp {
        payload: payload(request.payload),
        points,
        filter,
        key: request.key.as_deref().map(json_path).transpose()?,
    })
}

/// Delete keys from payloads.
pub(crate) fn delete_payload(request: grpc::DeletePayloadPoints) -> Result<UpdateOperation, Failure> {
    let (points, filter) = selected(request.points_selector)?.parts();
    let keys = json_paths(&request.keys)?;
    Ok(UpdateOperation::PayloadOperation(PayloadOps::DeletePayload(DeletePayloadOp { keys, points, filter })))
}

/// Empty payloads.
pub(crate) fn clear_payload(request: grpc::ClearPayloadPoints) -> Result<UpdateOperation, Failure> {
    Ok(UpdateOperation::PayloadOperation(match selected(request.points)? {
        Selected::Points(points) => PayloadOps::ClearPayload { points },
        Selected::Filter(filter) => PayloadOps::ClearPayloadByFilter(filter),
    }))
}

/// Index a key of the payloads.
pub(crate) fn create_index(request: &grpc::CreateFieldIndexCollection) -> Result<UpdateOperation, Failure> {
    let field_name = json_path(&request.field_name)?;
    let Some(schema) = fields::schema(request.field_type, request.field_index_params.clone())? else {
        return Err(qdrant_edge::OperationError::TypeInferenceError { field_name }.into());
    };
    let index = CreateIndex { field_name, field_schema: Some(schema) };
    Ok(UpdateOperation::FieldIndexOperation(FieldIndexOperations::CreateIndex(index)))
}

/// Drop the index of a key.
pub(crate) fn delete_index(request: &grpc::DeleteFieldIndexCollection) -> Result<UpdateOperation, Failure> {
    let field_name = json_path(&request.field_name)?;
    Ok(UpdateOperation::FieldIndexOperation(FieldIndexOperations::DeleteIndex(field_name)))
}

/// The points that a change is for.
enum Selected {
    Points(Vec<PointId>),
    Filter(Filter),
}

impl Selected {
    fn parts(self) -> (Option<Vec<PointId>>, Option<Filter>) {
        match self {
            Self::Points(ids) => (Some(ids), None),
            Self::Filter(filter) => (None, Some(filter)),
        }
    }
}

fn selected(selector: Option<grpc::PointsSelector>) -> Result<Selected, Failure> {
    match selector.and_then(|selector| selector.points_selector_one_of) {
        Some(PointsSelectorOneOf::Points(list)) if list.ids.is_empty() => Err(empty()),
        Some(PointsSelectorOneOf::Points(list)) => point_ids(list.ids).map(Selected::Points),
        Some(PointsSelectorOneOf::Filter(filter)) => filter::required(filter).map(Selected::Filter),
        None => Err(Failure::Malformed("PointSelector is missing".to_owned())),
    }
}

fn empty() -> Failure {
    Failure::BadRequest("Empty update request".to_owned())
}

//! The calls that change points, payloads and payload indexes.
//!
//! Every change is on disk before it is answered, whether or not the caller asked to wait. Without `wait` the server
//! answers before it tries, so a change that does not fit the collection is acknowledged and then dropped; so here.

use std::time::Instant;

use qdrant_client::qdrant::{
    ClearPayloadPoints, CreateFieldIndexCollection, DeleteFieldIndexCollection, DeletePayloadPoints,
    DeletePoints, PointsOperationResponse, SetPayloadPoints, UpdateResult, UpdateStatus, UpsertPoints,
};
use qdrant_edge::{EdgeConfig, UpdateOperation};
use tonic::Response;

use super::Answer;
use crate::catalog::Catalog;
use crate::convert::changes;
use crate::failure::Failure;

pub(super) async fn upsert(catalog: &Catalog, request: UpsertPoints) -> Answer<PointsOperationResponse> {
    let (name, wait) = (request.collection_name.clone(), request.wait);
    change(catalog, &name, wait, |config| changes::upsert(request, config)).await
}

pub(super) async fn delete(catalog: &Catalog, request: DeletePoints) -> Answer<PointsOperationResponse> {
    let (name, wait) = (request.collection_name.clone(), request.wait);
    change(catalog, &name, wait, |_| changes::delete(request)).await
}

pub(super) async fn set_payload(
    catalog: &Catalog,
    request: SetPayloadPoints,
) -> Answer<PointsOperationResponse> {
    let (name, wait) = (request.collection_name.clone(), request.wait);
    change(catalog, &name, wait, |_| changes::set_payload(request)).await
}

pub(super) async fn overwrite_payload(
    catalog: &Catalog,
    request: SetPayloadPoints,
) -> Answer<PointsOperationResponse> {
    let (name, wait) = (request.collection_name.clone(), request.wait);
    change(catalog, &name, wait, |_| changes::overwrite_payload(request)).await
}

pub(super) async fn delete_payload(
    catalog: &Catalog,
    request: DeletePayloadPoints,
) -> Answer<PointsOperationResponse> {
    let (name, wait) = (request.collection_name.clone(), request.wait);
    change(catalog, &name, wait, |_| changes::delete_payload(request)).await
}

pub(super) async fn clear_payload(
    catalog: &Catalog,
    request: ClearPayloadPoints,
) -> Answer<PointsOperationResponse> {
    let (name, wait) = (request.collection_name.clone(), request.wait);
    change(catalog, &name, wait, |_| changes::clear_payload(request)).await
}

pub(super) async fn create_field_index(
    catalog: &Catalog,
    request: CreateFieldIndexCollection,
) -> Answer<PointsOperationResponse> {
    change(catalog, &request.collection_name, request.wait, |_| changes::create_index(&request)).await
}

pub(super) async fn delete_field_index(
    catalog: &Catalog,
    request: DeleteFieldIndexCollection,
) -> Answer<PointsOperationResponse> {
    change(catalog, &request.collection_name, request.wait, |_| changes::delete_index(&request)).await
}

async fn change(
    catalog: &Catalog,
    collection: &str,
    wait: Option<bool>,
    operation: impl FnOnce(&EdgeConfig) -> Result<UpdateOperation, Failure>,
) -> Answer<PointsOperationResponse> {
    let started = Instant::now();
    let wait = wait.unwrap_or(false);
    let collection = catalog.get(collection).await?;
    let outcome = match operation(&collection.config) {
        Ok(operation) => collection.shard.write(operation).await,
        Err(failure) => Err(failure),
    };
    let operation_id = match outcome {
        Ok(number) => Some(number),
        Err(failure @ (Failure::WrongInput(_) | Failure::MissingPoint(_))) if !wait => {
            tracing::warn!(error = %failure, "dropped a change that nobody waits for");
            None
        }
        Err(failure) => return Err(failure.into()),
    };
    let status = if wait { UpdateStatus::Completed } else { UpdateStatus::Acknowledged };
    Ok(Response::new(PointsOperationResponse {
        result: Some(UpdateResult { operation_id, status: status.into() }),
        time: started.elapsed().as_secs_f64(),
        usage: None,
    }))
}

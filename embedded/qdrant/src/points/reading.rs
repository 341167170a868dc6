//! The calls that read points: by id, page by page, counted, or found by a query.

use std::time::Instant;

use qdrant_client::qdrant::{
    BatchResult, CountPoints, CountResponse, CountResult, GetPoints, GetResponse, QueryBatchPoints,
    QueryBatchResponse, QueryPoints, QueryResponse, ScrollPoints, ScrollResponse,
};
use qdrant_edge::{
    CountRequest, EdgeShard, OrderByInterface, ScoredPoint, ScrollRequest, WithPayloadInterface,
};
use tonic::Response;

use super::Answer;
use crate::catalog::Catalog;
use crate::convert::ids::{grpc_id, point_id, point_ids};
use crate::convert::payload::with_payload;
use crate::convert::vectors::with_vectors;
use crate::convert::{filter, query as queries, results};
use crate::failure::Failure;

pub(super) async fn get(catalog: &Catalog, request: GetPoints) -> Answer<GetResponse> {
    let started = Instant::now();
    let collection = catalog.get(&request.collection_name).await?;
    let ids = point_ids(request.ids)?;
    let payload = with_payload(request.with_payload)?.unwrap_or(WithPayloadInterface::Bool(true));
    let vectors = with_vectors(request.with_vectors);
    let records =
        collection.shard.read(move |engine| Ok(engine.retrieve(&ids, Some(payload), Some(vectors))?)).await?;
    Ok(Response::new(GetResponse {
        result: records.into_iter().map(results::retrieved).collect(),
        time: started.elapsed().as_secs_f64(),
        usage: None,
    }))
}

pub(super) async fn scroll(catalog: &Catalog, request: ScrollPoints) -> Answer<ScrollResponse> {
    let started = Instant::now();
    let collection = catalog.get(&request.collection_name).await?;
    if request.limit == Some(0) {
        let why = "value 0 invalid, must be 1 or larger".to_owned();
        return Err(Failure::OutOfBounds("limit", why).into());
    }
    let scroll = ScrollRequest {
        offset: request.offset.map(|id| point_id(Some(id))).transpose()?,
        limit: request.limit.map(|limit| filter::size(limit.into())),
        filter: filter::optional(request.filter)?,
        with_payload: with_payload(request.with_payload)?,
        with_vector: with_vectors(request.with_vectors),
        order_by: request.order_by.map(queries::order_by).transpose()?.map(OrderByInterface::Struct),
    };
    let (records, next) = collection.shard.read(move |engine| Ok(engine.scroll(scroll)?)).await?;
    Ok(Response::new(ScrollResponse {
        next_page_offset: next.map(grpc_id),
        result: records.into_iter().map(results::retrieved).collect(),
        time: started.elapsed().as_secs_f64(),
        usage: None,
    }))
}

pub(super) async fn count(catalog: &Catalog, request: CountPoints) -> Answer<CountResponse> {
    let started = Instant::now();
    let collection = catalog.get(&request.collection_name).await?;
    let count =
        CountRequest { filter: filter::optional(request.filter)?, exact: request.exact.unwrap_or(true) };
    let count = collection.shard.read(move |engine| Ok(engine.count(count)?)).await?;
    Ok(Response::new(CountResponse {
        result: Some(CountResult { count: count as u64 }),
        time: started.elapsed().as_secs_f64(),
        usage: None,
    }))
}

pub(super) async fn query(catalog: &Catalog, request: QueryPoints) -> Answer<QueryResponse> {
    let started = Instant::now();
    let collection = catalog.get(&request.collection_name).await?;
    let points = collection.shard.read(move |engine| find(request, engine)).await?;
    Ok(Response::new(QueryResponse {
        result: points.into_iter().map(results::scored).collect(),
        time: started.elapsed().as_secs_f64(),
        usage: None,
    }))
}

pub(super) async fn query_batch(catalog: &Catalog, request: QueryBatchPoints) -> Answer<QueryBatchResponse> {
    let started = Instant::now();
    let collection = catalog.get(&request.collection_name).await?;
    let queries = request.query_points;
    let found = collection
        .shard
        .read(move |engine| {
            queries.into_iter().map(|query| find(query, engine)).collect::<Result<Vec<_>, _>>()
        })
        .await?;
    Ok(Response::new(QueryBatchResponse {
        result: found
            .into_iter()
            .map(|points| BatchResult { result: points.into_iter().map(results::scored).collect() })
            .collect(),
        time: started.elapsed().as_secs_f64(),
        usage: None,
    }))
}

/// The engine ranks from the start; the offset is cut off here.
fn find(query: QueryPoints, engine: &EdgeShard) -> Result<Vec<ScoredPoint>, Failure> {
    let request = queries::request(query, engine)?;
    let offset = request.offset;
    let mut points = engine.query(request)?;
    points.drain(..offset.min(points.len()));
    Ok(points)
}

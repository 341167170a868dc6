//! Points as answers carry them.

use qdrant_client::qdrant::{self as grpc, order_value};
use qdrant_edge::{OrderValue, Record, ScoredPoint};

use crate::convert::ids::grpc_id;
use crate::convert::payload::grpc_payload;
use crate::convert::vectors::grpc_vectors;

/// A point that was found, with its score.
pub(crate) fn scored(point: ScoredPoint) -> grpc::ScoredPoint {
    grpc::ScoredPoint {
        id: Some(grpc_id(point.id)),
        payload: grpc_payload(point.payload),
        score: point.score,
        version: point.version,
        vectors: grpc_vectors(point.vector),
        shard_key: None,
        order_value: point.order_value.map(order),
    }
}

/// A point that was read.
pub(crate) fn retrieved(record: Record) -> grpc::RetrievedPoint {
    grpc::RetrievedPoint {
        id: Some(grpc_id(record.id)),
        payload: grpc_payload(record.payload),
        vectors: grpc_vectors(record.vector),
        shard_key: None,
        order_value: record.order_value.map(order),
    }
}

fn order(value: OrderValue) -> grpc::OrderValue {
    let variant = match value {
        OrderValue::Int(number) => order_value::Variant::Int(number),
        OrderValue::Float(number) => order_value::Variant::Float(number),
    };
    grpc::OrderValue { variant: Some(variant) }
}

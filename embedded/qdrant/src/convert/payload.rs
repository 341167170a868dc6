//! Payloads: the JSON that belongs to a point, and which part of it an answer carries.

use std::collections::HashMap;

use qdrant_client::qdrant::with_payload_selector::SelectorOptions;
use qdrant_client::qdrant::{self as grpc};
use qdrant_edge::{Payload, PayloadSelector, WithPayloadInterface};

use crate::convert::ids::json_paths;
use crate::failure::Failure;

/// The engine's payload for a message's.
pub(crate) fn payload(fields: HashMap<String, grpc::Value>) -> Payload {
    Payload(fields.into_iter().map(|(key, value)| (key, value.into())).collect())
}

/// The message's payload for the engine's.
pub(crate) fn grpc_payload(payload: Option<Payload>) -> HashMap<String, grpc::Value> {
    payload
        .map(|payload| payload.0.into_iter().map(|(key, value)| (key, value.into())).collect())
        .unwrap_or_default()
}

/// Which part of the payload is asked for, if the request says.
pub(crate) fn with_payload(
    selector: Option<grpc::WithPayloadSelector>,
) -> Result<Option<WithPayloadInterface>, Failure> {
    Ok(match selector.and_then(|selector| selector.selector_options) {
        None => None,
        Some(SelectorOptions::Enable(enable)) => Some(WithPayloadInterface::Bool(enable)),
        Some(SelectorOptions::Include(include)) => {
            Some(WithPayloadInterface::Selector(PayloadSelector::new_include(json_paths(&include.fields)?)))
        }
        Some(SelectorOptions::Exclude(exclude)) => {
            Some(WithPayloadInterface::Selector(PayloadSelector::new_exclude(json_paths(&exclude.fields)?)))
        }
    })
}

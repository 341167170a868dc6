//! Error responses of each operation.

use utoipa::openapi::path::Operation;
use utoipa::openapi::{
    ContentBuilder, HeaderBuilder, ObjectBuilder, OpenApi, Ref, RefOr, Response, ResponseBuilder, Type,
};
use utoipa::{Modify, ToSchema};

use super::operations;
use crate::api::limits::{BY_ADDRESS, Limit};
use crate::api::problem::ProblemDocument;

const TRY_AGAIN: &str = "Try again after `Retry-After` seconds.";

/// Adds the errors that every operation below `/v1` can end with, and the schema of all errors.
pub(super) struct Problems;

impl Modify for Problems {
    fn modify(&self, document: &mut OpenApi) {
        let name = <ProblemDocument<'_> as ToSchema>::name();
        let components = document.components.get_or_insert_default();
        components
            .schemas
            .insert(<Limit as ToSchema>::name().into_owned(), <Limit as utoipa::PartialSchema>::schema());
        components
            .schemas
            .insert(name.into_owned(), <ProblemDocument<'_> as utoipa::PartialSchema>::schema());
        for (path, operation) in operations(document).filter(|(path, _)| path.starts_with("/v1/")) {
            describe(path, operation);
        }
    }
}

/// Statuses of the errors that every operation of a kind can end with. Every request can be malformed, or
/// meet an unavailable part of the service. A request that needs a token can also be unauthenticated, too
/// frequent, or from an account that is being erased.
fn usual_errors(path: &str, operation: &Operation) -> Vec<u16> {
    let mut statuses = vec![400, 500, 503];
    if operation.security.is_some() {
        statuses.extend([401, 403, 429]);
    }
    if path.contains('{') {
        statuses.push(404);
    }
    if operation.parameters.is_some() {
        statuses.push(422);
    }
    if operation.request_body.is_some() {
        statuses.extend([413, 415, 422]);
    }
    statuses
}

fn describe(path: &str, operation: &mut Operation) {
    let always = usual_errors(path, operation);
    let responses = &mut operation.responses.responses;
    let declared = responses.keys().filter_map(|status| status.parse().ok()).filter(|status| *status >= 400);
    let statuses: Vec<u16> = declared.chain(always).collect();
    for status in statuses {
        responses.insert(status.to_string(), RefOr::T(problem(status)));
    }
    if let Some(RefOr::T(response)) = responses.get_mut("429") {
        let id = operation.operation_id.as_deref().unwrap_or_default();
        let names: Vec<String> = Limit::of_operation(id)
            .iter()
            .chain(BY_ADDRESS)
            .map(|limit| format!("`{}`", limit.name()))
            .collect();
        let names = names.join(", ");
        response.description = format!("A limit is exhausted; `limit` names it: {names}. {TRY_AGAIN}");
    }
    for (status, response) in responses {
        if let RefOr::T(response) = response
            && response.description.is_empty()
        {
            meaning(status.parse().unwrap_or_default()).clone_into(&mut response.description);
        }
    }
}

/// A response with a problem.
fn problem(status: u16) -> Response {
    let schema = Ref::from_schema_name(<ProblemDocument<'_> as ToSchema>::name());
    let content = ContentBuilder::new().schema(Some(schema)).build();
    let response =
        ResponseBuilder::new().description(meaning(status)).content("application/problem+json", content);
    match status {
        401 => response.header("WWW-Authenticate", header(Type::String)),
        429 | 503 => response.header("Retry-After", header(Type::Integer)),
        _ => response,
    }
    .build()
}

fn header(kind: Type) -> utoipa::openapi::Header {
    HeaderBuilder::new().schema(Some(ObjectBuilder::new().schema_type(kind))).build()
}

/// Description of a status.
const fn meaning(status: u16) -> &'static str {
    match status {
        200 => "Success.",
        202 => "Accepted. The events are durable.",
        304 => "The client has the current representation.",
        400 => "The request is malformed, or its cursor belongs to another query.",
        401 => "The token is missing or not valid.",
        403 => "The role does not permit the request, or the account is being erased.",
        404 => "The resource does not exist, or belongs to another user.",
        409 => "The version is not the expected one, or the state does not permit the command.",
        413 => "The request is too large.",
        415 => "The content type or file type is not supported.",
        422 => "A field is not valid; `field` names it.",
        429 => "A limit is exhausted; `limit` names it.",
        503 => {
            "A part of the service is unavailable, and nothing was written. Try again after `Retry-After` seconds. \
             With the type `urn:colloquy:problem:outcome-unknown` it is not known whether the command was written: \
             send it again with the same ids. With the type `urn:colloquy:problem:quarantined` an event of this \
             conversation or document cannot be processed, and it is shown again once an operator has mended that."
        }
        _ => "Internal error. The log has the error under the trace id.",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    #[test]
    fn every_operation_describes_its_errors() {
        let document: Value = serde_json::from_str(&super::super::document()).unwrap();
        let fields = document["components"]["schemas"]["Problem"]["properties"].as_object().unwrap();
        for field in ["type", "title", "status", "detail", "trace_id", "field", "current_version"] {
            assert!(fields.contains_key(field), "{field}");
        }
        let operations = document["paths"].as_object().unwrap().iter().flat_map(|(path, item)| {
            item.as_object().unwrap().iter().map(move |(method, operation)| (path, method, operation))
        });
        let mut described = 0;
        for (path, method, operation) in operations.filter(|(path, ..)| path.starts_with("/v1/")) {
            let responses = operation["responses"].as_object().unwrap();
            assert_eq!(responses.contains_key("401"), operation["security"].is_array(), "{method} {path}");
            for (status, response) in responses.iter().filter(|(status, _)| status.as_str() >= "400") {
                let schema = &response["content"]["application/problem+json"]["schema"]["$ref"];
                assert_eq!(schema, "#/components/schemas/Problem", "{method} {path} {status}");
                assert_ne!(response["description"], "", "{method} {path} {status}");
                described += 1;
            }
        }
        assert!(described > 100, "{described}");
    }
}

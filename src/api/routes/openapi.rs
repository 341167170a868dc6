//! The OpenAPI document, generated from the handlers, and a page that shows it.

mod parameters;
mod problems;

use std::sync::{Arc, LazyLock};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::http::{HeaderValue, Response};
use axum::middleware::map_response;
use axum::routing::get;
use parameters::Parameters;
use problems::Problems;
use utoipa::openapi::path::Operation;
use utoipa::openapi::schema::{ArrayItems, Schema};
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::{Ref, RefOr, Server};
use utoipa::{Modify, OpenApi};
use utoipa_swagger_ui::SwaggerUi;

use crate::api::{
    ApiState, account_commands, audit, commands, conversations, documents, erasures, export, health,
    instructions, invitations, language_models, me, messages, provenance, search, stream, suggestions,
};

#[derive(OpenApi)]
#[openapi(
    info(title = "Colloquy", description = "Event-driven question-answering chat. Commands are stored as events, queries read projections of the events, and answers are streamed."),
    paths(
        commands::command, account_commands::command, invitations::create, conversations::list, conversations::one, documents::add, documents::list, documents::tags, documents::one, documents::remove, documents::change, documents::original, documents::page, documents::passage, messages::list, provenance::get, suggestions::suggest, language_models::list, search::search, me::me, me::usage, instructions::of_account, instructions::of_conversation, instructions::command, erasures::erase, erasures::state, export::export,
        stream::user, stream::conversation, audit::events, audit::follow, audit::conversation, audit::checkpoint, audit::keys, health::livez, health::readyz
    ),
    components(schemas(commands::Command)),
    modifiers(&Bearer, &Pages, &Parameters, &Problems)
)]
struct Document;

struct Bearer;

impl Modify for Bearer {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("bearer", SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)));
    }
}

/// Refers to the schema of the items of a page by name, where utoipa copies it.
struct Pages;

const PAGE_PREFIX: &str = "PageOf_";

impl Modify for Pages {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let Some(components) = &mut document.components else { return };
        for (name, schema) in &mut components.schemas {
            let (Some(item), RefOr::T(Schema::Object(page))) = (name.strip_prefix(PAGE_PREFIX), schema)
            else {
                continue;
            };
            if let Some(RefOr::T(Schema::Array(items))) = page.properties.get_mut("items") {
                items.items = ArrayItems::RefOrSchema(Box::new(Ref::from_schema_name(item).into()));
            }
        }
    }
}

/// All operations with their paths.
fn operations(document: &mut utoipa::openapi::OpenApi) -> impl Iterator<Item = (&str, &mut Operation)> {
    document.paths.paths.iter_mut().flat_map(|(path, item)| {
        let operations = [&mut item.get, &mut item.post, &mut item.put, &mut item.patch, &mut item.delete];
        operations.into_iter().flatten().map(|operation| (path.as_str(), operation))
    })
}

/// Policy of the page that shows the document. Its styles are set by its scripts.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
                      img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; \
                      frame-ancestors 'none'";

/// The document as JSON.
pub fn document() -> String {
    document_below("")
}

/// The document of a service below a base path.
fn document_below(base_path: &str) -> String {
    let mut document = Document::openapi();
    if !base_path.is_empty() {
        document.servers = Some(vec![Server::new(base_path)]);
    }
    document.to_pretty_json().unwrap_or_default()
}

/// `GET /openapi.json`. Encoded once, with the first request.
pub(in crate::api) fn json(base_path: &str) -> Router<ApiState> {
    let base_path = base_path.to_owned();
    let document = Arc::new(LazyLock::new(move || Bytes::from(document_below(&base_path))));
    let headers = [(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "no-cache")];
    Router::new().route("/openapi.json", get(async move || (headers, Bytes::clone(&document))))
}

/// `GET /docs`.
pub(in crate::api) fn page(base_path: &str) -> Router<ApiState> {
    let document = format!("{base_path}/openapi.json");
    let page = SwaggerUi::new("/docs").config(utoipa_swagger_ui::Config::from(document));
    Router::from(page).layer(map_response(async |mut response: Response<Body>| {
        let headers = response.headers_mut();
        headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        response
    }))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::*;

    /// Collects the names of all schemas that a part of the document refers to.
    fn references(part: &Value, names: &mut BTreeSet<String>) {
        match part {
            Value::Object(fields) => {
                if let Some(Value::String(reference)) = fields.get("$ref") {
                    names.insert(reference.strip_prefix("#/components/schemas/").unwrap().to_owned());
                }
                fields.values().for_each(|field| references(field, names));
            }
            Value::Array(items) => items.iter().for_each(|item| references(item, names)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    #[test]
    fn the_document_of_the_page_is_the_generated_one() {
        let committed = include_str!("../../../web/openapi.json");
        assert!(committed == format!("{}\n", document()), "`make generate` writes web/openapi.json");
    }

    #[test]
    fn each_schema_is_defined_and_used() {
        let document: Value = serde_json::from_str(&document()).unwrap();
        let mut used = BTreeSet::new();
        references(&document, &mut used);
        let defined = document["components"]["schemas"].as_object().unwrap().keys().cloned().collect();
        assert_eq!(used, defined);
    }

    #[test]
    fn the_items_of_pages_are_named_schemas() {
        let document: Value = serde_json::from_str(&document()).unwrap();
        for item in ["ConversationRow", "DocumentRow", "Found", "Message"] {
            let items = &document["components"]["schemas"][format!("PageOf_{item}")]["properties"]["items"];
            assert_eq!(items["items"]["$ref"], format!("#/components/schemas/{item}"));
        }
    }
}

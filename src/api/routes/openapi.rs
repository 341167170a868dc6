//! The OpenAPI document, generated from the handlers, and a page that shows it.

mod problems;

use axum::Router;
use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, Response};
use problems::Problems;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::{Modify, OpenApi};
use utoipa_swagger_ui::SwaggerUi;

use crate::api::{
    ApiState, audit, commands, conversations, documents, erasures, export, health, me, messages, search,
    stream,
};

#[derive(OpenApi)]
#[openapi(
    info(title = "Colloquy", description = "Event-driven question-answering chat. Commands are stored as events, queries read projections of the events, and answers are streamed."),
    paths(
        commands::command, conversations::list, conversations::one, documents::add, documents::list, documents::one, documents::remove, documents::passage, messages::list, search::search, me::me, me::usage, erasures::erase, erasures::state, export::export,
        stream::user, stream::conversation, audit::events, audit::follow, audit::conversation, audit::checkpoint, audit::keys, health::livez, health::readyz, health::metrics
    ),
    components(schemas(commands::Command)),
    modifiers(&Bearer, &Problems)
)]
struct Document;

struct Bearer;

impl Modify for Bearer {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("bearer", SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)));
    }
}

/// The document as JSON.
pub fn document() -> String {
    Document::openapi().to_pretty_json().unwrap_or_default()
}

/// `GET /openapi.json`.
pub(in crate::api) async fn json() -> Response<Body> {
    let mut response = Response::new(Body::from(document()));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// `GET /docs`.
pub(in crate::api) fn page() -> Router<ApiState> {
    SwaggerUi::new("/docs").config(utoipa_swagger_ui::Config::from("/openapi.json")).into()
}

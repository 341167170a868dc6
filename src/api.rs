//! The HTTP interface: everything between a socket and a command or a query.
//!
//! `routes` has one module for each resource, `problem` all errors, `middleware` the layers around routes.

mod account_service;
mod accounts;
mod base_path;
mod caller;
mod client_address;
mod cursor;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
pub mod identity;
mod limits;
pub mod live;
mod middleware;
mod models;
mod page;
mod problem;
pub mod reads;
mod routes;
mod server;
#[cfg(test)]
mod snapshots;
mod state;
mod stream;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, FromRef as _};
use axum::routing::{any, get, post};

use client_address::TrustedProxies;
use limits::Limits;
use middleware::headers::ResponseHeaders;
use middleware::shed::Shed;
use middleware::wrap::Wrap;
use middleware::writes::HoldWrites;
use middleware::{Surroundings, compressed, surround, timed};
pub use models::ModelChoices;
use problem::Problem;
pub use routes::openapi::document as openapi;
use routes::{
    accounts as account_commands, audit, commands, conversations, documents, erasures, export, health,
    instructions, invitations, me, messages, models as language_models, openapi as description, provenance,
    search, suggestions,
};
pub use server::serve;
pub use state::{ApiState, Knowledge, Services};

use crate::config::ApiConfig;
use crate::health::Health;
use reads::ReadModels;

/// Largest body, except that of a document: a question of 32,768 bytes with all characters escaped.
const BODY_LIMIT_BYTES: usize = 256 << 10;
/// Time limit of a request.
const TIME_LIMIT: Duration = Duration::from_secs(15);
/// Time limit of a request to the account service, from the first byte of its body.
const ACCOUNTS_TIME_LIMIT: Duration = Duration::from_secs(20);
/// Time limit of a request to a language model, above that of the model.
const SUGGESTIONS_TIME_LIMIT: Duration = Duration::from_secs(45);
/// Time limit of an upload over a slow connection.
const UPLOAD_TIME_LIMIT: Duration = Duration::from_mins(5);

/// All routes with their middleware.
pub fn router(state: ApiState, config: &ApiConfig) -> Router {
    let holding = Wrap(HoldWrites(Arc::<ReadModels>::from_ref(&state)));
    let surroundings = Surroundings {
        limits: Arc::<Limits>::from_ref(&state),
        headers: ResponseHeaders { https_only: config.public_url.is_https() },
        proxies: TrustedProxies::new(&config.trusted_proxies),
        cors_origins: &config.cors_origins,
        body_limit_bytes: BODY_LIMIT_BYTES,
    };
    let shedding = Wrap(Shed(Health::from_ref(&state)));
    let base_path = config.public_url.base_path();
    let routes =
        compressed(timed(resources().layer(shedding).merge(description::json(base_path)), TIME_LIMIT))
            .merge(description::page(base_path))
            .merge(timed(files(), TIME_LIMIT))
            .merge(timed(suggesting(), SUGGESTIONS_TIME_LIMIT))
            .merge(timed(uploads(), UPLOAD_TIME_LIMIT))
            .merge(timed(ledger(), TIME_LIMIT))
            .merge(streams())
            .merge(timed(accounts(), ACCOUNTS_TIME_LIMIT))
            .layer(holding)
            .route("/robots.txt", get(page::robots))
            .fallback(page::serve)
            .method_not_allowed_fallback(async || Problem::method_not_allowed());
    base_path::below(&config.public_url, surround(routes, surroundings).with_state(state))
}

fn resources() -> Router<ApiState> {
    Router::new()
        .route("/v1/conversations", get(conversations::list))
        .route("/v1/conversations/{id}", get(conversations::one))
        .route("/v1/conversations/{id}/commands", post(commands::command))
        .route("/v1/conversations/{id}/messages", get(messages::list))
        .route("/v1/conversations/{id}/answers/{answer_id}/provenance", get(provenance::get))
        .route("/v1/conversations/{id}/instructions", get(instructions::of_conversation))
        .route("/v1/models", get(language_models::list))
        .route("/v1/documents", get(documents::list))
        .route("/v1/documents/tags", get(documents::tags))
        .route("/v1/documents/{id}", get(documents::one).delete(documents::remove))
        .route("/v1/documents/{id}/commands", post(documents::change))
        .route("/v1/documents/{id}/passages/{number}", get(documents::passage))
        .route("/v1/search", get(search::search))
        .route("/v1/usage", get(me::usage))
        .route("/v1/accounts/{user_id}/commands", post(account_commands::command))
        .route("/v1/invitations", post(invitations::create))
        .route("/v1/me", get(me::me).delete(erasures::erase))
        .route("/v1/me/instructions", get(instructions::of_account))
        .route("/v1/me/commands", post(instructions::command))
        .route("/v1/erasures/{receipt}", get(erasures::state))
        .route("/livez", get(health::livez))
        .route("/readyz", get(health::readyz))
}

/// Not compressed: a part of a file is a part of its own bytes, and most of them are compressed already.
fn files() -> Router<ApiState> {
    Router::new()
        .route("/v1/documents/{id}/original", get(documents::original))
        .route("/v1/documents/{id}/pages/{page}", get(documents::page))
}

fn accounts() -> Router<ApiState> {
    Router::new().route("/api/auth/{*path}", any(account_service::proxy))
}

/// A language model answers them.
fn suggesting() -> Router<ApiState> {
    let path = "/v1/conversations/{id}/answers/{answer_id}/suggestions";
    Router::new().route(path, post(suggestions::suggest))
}

fn uploads() -> Router<ApiState> {
    let limit = DefaultBodyLimit::max(documents::BODY_LIMIT_BYTES);
    Router::new().route("/v1/documents", post(documents::add)).layer(limit)
}

/// Not compressed, because an export is as long as the ledger.
fn ledger() -> Router<ApiState> {
    Router::new()
        .route("/v1/audit/events", get(audit::events))
        .route("/v1/audit/events/stream", get(audit::follow))
        .route("/v1/audit/conversations/{id}", get(audit::conversation))
        .route("/v1/audit/checkpoint", get(audit::checkpoint))
        .route("/v1/audit/keys", get(audit::keys))
}

/// Neither compressed nor limited in time.
fn streams() -> Router<ApiState> {
    Router::new()
        .route("/v1/me/export", get(export::export))
        .route("/v1/stream", get(stream::user))
        .route("/v1/conversations/{id}/stream", get(stream::conversation))
}
